"""An event loop whose time is made up: where nothing is ready, the clock jumps to the next timer."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable
from typing import Any

from tests.simulation import quick


class StuckError(Exception):
    """Nothing is ready and no timer is set: nothing would ever happen again."""


class EndlessError(Exception):
    """More has happened than any night needs."""


class Killed(BaseException):  # noqa: N818  not an error: a process that is gone
    """The supervisor process has been killed at this instruction."""


class _Selector(selectors.BaseSelector):
    """Never waits: time passes instead."""

    def __init__(self) -> None:
        self._map: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(
            fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data
        )
        self._map[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._map.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.unregister(fileobj)
        return self.register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        raise AssertionError("the loop waits for nothing")

    def get_map(self) -> Any:
        return self._map

    def close(self) -> None:
        self._map.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in which work of threads is done at once and its result arrives a moment later.

    Attributes:
        now: Seconds since the loop began.
        delay: Gives the seconds that a piece of work takes.
        extra: Seconds that the work that is being done takes beyond that; set by the work itself.
        is_dead: Tells whether the supervisor was killed; a dead one does no work.
        killed: Called where work was cut by a kill; its result never arrives.
        turns: Turns of the loop so far, and how many there may be.
        at_turn: Called before the turn with this number.
    """

    def __init__(self, delay: Callable[[], float], most: int) -> None:
        super().__init__(_Selector())
        self.now = 0.0
        self.delay = delay
        self.extra = 0.0
        self.is_dead: Callable[[], bool] = lambda: False
        self.killed: Callable[[], None] = lambda: None
        self.signals: dict[int, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        self.turns, self.most = 0, most
        self.at_turn: tuple[int, Callable[[], None]] = (0, lambda: None)

    def _run_once(self) -> None:
        quick.run_once(self)

    def turn(self, timeout: float | None) -> None:
        self.turns += 1
        if self.turns == self.at_turn[0]:
            self.at_turn[1]()
            return
        if self.turns > self.most:
            raise EndlessError
        if timeout is None:
            raise StuckError
        if timeout > 0:
            self.now += timeout

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, handle)  # type: ignore[attr-defined]
        handle._scheduled = True  # type: ignore[attr-defined]
        return handle

    def run_in_executor(self, _: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future: asyncio.Future[Any] = self.create_future()
        if self.is_dead():
            future.cancel()
            return future
        self.extra = 0.0
        try:
            result, error = func(*args), None
        except Killed:
            self.call_soon(self.killed)
            return future
        except Exception as raised:
            result, error = None, raised
        self.call_later(self.delay() + self.extra, _deliver, future, result, error)
        return future

    def set_default_executor(self, executor: Any) -> None:
        executor.shutdown(wait=False)

    def add_signal_handler(self, sig: int, callback: Callable[..., None], *args: Any) -> None:  # type: ignore[override]
        self.signals[sig] = (callback, args)

    def remove_signal_handler(self, sig: int) -> bool:
        return self.signals.pop(sig, None) is not None


def _deliver(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.cancelled():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
