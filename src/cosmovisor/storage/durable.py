"""Durable changes: after a cut at any instruction either the old or the new is there, never a part.

The protocol is always the same: make the new thing beside its place under a hidden name, fsync it, rename it
into place, fsync the folder. Failures are raised as `OSError`, with the temporary file taken away again. Two
writers of one target do not mix: each has a temporary name of its own, the last rename wins.
"""

from __future__ import annotations

import errno
import os

from cosmovisor.storage import calls

#: What a cut leaves behind ends so, and begins with a dot; see `sweep`.
TEMPORARY = ".partial"
_counter = 0


def write_file(path: str, data: bytes, mode: int = 0o600) -> None:
    """Put a file with this content into place by one rename; `mode` is subject to the umask."""
    folder, name = os.path.split(path)
    temporary, fd = create_beside(folder, name, mode)
    try:
        try:
            write_all(fd, data)
            calls.fsync(fd)
        finally:
            calls.close(fd)
        calls.replace(temporary, path)
    except BaseException:  # a wish to end too: nothing half-done is left behind
        discard(temporary)
        raise
    sync_folder(folder)


def replace_link(path: str, target: str) -> None:
    """Make the symbolic link `path` point to `target`, replacing a file or link there by one rename."""
    folder, name = os.path.split(path)
    for _ in range(1000):
        temporary = _temporary(folder, name)
        try:
            calls.symlink(target, temporary)
            break
        except FileExistsError:
            continue
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), temporary)
    try:
        calls.replace(temporary, path)
    except BaseException:  # a wish to end too: nothing half-done is left behind
        discard(temporary)
        raise
    sync_folder(folder)


def commit_folder(partial: str, final: str) -> None:
    """Make a finished folder visible: fsync everything in it, then one rename.

    Raises:
        OSError: Among others `ENOTEMPTY` where `final` exists and holds something.
    """
    sync_tree(partial)
    move(partial, final)


def make_folder(path: str, mode: int = 0o755) -> None:
    """Make a folder and its missing parents, each durable; one that exists is left as it is."""
    if os.path.isdir(path):
        return
    path = path.rstrip("/")
    parent = os.path.dirname(path)
    if parent and parent != path:
        make_folder(parent, mode)
    try:
        calls.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    sync_folder(parent)


def move(path: str, new: str) -> None:
    """Rename within one file system, replacing a file or an empty folder at `new`."""
    calls.replace(path, new)
    before, after = os.path.dirname(path), os.path.dirname(new)
    sync_folder(after)
    if before != after:
        sync_folder(before)


def exchange(path: str, other: str) -> None:
    """Let two things in one folder change places, in one step where the system can.

    Where it cannot (no `renameat2`), `path` is missing for an instant, and a cut in it leaves what was there
    under a hidden name.
    """
    folder, name = os.path.split(path)
    try:
        calls.exchange(path, other)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EINVAL}:
            raise
        hidden = _temporary(folder, name).removesuffix(TEMPORARY) + ".exchanged"  # `sweep` must not take it
        calls.replace(path, hidden)
        calls.replace(other, path)
        calls.replace(hidden, other)
    sync_folder(folder)


def remove_file(path: str) -> None:
    """Remove a file or link; one that is not there is as good as removed."""
    try:
        calls.unlink(path)
    except FileNotFoundError:
        return
    sync_folder(os.path.dirname(path))


def remove_tree(path: str) -> None:
    """Remove a folder with all it holds: first out of sight by one rename, then piece by piece.

    A link is removed, not what it points to. What is not there is as good as removed.
    """
    folder, name = os.path.split(path.rstrip("/"))
    if os.path.islink(path) or not os.path.isdir(path):
        remove_file(path)
        return
    hidden = path
    if not (name.startswith(".") and name.endswith(TEMPORARY)):
        hidden = _temporary(folder, name)
        while os.path.lexists(hidden):
            hidden = _temporary(folder, name)
        calls.replace(path, hidden)
        sync_folder(folder)
    # What a cut leaves of a hidden folder is swept away later: nothing more needs to be flushed.
    _remove_below(hidden)


def write_unflushed(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a new file into a folder that is not visible yet and will be flushed as a whole."""
    fd = calls.create(path, mode)
    try:
        write_all(fd, data)
    finally:
        calls.close(fd)


def append_line(path: str, line: bytes, mode: int = 0o600, *, flush: bool = True) -> None:
    """Append one line (without its newline); a line torn by an earlier cut is closed first.

    Without `flush` it outlives this process, and a cut of the power only by luck.
    """
    new = not os.path.exists(path)
    fd = calls.open_append(path, mode)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        try:
            write_all(fd, (b"\n" if torn else b"") + line + b"\n")
        except OSError:
            calls.truncate(fd, size)
            raise
        if flush:
            calls.fsync(fd)
    finally:
        calls.close(fd)
    if new and flush:
        sync_folder(os.path.dirname(path))


def sweep(folder: str) -> list[str]:
    """Remove what cuts have left in a folder; call it only where no other writer can be at work.

    Returns:
        The names removed.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    removed = [name for name in names if name.startswith(".") and name.endswith(TEMPORARY)]
    for name in removed:
        remove_tree(os.path.join(folder, name))
    return removed


def set_mode(path: str, mode: int) -> None:
    """Set the mode of a file or folder, durably."""
    calls.chmod(path, mode)
    sync_file(path)


def sync_folder(path: str) -> None:
    """Make the names in a folder durable."""
    fd = calls.open_read(path or ".", os.O_DIRECTORY)
    try:
        _sync(fd)
    finally:
        calls.close(fd)


def sync_file(path: str) -> None:
    """Make the content of a file durable."""
    fd = calls.open_read(path, os.O_NOFOLLOW)
    try:
        calls.fsync(fd)
    finally:
        calls.close(fd)


def sync_tree(path: str) -> None:
    """Make every file and folder below `path`, and `path` itself, durable."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                sync_tree(entry.path)
            elif entry.is_file(follow_symlinks=False):
                sync_file(entry.path)
    sync_folder(path)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`, however many calls it takes; not yet durable."""
    view = memoryview(data)
    while view:
        view = view[calls.write(fd, view) :]


def _temporary(folder: str, name: str) -> str:
    global _counter  # noqa: PLW0603  two threads that meet here get the same name once, and EEXIST sorts them out
    _counter += 1
    # The name may be as long as the file system allows; the temporary one must not be longer.
    return os.path.join(folder, f".{name[:200]}.{os.getpid()}-{_counter}{TEMPORARY}")


def create_beside(folder: str, name: str, mode: int) -> tuple[str, int]:
    """Create the temporary file that is to become `name`; return its path and a descriptor for writing."""
    # A leftover of an earlier process with our number (in a container it is always 1) is stepped over.
    for _ in range(1000):
        temporary = _temporary(folder, name)
        try:
            return temporary, calls.create(temporary, mode)
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), temporary)


def discard(path: str) -> None:
    """Take a temporary file away after a failure, as far as that is possible."""
    try:
        calls.unlink(path)
    except OSError:
        return  # It was renamed already, or the device is gone: the first error is the one to tell.


def _sync(fd: int) -> None:
    try:
        calls.fsync(fd)
    except OSError as error:
        # Some network and FUSE file systems have no fsync of folders; they order names by themselves.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise


def _remove_below(path: str) -> None:
    with os.scandir(path) as entries:
        found = list(entries)
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            _remove_below(entry.path)
        else:
            calls.unlink(entry.path)
    calls.rmdir(path)
