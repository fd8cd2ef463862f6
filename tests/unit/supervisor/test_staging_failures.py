"""Staging processes that fail in every way: said with cause and next step, tried again with back-off."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cosmovisor.model.plan import Plan
from cosmovisor.supervisor import program, stager
from cosmovisor.supervisor.context import Context

PLAN = Plan("v2", 100)
OTHER = Plan("v3", 200)
_STAGED = """echo '{"event": "staged"}'"""


class Bench:
    """A stager whose processes are shell lines, and what it said and was asked.

    Attributes:
        lines: The shell lines of the next processes; the last one is used for all that follow.
        orders: The orders that the processes got, in order.
    """

    def __init__(self, context: Context, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.changes = 0
        self.folder = folder
        monkeypatch.setattr(program, "command", self._command)
        self.stager = stager.Stager(
            context, self._changed, lambda level, text: self.said.append((level, text))
        )

    def _command(self, *_: object) -> list[str]:
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        count = f"cat >> {self.folder}/orders; "
        return [line] if line.startswith("/") else ["/bin/sh", "-c", count + line]

    def _changed(self) -> None:
        self.changes += 1

    @property
    def orders(self) -> list[str]:
        path = self.folder / "orders"
        return path.read_text().splitlines() if path.exists() else []

    async def until(self, seen: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not seen():
                await asyncio.sleep(0.005)

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await story()
            finally:
                await self.stager.end()

        asyncio.run(whole())


@pytest.fixture
def bench(context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(context, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("/nonexistent/python", "cannot start /nonexistent/python: No such file or directory"),
        ("exit 3", "ended with status 3 without an answer"),
        ("exit 0", "ended with status 0 without an answer"),
        ("kill -SEGV $$", "was ended by SIGSEGV without an answer"),
        ("echo garbage; echo '[1]'; echo '{\"event\": 7}'; printf '\\377\\376'; exit 0", "without an answer"),
        ("head -c 3000000 /dev/zero; exit 0", "without an answer"),
        (
            """echo '{"event": "failed", "reason": "no such file there", "fix": "Put it."}'; exit 1""",
            "no such file",
        ),
        ("""echo '{"event": "failed", "reason": [1], "retry_after": "soon"}'; exit 1""", "without a reason"),
        ("""echo '{"event": "staged"}'; exit 2""", "ended with status 2"),
    ],
)
def test_a_failure_is_said_once_with_cause_and_next_step_and_tried_again(
    bench: Bench, line: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (0.01, 0.02))
    bench.lines = [line, line, line, _STAGED]

    async def story() -> None:
        bench.stager.stage(PLAN, urgent=False)
        await bench.until(lambda: bench.changes == 4)

    bench.play(story)
    assert len(bench.said) == 1
    level, text = bench.said[0]
    assert level == "warn"
    assert cause in text
    assert "v2" in text or "Put it." in text
    assert "ried again in 0.01 s" in text


@pytest.mark.parametrize("urgent", [False, True])
def test_the_pause_doubles_up_to_its_bound(
    bench: Bench, urgent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (0.01, 0.04))
    monkeypatch.setattr(stager, "_URGENT", (0.01, 0.04))
    bench.lines = ["exit 1"]
    pauses: list[float] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        real = loop.call_later

        def later(wait: float, *given: object) -> asyncio.TimerHandle:
            if given == (bench.stager._start,):
                pauses.append(wait)
            return real(wait, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_later", later)
        bench.stager.stage(PLAN, urgent=urgent)
        await bench.until(lambda: len(pauses) >= 5)

    bench.play(story)
    assert pauses[:5] == [0.01, 0.02, 0.04, 0.04, 0.04]


def test_no_descriptor_left_is_a_failure_like_any_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (0.01, 0.02))
    bench.lines = [_STAGED]
    real = os.pipe
    tries: list[int] = []

    def pipe() -> tuple[int, int]:
        tries.append(1)
        if len(tries) == 2:
            raise OSError(24, "Too many open files")
        return real()

    async def story() -> None:
        monkeypatch.setattr(os, "pipe", pipe)
        before = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
        bench.stager.stage(PLAN, urgent=False)
        if before:
            assert len(os.listdir("/proc/self/fd")) == before
        await bench.until(lambda: bench.changes == 2)

    bench.play(story)
    assert len(bench.said) == 1
    assert "Too many open files" in bench.said[0][1]


def test_another_plan_is_begun_at_once_and_the_end_of_the_one_before_is_no_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (3600.0, 3600.0))
    bench.lines = ["exec sleep 600", _STAGED]

    async def story() -> None:
        bench.stager.stage(PLAN, urgent=False)
        await bench.until(lambda: bench.orders)
        bench.stager.stage(OTHER, urgent=False)
        await bench.until(lambda: len(bench.orders) == 2 and bench.changes >= 2)

    bench.play(story)
    assert '"v3"' in bench.orders[1]
    assert bench.said == []


def test_asked_to_look_again_the_pause_is_cut_short(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stager, "_URGENT", (3600.0, 3600.0))
    bench.lines = ["exit 1", _STAGED]

    async def story() -> None:
        bench.stager.stage(PLAN, urgent=True)
        await bench.until(lambda: bench.stager.next_try_at)
        assert bench.stager.next_try_at > time.time() + 3000
        bench.stager.look_again()
        assert not bench.stager.next_try_at
        await bench.until(lambda: bench.changes == 2)

    bench.play(story)
    assert len(bench.orders) == 2


def test_asked_to_look_again_during_a_try_the_next_follows_soon(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_URGENT", (3600.0, 3600.0))
    go = bench.folder / "go"
    bench.lines = [f"until test -e {go}; do sleep 0.01; done; exit 1", _STAGED]

    async def story() -> None:
        bench.stager.stage(PLAN, urgent=True)
        await bench.until(lambda: bench.orders)
        bench.stager.look_again()
        go.touch()
        await bench.until(lambda: bench.changes == 2)

    bench.play(story)
    assert len(bench.orders) == 2


@pytest.mark.parametrize("kind", ["recheck", "by hand"])
def test_a_check_that_crashes_is_said_and_made_again(
    bench: Bench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (0.01, 0.02))
    bench.lines = ["kill -9 $$", _STAGED]

    async def story() -> None:
        if kind == "recheck":
            bench.stager.recheck(PLAN)
        else:
            bench.stager.prove_ahead(["v2"])
        await bench.until(lambda: bench.changes == 2)

    bench.play(story)
    assert len(bench.orders) == 2
    assert bench.orders[0] == bench.orders[1]
    assert ("recheck" in bench.orders[0] and '"recheck": true' in bench.orders[0]) == (kind == "recheck")
    assert len(bench.said) == 1
    assert signal.SIGKILL.name in bench.said[0][1]


def test_a_check_that_goes_on_crashing_is_given_up_and_others_get_their_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stager, "_CALM", (0.01, 0.02))
    bench.lines = ["exit 9", "exit 9", "exit 9", _STAGED]

    async def story() -> None:
        bench.stager.prove_ahead(["v2", "v4"])
        await bench.until(lambda: any('"v4"' in order for order in bench.orders) and bench.changes >= 4)

    bench.play(story)
    assert sum('"v2"' in order for order in bench.orders) == 3
    assert len(bench.said) == 1


def test_what_is_wrong_with_a_binary_placed_by_hand_is_said_at_once(bench: Bench) -> None:
    bench.lines = [
        """echo '{"event": "failed", "reason": "v2 is for another machine", "fix": "Put another."}'; exit 1"""
    ]

    async def story() -> None:
        bench.stager.prove_ahead(["v2"])
        await bench.until(lambda: bench.changes)

    bench.play(story)
    assert bench.said == [("warn", "v2 is for another machine. Put another.")]
