"""The three ways to get a file into a backup: share its blocks, share the file, copy it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator

from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls, durable

#: Up to this size a copied file gets a digest in the manifest; larger ones are known by size and time.
DIGEST_LIMIT = 4 << 20
_CHUNK = 64 << 20
_PIECE = 1 << 20

#: What a file system says that cannot share blocks or names, or cannot copy inside the kernel.
_CANNOT = frozenset(
    {
        errno.EOPNOTSUPP,
        errno.ENOTTY,
        errno.EXDEV,
        errno.EINVAL,
        errno.ENOSYS,
        errno.EPERM,
        errno.EMLINK,
        errno.ETXTBSY,
        errno.EAGAIN,
    }
)


class CancelledError(BackupError):
    """The operator or the service manager has asked us to end."""

    reference = "backup-cancelled"


def try_clone(source: str, target: str) -> bool:
    """Make `target` share all blocks of `source`; False where the file systems cannot."""
    try:
        with _both(source, target) as (reading, writing):
            calls.clone(reading, writing)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return False
    return True


def try_link(source: str, target: str) -> bool:
    """Make `target` a second name of `source`; False where the file systems or the rights do not allow it."""
    try:
        calls.link(source, target)
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        return False
    return True


def copy(source: str, target: str, cancelled: Callable[[], bool], *, flush: bool = True) -> str:
    """Copy a file, and make its content durable if `flush` asks for it.

    Returns:
        The SHA-256 of a small file, else an empty text.

    Raises:
        CancelledError: `cancelled` said so between two pieces.
        OSError: As the system says; the target is removed again.
    """
    with _both(source, target) as (reading, writing):
        digest = _copy(reading, writing, cancelled)
        if flush:
            calls.fsync(writing)
    return digest


def digest_of(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def choose(sample: str, folder: str) -> str:
    """Find out by trying how `sample` can get into `folder`: `reflink`, `link` or `copy`."""
    target = os.path.join(folder, f".probe.{os.getpid()}{durable.TEMPORARY}")
    for method, attempt in (("reflink", try_clone), ("link", try_link)):
        if method == "reflink" and file_system(folder) == "zfs":
            continue  # its block cloning has lost data (field-study.md §7.1)
        with contextlib.suppress(FileNotFoundError):
            calls.unlink(target)
        if attempt(sample, target):
            calls.unlink(target)
            return method
    return "copy"


def file_system(path: str) -> str:
    """Return the type of the file system that a path lies on, or an empty text."""
    path = os.path.realpath(path)
    best, kind = "", ""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                before, _, after = line.partition(" - ")
                point = before.split(" ")[4].encode().decode("unicode_escape")
                inside = point in {"/", path} or path.startswith(f"{point}/")
                if inside and len(point) >= len(best):
                    best, kind = point, after.split(" ")[0]
    except (OSError, IndexError, ValueError):
        return ""
    return kind


@contextlib.contextmanager
def _both(source: str, target: str) -> Iterator[tuple[int, int]]:
    """Open both files, and leave no half a target where something goes wrong."""
    reading = calls.open_read(source)
    try:
        writing = calls.create(target, 0o600)
        try:
            yield reading, writing
        except BaseException:  # a wish to end too: nothing half-done is left behind
            with contextlib.suppress(OSError):
                calls.unlink(target)
            raise
        finally:
            calls.close(writing)
    finally:
        calls.close(reading)


def _copy(reading: int, writing: int, cancelled: Callable[[], bool]) -> str:
    size = os.fstat(reading).st_size
    if size <= DIGEST_LIMIT:
        return _copy_and_hash(reading, writing)
    done = 0
    while done < size:
        if cancelled():
            raise CancelledError("the backup was cancelled", "it is taken again at the next start")
        try:
            count = calls.copy_range(reading, writing, min(_CHUNK, size - done))
        except OSError as error:
            if error.errno not in _CANNOT or done:
                raise
            _copy_by_hand(reading, writing, cancelled)
            return ""
        if count == 0:
            break
        done += count
    return ""


def _copy_and_hash(reading: int, writing: int) -> str:
    digest = hashlib.sha256()
    while data := os.read(reading, _PIECE):
        digest.update(data)
        durable.write_all(writing, data)
    return digest.hexdigest()


def _copy_by_hand(reading: int, writing: int, cancelled: Callable[[], bool]) -> None:
    while data := os.read(reading, _PIECE):
        if cancelled():
            raise CancelledError("the backup was cancelled", "it is taken again at the next start")
        durable.write_all(writing, data)
