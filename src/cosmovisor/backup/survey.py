"""What there is to back up, and which files the next run of the node will never write again.

Only those may be shared with a hard link. The rules come from the code of each engine and from measurements
(field-study.md §7.2); what no rule names is copied.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from cosmovisor.backup import goleveldb
from cosmovisor.model.errors import BackupError
from cosmovisor.model.value import value

#: The sign-state goes into a backup under another name, so that a hand-made copy cannot put it back.
SIGN_STATE = "priv_validator_state.json"
_ENTRY_LIMIT = 5_000_000
_DEPTH_LIMIT = 64


@value
class Entry:
    """One thing below a source folder.

    Attributes:
        path: Relative to the source.
        kind: `table` (never written again), `file`, `lock` (made anew, empty), `link`, `folder`.
        size: Bytes; 0 for all but tables and files.
        mtime_ns: Time of the last change.
        mode: Permission bits.
        uid: Owner.
        gid: Group.
        device: With `inode`, the identity of the file.
        inode: See `device`.
        target: Where a link points to.
    """

    path: str
    kind: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    device: int
    inode: int
    target: str = ""


@value
class Survey:
    """All that was found below one source folder, folders before what is in them.

    Attributes:
        entries: In the order in which they can be made.
        locks: Lock files of database engines, absolute.
        left_out: Sentences on what a backup cannot hold.
    """

    entries: tuple[Entry, ...]
    locks: tuple[str, ...]
    left_out: tuple[str, ...]

    def size(self, *kinds: str) -> int:
        """Sum the bytes of tables and files, or of the kinds given."""
        return sum(entry.size for entry in self.entries if not kinds or entry.kind in kinds)


def survey(root: str, leave_out: Callable[[str], bool], *, live: bool = False) -> Survey:
    """Walk a source folder.

    Args:
        root: The folder, with links resolved.
        leave_out: Told an absolute path, says whether it is not part of the source.
        live: True while the node runs: what vanishes meanwhile is no failure.

    Raises:
        BackupError: Something cannot be read, or there is no end to it.
    """
    walk = _Walk(root, leave_out, live)
    try:
        walk.folder(root, "", ())
    except OSError as error:
        raise BackupError(
            f"cannot read {error.filename or root}: {error.strerror}",
            f"make it readable for the user that runs cosmovisor: ls -ld {error.filename or root}",
            path=error.filename,
        ) from error
    return Survey(tuple(walk.entries), tuple(walk.locks), tuple(walk.left_out))


class _Walk:
    def __init__(self, root: str, leave_out: Callable[[str], bool], live: bool) -> None:
        self.root = root
        self.leave_out = leave_out
        self.live = live
        self.entries: list[Entry] = []
        self.locks: list[str] = []
        self.left_out: list[str] = []

    def folder(self, absolute: str, relative: str, above: tuple[tuple[int, int], ...]) -> None:
        here = os.stat(absolute)
        key = (here.st_dev, here.st_ino)
        if key in above or len(above) > _DEPTH_LIMIT or len(self.entries) > _ENTRY_LIMIT:
            raise BackupError(
                f"cannot back up {absolute}: it leads back into itself or has no end",
                f"look for links that point upwards: find {self.root} -type l",
            )
        try:
            names = sorted(os.listdir(absolute))
        except FileNotFoundError:
            if self.live:
                return
            raise
        if relative:
            self._add(relative, "folder", here)
        shared = _shared(absolute, relative, names)
        for name in names:
            path = os.path.join(absolute, name)
            if not self.leave_out(path):
                try:
                    self._entry(path, os.path.join(relative, name), name, shared, (*above, key))
                except FileNotFoundError:
                    if not self.live:
                        raise

    def _entry(
        self,
        path: str,
        relative: str,
        name: str,
        shared: Callable[[str, int], bool],
        above: tuple[tuple[int, int], ...],
    ) -> None:
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            target = os.path.realpath(path)
            if os.path.exists(path) and os.path.commonpath([target, self.root]) != self.root:
                found = os.stat(path)  # it leads to another place: what lies there is part of the data
            else:
                self.entries.append(_entry_of(relative, "link", found, os.readlink(path)))
                return
        if stat.S_ISDIR(found.st_mode):
            self.folder(path, relative, above)
        elif not stat.S_ISREG(found.st_mode):
            self.left_out.append(f"{path} is neither file, folder nor link")
        elif name == "LOCK" or (name.endswith(".lock") and found.st_size == 0):
            self.locks.append(path)
            self._add(relative, "lock", found)
        else:
            self._add(relative, "table" if shared(name, found.st_size) else "file", found)

    def _add(self, relative: str, kind: str, found: os.stat_result) -> None:
        self.entries.append(_entry_of(relative, kind, found))


def _entry_of(relative: str, kind: str, found: os.stat_result, target: str = "") -> Entry:
    size = found.st_size if kind in {"table", "file"} else 0
    mode = stat.S_IMODE(found.st_mode)
    return Entry(
        relative,
        kind,
        size,
        found.st_mtime_ns,
        mode,
        found.st_uid,
        found.st_gid,
        found.st_dev,
        found.st_ino,
        target,
    )


def _shared(absolute: str, relative: str, names: list[str]) -> Callable[[str, int], bool]:
    """Return the rule of one folder: name and size of a file → it is never written again."""
    present = set(names)
    parts = relative.split("/")
    if "CURRENT" in present and any(name.endswith(".ldb") for name in present):
        live = goleveldb.live_tables(absolute)
        return lambda name, size: live is not None and name.endswith(".ldb") and _is_live(live, name, size)
    if any(name.startswith("OPTIONS-") for name in present) and any(
        name.startswith("MANIFEST-") for name in present
    ):
        return lambda name, _: name.endswith((".sst", ".blob"))  # RocksDB, Pebble
    if "memiavl.db" in parts:
        inside = parts[parts.index("memiavl.db") + 1 :]
        finished = bool(inside) and inside[0].startswith("snapshot-") and inside[0][9:].isdigit()
        return lambda _name, _size: finished
    if parts[-1] == "cs.wal":
        return lambda name, _: name.startswith("wal.") and name[4:].isdigit()
    if len(parts) == 3 and parts[0] == "snapshots" and parts[1].isdigit() and parts[2].isdigit():
        return lambda name, _: name.isdigit()  # chunks of a state-sync snapshot
    return lambda name, _: (
        len(name) == 64 and not set(name) - set("0123456789abcdef") and _holds_code(absolute)
    )


def _is_live(live: dict[int, int], name: str, size: int) -> bool:
    number = name[: -len(".ldb")]
    return number.isdigit() and live.get(int(number)) == size


def _holds_code(absolute: str) -> bool:
    """Contract code is named by its digest; compiled modules under `cache` are not written in one piece."""
    return absolute.endswith("/wasm") or "/state/wasm" in absolute
