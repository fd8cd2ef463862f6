"""Counts, and on demand fails, the file-changing calls of `cosmovisor.storage.calls`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cosmovisor.storage import calls

#: Every function of `calls` that a fault may hit; closing and reading stay as they are.
NAMES = tuple(
    name
    for name, item in vars(calls).items()
    if callable(item)
    and getattr(item, "__module__", "") == calls.__name__
    and name != "close"
    and name[0] != "_"
)


class Recorder:
    """The calls made so far; `fail(index, error)` decides for each whether it fails."""

    def __init__(self) -> None:
        self.made: list[tuple[str, tuple[Any, ...]]] = []
        self.before: Callable[[int, str, tuple[Any, ...]], None] = lambda _index, _name, _args: None
        self.after: Callable[[str, tuple[Any, ...], Any], None] = lambda _name, _args, _result: None

    def names(self) -> list[str]:
        return [name for name, _ in self.made]


@contextmanager
def recording() -> Iterator[Recorder]:
    """Replace every call by one that is written down first."""
    recorder = Recorder()
    originals = {name: getattr(calls, name) for name in NAMES}

    def wrapped(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            recorder.made.append((name, args))
            recorder.before(len(recorder.made) - 1, name, args)
            result = original(*args)
            recorder.after(name, args, result)
            return result

        return call

    for name, original in originals.items():
        setattr(calls, name, wrapped(name, original))
    try:
        yield recorder
    finally:
        for name, original in originals.items():
            setattr(calls, name, original)


@contextmanager
def failing(index: int, number: int) -> Iterator[Recorder]:
    """Let the call with this index fail once with this errno."""
    with recording() as recorder:

        def before(at: int, _name: str, _args: tuple[Any, ...]) -> None:
            if at == index:
                raise OSError(number, os.strerror(number))

        recorder.before = before
        yield recorder


ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES)
