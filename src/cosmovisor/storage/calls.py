"""Every system call that changes files, one function each.

The other modules of this room call these through the module (`calls.replace(...)`), never through a name
taken from it, so that tests can count them, make one fail, or end the process at one. Nothing else in the
code base makes such a call. Each raises `OSError` as the system does.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: `_IOW(0x94, 9, int)`: share all blocks of another file (btrfs, xfs with reflink, bcachefs).
FICLONE = 0x40049409
_DARWIN = sys.platform == "darwin"
_FULL_FSYNC = getattr(fcntl, "F_FULLFSYNC", 51)


def create(path: str, mode: int) -> int:
    """Create a file that must not exist and open it for writing."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def open_append(path: str, mode: int) -> int:
    """Open a file at its end, creating it where it is missing."""
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)


def open_lock(path: str) -> int:
    """Open a lock file, creating it where it is missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def open_read(path: str, flags: int = 0) -> int:
    """Open a file or a folder for reading or for `fsync`."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)


def write(fd: int, data: bytes | memoryview) -> int:
    """Write once; the count of bytes taken may be less than given."""
    return os.write(fd, data)


def truncate(fd: int, size: int) -> None:
    """Set the size of an open file."""
    os.ftruncate(fd, size)


def fsync(fd: int) -> None:
    """Flush an open file or folder to the device, on macOS through the drive's own cache too."""
    if _DARWIN:
        fcntl.fcntl(fd, _FULL_FSYNC)
    else:
        os.fsync(fd)


def close(fd: int) -> None:
    """Close a descriptor."""
    os.close(fd)


def replace(path: str, new: str) -> None:
    """Rename, taking the place of a file, a link or an empty folder there."""
    os.replace(path, new)


def symlink(target: str, path: str) -> None:
    """Make a symbolic link that must not exist."""
    os.symlink(target, path)


def link(path: str, new: str) -> None:
    """Make a second name for a file; a symbolic link is not followed."""
    os.link(path, new, follow_symlinks=False)


def unlink(path: str) -> None:
    """Remove the name of a file or link."""
    os.unlink(path)


def rmdir(path: str) -> None:
    """Remove an empty folder."""
    os.rmdir(path)


def mkdir(path: str, mode: int) -> None:
    """Make one folder."""
    os.mkdir(path, mode)


def chmod(path: str, mode: int) -> None:
    """Set the mode of a file or folder."""
    os.chmod(path, mode)


def set_times(path: str, atime_ns: int, mtime_ns: int) -> None:
    """Set the times of a file, link or folder; a symbolic link is not followed."""
    os.utime(path, ns=(atime_ns, mtime_ns), follow_symlinks=False)


def clone(source: int, target: int) -> None:
    """Make an empty file share all blocks of another; fails where the file system cannot."""
    fcntl.ioctl(target, FICLONE, source)


def copy_range(source: int, target: int, count: int) -> int:
    """Copy up to `count` bytes inside the kernel; 0 at the end of the source."""
    return os.copy_file_range(source, target, count)


def lock(fd: int, operation: int) -> None:
    """Apply or try a `flock`."""
    fcntl.flock(fd, operation)


def range_lock(fd: int) -> None:
    """Try to take the record lock (`fcntl`) of a whole file, as RocksDB and Pebble do."""
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def chown(path: str, uid: int, gid: int) -> None:
    """Set the owner of a file, link or folder; a symbolic link is not followed."""
    os.chown(path, uid, gid, follow_symlinks=False)


def sync_file_system(fd: int) -> None:
    """Flush the whole file system that an open folder lies on (`syncfs`; elsewhere all of them)."""
    function = _c_function("syncfs")
    if function is None:
        os.sync()
    elif function(fd):
        _raise_errno()


def exchange(path: str, other: str) -> None:
    """Let two names change places in one step; `ENOSYS` or `EINVAL` where the system cannot."""
    function = _c_function("renameat2")
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)
    at_cwd, rename_exchange = -100, 2
    if function(at_cwd, os.fsencode(path), at_cwd, os.fsencode(other), rename_exchange):
        _raise_errno(path)


def _c_function(name: str) -> Any:
    import ctypes

    return getattr(ctypes.CDLL(None, use_errno=True), name, None)


def _raise_errno(path: str | None = None) -> None:
    import ctypes

    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number), path)
