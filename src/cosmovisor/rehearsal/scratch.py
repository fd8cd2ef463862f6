"""Scratch folders of a rehearsal: gone at its end, and where it was killed, at the start of the next one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator

from cosmovisor.model.errors import StateError
from cosmovisor.storage import durable, locks

PREFIX = ".rehearsal-"
_LOCK = "rehearsal.lock"
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


@contextlib.contextmanager
def folder(base: str) -> Iterator[str]:
    """Make a folder for as long as the block lasts; what a rehearsal that was killed has left is removed.

    Raises:
        OSError: Nothing can be made there.
        StateError: The file system has no locks.
    """
    sweep(base)
    path = tempfile.mkdtemp(prefix=PREFIX, dir=base)
    try:
        with locks.hold(os.path.join(path, _LOCK)):
            yield path
    finally:
        durable.remove_tree(path)


def sweep(base: str) -> None:
    """Remove folders that no living rehearsal holds; what cannot be removed is left to the next one."""
    for name in os.listdir(base):
        path = os.path.join(base, name)
        lock = os.path.join(path, _LOCK)
        if name.startswith(PREFIX) and not os.path.islink(path) and os.path.isfile(lock):
            with contextlib.suppress(OSError, StateError):
                if not locks.is_held(lock):
                    durable.remove_tree(path)


def end_with_us() -> None:
    """Let the kernel end this child when the rehearsal is killed; for the moment between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
