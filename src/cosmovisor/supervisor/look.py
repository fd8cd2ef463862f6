"""Looks at the files that decide what runs: plan file, data, link, version folders. Draws no conclusion."""

from __future__ import annotations

import os
import stat

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import PlanError
from cosmovisor.model.observations import SeenFile, SeenFolder
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity
from cosmovisor.model.state import DataIdentity, FolderIdentity
from cosmovisor.plan import file as plan_files
from cosmovisor.storage import light_json
from cosmovisor.supervisor import active, birth, processes

#: More version folders than this are not looked at.
FOLDERS = 256
#: Markers are a few hundred bytes and the plan's info.
_MARKER_LIMIT = 1 << 20


def plan_file(path: str, now: float) -> SeenFile:
    """Read the plan file: bytes and identity from the same open file.

    Args:
        path: `data/upgrade-info.json` of the node's home.
        now: Seconds since the epoch.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return SeenFile()
    except OSError as error:
        return SeenFile("incomplete", problem=f"cannot read {path}: {error.strerror}")
    try:
        status = os.fstat(fd)
        identity = identity_of(status)
        if not stat.S_ISREG(status.st_mode):
            return SeenFile("incomplete", None, identity, problem=f"{path} is not a regular file")
        data = _read(fd, plan_files.LARGEST + 1)
    except OSError as error:
        return SeenFile("incomplete", problem=f"cannot read {path}: {error.strerror}")
    finally:
        os.close(fd)
    try:
        found = plan_files.parse(data)
    except PlanError as error:
        return SeenFile("incomplete", None, identity, _writer(path, status, now), error.cause)
    if isinstance(found, Plan):
        return SeenFile("plan", found, identity)
    return SeenFile("incomplete", None, identity, _writer(path, status, now), found.reason)


def _read(fd: int, limit: int) -> bytes:
    pieces, left = [], limit
    while left > 0 and (piece := os.read(fd, min(left, 1 << 20))):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _writer(path: str, status: os.stat_result, now: float) -> bool:
    # Where other processes cannot be looked at, a young file is taken to be still in somebody's hands.
    # One from the future is not young: the clock was set back, and waiting for it could take hours.
    return processes.open_for_writing(path) or abs(now - status.st_mtime) < 1.0


def identity_of(status: os.stat_result) -> FileIdentity:
    """Take a file's identity out of its status."""
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def data_identity(data: str) -> DataIdentity | None:
    """Return which data this is, or None where there is none."""
    folder = _folder(data)
    if folder is None:
        return None
    return DataIdentity(
        folder,
        _folder(os.path.join(data, "blockstore.db")),
        _folder(os.path.join(data, "application.db")),
    )


def _folder(path: str) -> FolderIdentity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    return FolderIdentity(status.st_dev, status.st_ino, birth.born_ns(path))


def folders(layout: Layout) -> tuple[SeenFolder, ...]:
    """Look at `genesis` and at every folder of `upgrades/`, by name."""
    try:
        names = sorted(os.listdir(layout.upgrades))[:FOLDERS]
    except OSError:
        names = []
    lowered: dict[str, int] = {}
    for name in names:
        lowered[name.lower()] = lowered.get(name.lower(), 0) + 1
    found = [_seen(layout, GENESIS_VERSION, twin=False)]
    for name in names:
        version = None if name.startswith(".") else layout.version_of(f"upgrades/{name}")
        if version is not None:
            found.append(_seen(layout, version, twin=lowered[name.lower()] > 1))
    return tuple(found)


def _seen(layout: Layout, version: Version, *, twin: bool) -> SeenFolder:
    path = layout.bin(version)
    status = active.usable(path)
    document = _beside(layout.marker(version))
    digest = "" if status is None else _digest(path, status, twin=twin)
    return SeenFolder(version, status is not None, _plan(document), digest, "binaries" in document)


def _digest(path: str, status: os.stat_result, *, twin: bool) -> str:
    if not twin:
        return f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    # Two folders whose names differ only in case: only their content tells whether that matters.
    import hashlib

    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError:
        return ""
    return digest.hexdigest()


def marker(path: str) -> Plan | None:
    """Read the plan beside `bin/`; None where it is missing, torn, or a hand-made list of binaries."""
    return _plan(_beside(path))


def _beside(path: str) -> dict[str, object]:
    """Read the document beside `bin/`; empty where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MARKER_LIMIT + 1)
        document = light_json.loads(data)
    except (OSError, ValueError, RecursionError):
        return {}
    return document if len(data) <= _MARKER_LIMIT and isinstance(document, dict) else {}


def _plan(document: dict[str, object]) -> Plan | None:
    name, height, info = document.get("name"), document.get("height"), document.get("info", "")
    if isinstance(height, str) and height.isascii() and height.isdigit():
        height = int(height[:19])  # the 2025 rewrite of the Go tool writes heights as texts
    if not isinstance(name, str) or not name or not isinstance(height, int) or isinstance(height, bool):
        return None
    return Plan(name, height, info if isinstance(info, str) else "")
