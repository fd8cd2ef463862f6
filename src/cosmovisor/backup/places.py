"""Where backups lie, what they are called, and which are kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time

from cosmovisor.backup import manifest
from cosmovisor.config.folders import escaped
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.storage import durable

_NAME_LIMIT = 120


@value
class Found:
    """A backup on disk: its folder and its manifest."""

    path: str
    manifest: manifest.Manifest


def base(settings: Settings) -> str:
    """Return the folder for backups, with links resolved.

    Raises:
        BackupError: There is no such folder.
    """
    path = settings.daemon_data_backup_dir or settings.daemon_home
    if not os.path.isdir(path):
        raise BackupError(
            f"cannot take a backup: {path} is not a folder",
            "set DAEMON_DATA_BACKUP_DIR to an existing folder",
        )
    return os.path.realpath(path)


def sources(node_home: str) -> dict[str, str]:
    """Return the folders that a backup holds: the data, and the chain's contract code where it has some."""
    found = {"data": os.path.realpath(os.path.join(node_home, "data"))}
    wasm = os.path.realpath(os.path.join(node_home, "wasm"))
    if os.path.isdir(wasm):
        found["wasm"] = wasm
    return found


def suffix(plan: Plan) -> str:
    """Return the end of a backup's name."""
    return f"-{escaped(plan.name)[:_NAME_LIMIT]}-{plan.height}"


def final_name(folder: str, plan: Plan) -> str:
    """Return a free name: `data-backup-<Y>-<M>-<D>-<name>-<height>`, as Go without leading zeros."""
    now = time.localtime()
    name = f"{manifest.PREFIX}{now.tm_year}-{now.tm_mon}-{now.tm_mday}{suffix(plan)}"
    number = 1
    candidate = name
    while os.path.lexists(os.path.join(folder, candidate)):
        number += 1
        candidate = f"{name}-{number}"
    return os.path.join(folder, candidate)


def partial_name(folder: str, node_home: str, plan: Plan) -> str:
    """Return where an unfinished backup of this plan is built; the same after a cut and on another day."""
    return os.path.join(folder, f".{manifest.PREFIX}{suffix(plan)[1:]}{_end(node_home)}")


def is_ours(name: str) -> bool:
    """Tell whether this is the name of a backup, finished or not, ours or the Go tool's."""
    return name.removeprefix(".").startswith(manifest.PREFIX) or (
        name.startswith(".probe.") and name.endswith(durable.TEMPORARY)
    )


def listing(folder: str, node_home: str | None = None) -> list[Found]:
    """Return the whole backups of this program in a folder, oldest first; if asked, of one node only."""
    found = []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    for name in names:
        path = os.path.join(folder, name)
        if name.startswith(manifest.PREFIX) and os.path.isfile(os.path.join(path, manifest.FILE)):
            try:
                each = Found(path, manifest.read(path))
            except BackupError:
                continue
            if node_home is None or each.manifest.node_home == node_home:
                found.append(each)
    return sorted(found, key=lambda each: (each.manifest.taken_at, each.path))


def retain(folder: str, node_home: str, keep: int, newest: str) -> list[str]:
    """Remove the oldest backups of this node beyond `keep` (0 keeps all), never `newest`.

    Returns:
        The folders removed.

    Raises:
        OSError: As the system says.
    """
    if keep <= 0:
        return []
    others = [each.path for each in listing(folder, node_home) if each.path != newest]
    removed = others[: max(0, len(others) - (keep - 1))]
    for path in removed:
        durable.remove_tree(path)
    return removed


def sweep(folder: str, node_home: str, keep: str) -> None:
    """Remove what cuts have left of this node's backups, other than `keep`, and what removals have left."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(f".{manifest.PREFIX}") and name.endswith(durable.TEMPORARY) and path != keep:
            ours = name.endswith(_end(node_home))
            # A backup of any node that was being removed carries the number of the process that did it.
            doomed = name.removesuffix(durable.TEMPORARY).rpartition(".")[2].replace("-", "").isdigit()
            if ours or doomed:
                with contextlib.suppress(OSError):  # a leftover is no reason to have no backup
                    durable.remove_tree(path)


def _end(node_home: str) -> str:
    # Several nodes may keep their backups in one folder and reach the same upgrade.
    return f".{hashlib.sha256(os.fsencode(node_home)).hexdigest()[:12]}{durable.TEMPORARY}"
