"""Hold the lock of every database while it is backed up, so that no other program can open one meanwhile."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from typing import Self

from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls, locks


class Held:
    """The locks taken so far; all are let go of together."""

    def __init__(self) -> None:
        self._fds: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def take(self, paths: Iterable[str]) -> None:
        """Take lock files in both ways that engines use: `flock` (goleveldb), `fcntl` (RocksDB, Pebble).

        Raises:
            BackupError: A database is still open.
        """
        for path in paths:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            except OSError:
                continue  # read-only or gone: then nobody can open the database for writing either
            self._fds.append(fd)
            try:
                calls.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                calls.range_lock(fd)
            except (BlockingIOError, PermissionError) as error:
                raise BackupError(
                    f"{os.path.dirname(path)} is still open in {_users(path)}",
                    f"end that program first: lsof {path}",
                ) from error
            except OSError:
                continue  # the file system has no such locks; the node is known to be gone


def _users(path: str) -> str:
    others = [holder for holder in locks.holders(path) if holder.pid != os.getpid()]
    return others[0].text() if others else "another program"
