"""Is somebody still writing a file? The kernel knows: such a file gets no read lease."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os


def is_being_written(path: str) -> bool:
    """Tell whether a process has the file open for writing.

    Where neither a lease nor `/proc` can be had (another owner, a network file system), the answer is False:
    the ELF check still notices a file that is cut short.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _by_lease(fd)
    except OSError:
        return _by_proc(path)
    finally:
        os.close(fd)


def _by_lease(fd: int) -> bool:
    if not hasattr(fcntl, "F_SETLEASE"):
        raise OSError(errno.ENOSYS, "no leases")
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return True
        raise
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _by_proc(path: str) -> bool:
    try:
        target = os.stat(path)
        processes = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return False
    for process in processes:
        folder = f"/proc/{process}/fd"
        with contextlib.suppress(OSError):
            for fd in os.listdir(folder):
                with contextlib.suppress(OSError, IndexError, ValueError):
                    status = os.stat(f"{folder}/{fd}")
                    if (status.st_dev, status.st_ino) == (target.st_dev, target.st_ino):
                        with open(f"/proc/{process}/fdinfo/{fd}", encoding="ascii") as info:
                            flags = next(line for line in info if line.startswith("flags:"))
                        if int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY:
                            return True
    return False
