"""One builder at a time: a copy ahead that has outlived its supervisor must not work beside a backup."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator

from cosmovisor.backup import methods
from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls

#: Seconds that a backup waits for a copy ahead, which ends within half a second of its supervisor.
PATIENCE = 30.0
_PAUSE = 0.05


@contextlib.contextmanager
def held(partial: str, patience: float, cancelled: Callable[[], bool]) -> Iterator[None]:
    """Make the folder of an unfinished backup, and hold it by a lock that ends with the process.

    Args:
        partial: The folder.
        patience: Seconds to wait for another one who builds there.
        cancelled: True ends the wait.

    Raises:
        BackupError: Another process builds there.
        CancelledError: `cancelled` said so.
        OSError: As the system says.
    """
    deadline = time.monotonic() + patience
    while True:
        if not os.path.isdir(partial):
            calls.mkdir(partial, 0o700)
        try:
            fd = calls.open_read(partial, os.O_DIRECTORY)
        except OSError:
            with contextlib.suppress(OSError):
                calls.rmdir(partial)  # Only an empty one is taken away: what others have built stays.
            raise
        try:
            if _is_locked(fd) and os.path.samestat(os.fstat(fd), os.stat(partial)):
                yield
                return
        finally:
            calls.close(fd)
        if cancelled():
            raise methods.CancelledError("the backup was cancelled", "it is taken again at the next start")
        if time.monotonic() >= deadline:
            raise BackupError(
                f"another process builds a backup in {partial}",
                f"see who it is: lsof {partial}",
                path=partial,
            )
        time.sleep(_PAUSE)


def _is_locked(fd: int) -> bool:
    """Take the lock; a file system that locks no folders (NFS) is built on without one."""
    try:
        calls.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
