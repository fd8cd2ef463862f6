"""Put a finished version folder into its place, by one rename, and take it out again."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from cosmovisor.model.errors import PlanError, StagingError
from cosmovisor.model.plan import Version
from cosmovisor.staging import writers
from cosmovisor.staging.outcome import NotYet, PlacedMeanwhile
from cosmovisor.storage import calls, durable, locks

_BUSY_RETRY, _SPACE_RETRY = 2.0, 60.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cosmovisor.config.layout import Layout
    from cosmovisor.staging.record import Record


@contextlib.contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """Hold the lock of staging: two processes would fetch into the same place.

    Raises:
        NotYet: Another one has it, or the folder cannot be written.
    """
    try:
        durable.make_folder(layout.staging)
        with locks.hold(os.path.join(layout.staging, "lock")):
            yield
    except locks.LockHeld as error:
        raise NotYet(
            f"another staging process is at work ({error.cause})", "Wait for it.", _BUSY_RETRY
        ) from None
    except OSError as error:
        raise NotYet(
            f"cannot write below {layout.root}: {error.strerror or error}",
            "Check space, owner and mode of the folder.",
            _SPACE_RETRY,
        ) from None
    except StagingError as error:
        if isinstance(error, NotYet):
            raise
        raise NotYet(error.cause, error.next_step) from None


def is_there(path: str) -> bool:
    """Whether something is in place that counts: an empty file that nobody writes is a failed download."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.lexists(path)
    return not (stat.S_ISREG(status.st_mode) and status.st_size == 0 and not writers.is_being_written(path))


def is_in_use(layout: Layout, version: Version) -> bool:
    """Tell whether a version is active or has been: then nothing of it is replaced or removed."""
    return os.path.realpath(layout.current) == os.path.realpath(layout.folder(version)) or is_marked(
        layout, version
    )


def is_marked(layout: Layout, version: Version) -> bool:
    """Tell whether the marker of a switch lies beside `bin/`; a list of binaries there is no marker."""
    from cosmovisor.plan import file

    try:
        with open(layout.marker(version), "rb") as stream:
            return not isinstance(file.parse(stream.read(file.LARGEST + 1)), file.Incomplete)
    except (OSError, PlanError):
        return False


def commit(layout: Layout, version: Version, built: str, *, swap: bool = False) -> None:
    """Make a built folder the version's folder.

    A folder that the operator has made (with a list of binaries, with libraries) keeps what is in it: then
    the daemon comes last, so that it is never there without its libraries.

    Args:
        layout: The folder tree.
        version: The version.
        built: The finished folder, on the same file system.
        swap: True to replace a folder that we have fetched earlier, for a plan that has changed since.
    """
    final = layout.folder(version)
    durable.make_folder(layout.upgrades)
    if swap and os.path.isdir(final):
        aside = os.path.join(layout.staging, f"{os.path.basename(final)}.replaced.partial")
        durable.remove_tree(aside)
        durable.move(final, aside)
    durable.sync_tree(built)
    if not os.path.isdir(final) or not os.listdir(final):
        try:
            durable.move(built, final)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                raise
        else:
            sweep(layout)
            return
    daemon = os.path.join("bin", layout.daemon_name)
    for path in _files(built):
        if path != daemon:
            _merge(built, final, path)
    _put_daemon(os.path.join(built, daemon), os.path.join(final, daemon))
    sweep(layout)


def _put_daemon(built: str, target: str) -> None:
    """Give the daemon its name where there is none yet; only an empty file is replaced.

    Raises:
        PlacedMeanwhile: Somebody has put a binary there in this very moment.
    """
    durable.make_folder(os.path.dirname(target))
    try:
        if os.lstat(target).st_size == 0 and not writers.is_being_written(target):
            durable.move(built, target)
            return
    except FileNotFoundError:
        pass
    try:
        calls.link(built, target)
    except FileExistsError:
        raise PlacedMeanwhile(f"{target} was put into place meanwhile") from None
    durable.remove_file(built)
    durable.sync_folder(os.path.dirname(target))


def take_out(layout: Layout, version: Version, record: Record) -> bool:
    """Take out a version that we have fetched, for a plan that is gone.

    Returns:
        False where it was placed by hand, has been changed since, or is in use: then it stays.
    """
    if record.source == "hand" or is_in_use(layout, version):
        return False
    from cosmovisor.staging import ready

    try:
        changed = ready.outdated(
            record, layout.folder(version), layout.bin(version), os.stat(layout.bin(version)), None
        )
    except OSError:
        return False
    if changed:
        return False
    durable.remove_file(layout.proof(version))
    durable.remove_tree(layout.folder(version))
    return True


def sweep(layout: Layout) -> None:
    """Remove what a cut has left in the staging folder; only for whoever holds its lock."""
    try:
        names = os.listdir(layout.staging)
    except OSError:
        return
    for name in names:
        if name.endswith(".partial"):
            durable.remove_tree(os.path.join(layout.staging, name))


def _files(root: str) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [os.path.relpath(os.path.join(folder, name), root) for name in (*files, *links)]
    return sorted(found)


def _merge(built: str, final: str, path: str) -> None:
    target = os.path.join(final, path)
    if os.path.lexists(target):
        return  # The operator's own file is never changed.
    durable.make_folder(os.path.dirname(target))
    durable.move(os.path.join(built, path), target)
