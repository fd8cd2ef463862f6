"""Take a backup: built out of sight, checked, flushed, and made visible by one rename."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from cosmovisor.backup import alone, engine_locks, manifest, methods, places
from cosmovisor.backup.build import Builder, Source
from cosmovisor.backup.survey import SIGN_STATE, survey
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import BackupReceipt, BackupWaived, NodeStopped
from cosmovisor.storage import calls, durable

_tidying: list[threading.Thread] = []

#: Threads that flush side by side: the file system makes one commit of what comes together.
_FLUSHERS = 4

#: What must stay free beside the backup, in bytes: the node writes too.
RESERVE = 64 << 20


def take(
    settings: Settings,
    layout: Layout,
    node_home: str,
    plan: Plan,
    stopped: NodeStopped,
    cancelled: Callable[[], bool],
    progress: Callable[[str], None],
) -> BackupReceipt | BackupWaived:
    """Back up `data/` and `wasm/` of a stopped node.

    What an earlier, interrupted call or `precopy` has done is used again where it is still true; a whole
    backup of the same data for the same plan is returned as it is.

    Args:
        settings: For the backup folder, whether a backup is needed, and how many are kept.
        layout: The folder tree; nothing in it is touched.
        node_home: The node's home.
        plan: The upgrade that follows.
        stopped: Proof that the node is gone.
        cancelled: Asked before each file; True ends the backup, what is done stays for the next call.
        progress: Told a short sentence about once a second.

    Raises:
        BackupError: The backup could not be taken (with `best-effort` only if it was cancelled).
    """
    del layout, stopped
    if settings.cosmovisor_backup == "off":
        by = "UNSAFE_SKIP_BACKUP" if settings.unsafe_skip_backup else "COSMOVISOR_BACKUP=off"
        return BackupWaived(by)
    try:
        return _take(settings, node_home, plan, cancelled, progress)
    except methods.CancelledError:
        raise
    except BackupError as error:
        if settings.cosmovisor_backup != "best-effort":
            raise
        progress(f"no backup, as COSMOVISOR_BACKUP=best-effort allows: {error.cause}")
        return BackupWaived(f"COSMOVISOR_BACKUP=best-effort ({error.cause})")


def precopy(
    settings: Settings,
    node_home: str,
    plan: Plan,
    cancelled: Callable[[], bool],
    progress: Callable[[str], None],
) -> int:
    """Copy ahead, while the node runs, the files that it will never write again.

    Does nothing where the file system can share them: that takes no time at the height.

    Returns:
        Bytes that now need no copying at the height.

    Raises:
        BackupError: As for `take`.
    """
    if settings.cosmovisor_backup == "off":
        return 0
    base, found = look(settings, node_home, live=True)
    if all(source.method != "copy" for source in found):
        return 0
    partial = places.partial_name(base, node_home, plan)
    with explained(base, ""), alone.held(partial, 0.0, cancelled), explained(base, partial):
        builder = Builder(partial, found, cancelled, progress)
        check_space(base, builder.missing())
        builder.build(tables_only=True)
    return sum(source.survey.size("table") for source in found)


def _take(
    settings: Settings,
    node_home: str,
    plan: Plan,
    cancelled: Callable[[], bool],
    progress: Callable[[str], None],
) -> BackupReceipt:
    began = time.monotonic()
    with engine_locks.Held() as locks:
        base, found = look(settings, node_home)
        for source in found:
            locks.take(source.survey.locks)
        for source in found:
            for text in source.survey.left_out:
                progress(f"not part of the backup: {text}")
        whole = _same_backup(base, node_home, plan, found)
        if whole is not None:
            return whole
        partial = places.partial_name(base, node_home, plan)
        held = alone.held(partial, alone.PATIENCE, cancelled)
        with explained(base, ""), held, explained(base, partial):
            builder = Builder(partial, found, cancelled, progress)
            check_space(base, builder.missing())
            items = builder.build()
            _copy_sign_state(found[0].root, partial)
            done = manifest.Manifest(
                plan, time.time(), builder.method(), node_home, time.monotonic() - began, tuple(items)
            )
            manifest.write(partial, done)
            flush(partial, items)
            final = places.final_name(base, plan)
            durable.move(partial, final)
    _tidy_later(settings, base, node_home, final, progress)
    return BackupReceipt(final, done.method, done.size, time.monotonic() - began)


def _tidy_later(
    settings: Settings, base: str, node_home: str, final: str, progress: Callable[[str], None]
) -> None:
    """Remove what is not kept while the upgrade goes on: the node waits for none of it."""

    def tidy() -> None:
        try:
            places.sweep(base, node_home, keep=final)
            for path in places.retain(base, node_home, settings.cosmovisor_backup_keep, final):
                progress(f"removed the old backup {path}, as COSMOVISOR_BACKUP_KEEP asks")
        except OSError as error:
            progress(f"cannot remove an old backup: {error}")

    thread = threading.Thread(target=tidy, name="tidy-backups", daemon=True)
    _tidying.append(thread)
    thread.start()


def wait_until_tidy() -> None:
    """Wait until old backups are removed."""
    while _tidying:
        _tidying.pop().join()


def look(settings: Settings, node_home: str, *, live: bool = False) -> tuple[str, list[Source]]:
    """Return the backup folder, and what is to go there in which way.

    Raises:
        BackupError: One of the folders is missing or cannot be read.
    """

    def leave_out(path: str) -> bool:
        if os.path.basename(path) == SIGN_STATE and os.path.dirname(path) == roots["data"]:
            return True
        if os.path.dirname(path) == base:
            return places.is_ours(os.path.basename(path))
        return path == base and base not in roots.values()

    base = places.base(settings)
    roots = places.sources(node_home)
    if not os.path.isdir(roots["data"]):
        raise BackupError(
            f"there is no data to back up: {roots['data']} is not a folder", "check the node's --home"
        )
    found = []
    for name, root in roots.items():
        seen = survey(root, leave_out, live=live)
        sample = next(
            (entry for entry in seen.entries if entry.kind in {"table", "file"} and entry.size), None
        )
        method, device = "copy", 0
        if sample is not None:
            device = sample.device
            with explained(base, ""):
                method = methods.choose(os.path.join(root, sample.path), base)
        found.append(Source(name, root, seen, method, device))
    return base, found


def _same_backup(base: str, node_home: str, plan: Plan, found: list[Source]) -> BackupReceipt | None:
    """Return the receipt of a backup of exactly this data: a cut came between its rename and the journal."""
    now = {
        (source.name, entry.path, entry.kind, entry.size, entry.mtime_ns if entry.size else 0, entry.target)
        for source in found
        for entry in source.survey.entries
    }
    for each in reversed(places.listing(base, node_home)):
        known = each.manifest
        then = {
            (item.source, item.path, item.kind, item.size, item.mtime_ns if item.size else 0, item.target)
            for item in known.items
        }
        if known.plan == plan and then == now:
            return BackupReceipt(each.path, known.method, known.size, known.seconds)
    return None


def _copy_sign_state(data: str, partial: str) -> None:
    try:
        with open(os.path.join(data, SIGN_STATE), "rb") as file:
            content = file.read(1 << 20)
    except FileNotFoundError:
        return
    durable.write_unflushed(os.path.join(partial, manifest.SIGN_STATE), content)


def flush(folder: str, items: list[manifest.Item]) -> None:
    """Make a backup folder durable, as cheaply as can be.

    Files that share blocks are many and need one flush of the whole file system. Else only what was written
    is flushed, each by itself, since a flush of the file system would also write what other programs have
    left to write. Tables need none: copied ones were flushed, linked ones are the database's own.
    """
    if any(item.method == "reflink" for item in items):
        flush_file_system(folder)
        return
    written = [item for item in items if item.method == "copy" and item.kind == "file"]
    paths = [os.path.join(folder, item.source, item.path) for item in written]
    paths += [entry.path for entry in os.scandir(folder) if entry.is_file()]
    with ThreadPoolExecutor(_FLUSHERS, thread_name_prefix="flush") as pool:
        list(pool.map(durable.sync_file, paths))
    for item in reversed(items):
        if item.kind == "folder":
            durable.sync_folder(os.path.join(folder, item.source, item.path))
    for source in {item.source for item in items}:
        durable.sync_folder(os.path.join(folder, source))
    durable.sync_folder(folder)


def flush_file_system(folder: str) -> None:
    """Flush everything below a folder, and all else on its file system."""
    fd = calls.open_read(folder, os.O_DIRECTORY)
    try:
        calls.sync_file_system(fd)
    finally:
        calls.close(fd)


def check_space(base: str, needed: int) -> None:
    """Raise a `BackupError` if this many bytes do not fit."""
    free = free_space(base)
    if needed + RESERVE > free:
        raise BackupError(
            f"not enough space for the backup in {base}: {needed + RESERVE} bytes needed, {free} free",
            "free space there, set DAEMON_DATA_BACKUP_DIR to a larger disk, or lower COSMOVISOR_BACKUP_KEEP",
            needed=needed + RESERVE,
            free=free,
        )


def free_space(folder: str) -> int:
    """Return the bytes that an ordinary user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@contextlib.contextmanager
def explained(base: str, partial: str) -> Iterator[None]:
    """Turn what the system says into cause and next step; give the space back unless only cancelled."""
    try:
        yield
    except methods.CancelledError:
        raise
    except (OSError, BackupError) as error:
        if partial:
            with contextlib.suppress(OSError):
                durable.remove_tree(partial)
        if isinstance(error, BackupError):
            raise
        raise _explanation(base, error) from error


def _explanation(base: str, error: OSError) -> BackupError:
    where = error.filename2 or error.filename or base
    text = f"cannot take the backup: {where}: {error.strerror or error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        step = f"free space in {base}, or set DAEMON_DATA_BACKUP_DIR to a larger disk"
    elif error.errno == errno.EROFS:
        step = f"mount {base} for writing, or set DAEMON_DATA_BACKUP_DIR to a folder that is writable"
    elif error.errno in {errno.EACCES, errno.EPERM}:
        step = f"give the user that runs cosmovisor access: ls -ld {where}"
    elif error.errno == errno.EIO:
        step = "look at the kernel's log for a failing disk: dmesg"
    else:
        step = f"look at {where}, or set DAEMON_DATA_BACKUP_DIR to another folder"
    return BackupError(text, step, errno=error.errno, path=where)
