"""The strictest disk that POSIX allows, as a model: nothing is durable until the right thing was flushed.

A run of a story is recorded call by call. Then every state that a power cut could leave is built: content of a
file may be what was flushed, all of it, half of it, or zeros; each change of a folder's names may be there or not,
in any combination, until that folder (for a move: both) was flushed. Real file systems promise more, each
something else; a program that survives here needs none of those promises.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cosmovisor.storage import calls
from tests.support.recorder import recording

_MAX_PENDING = 6


@dataclass
class File:
    """Content in memory, and as flushed (None: never)."""

    content: bytes = b""
    flushed: bytes | None = None
    mtime_ns: int = 0


@dataclass
class Folder:
    """Names in it."""

    names: dict[str, Any] = field(default_factory=dict)
    mode: int = 0o755


@dataclass(frozen=True)
class Link:
    target: str


@dataclass
class Change:
    """One change of names: (folder, name, what is there then or None); open until all folders are flushed."""

    parts: tuple[tuple[Folder, str, Any], ...]
    waits_for: list[Folder]


class Disk:
    """The model of one folder tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now: Folder = _load(root)  # names as the running program sees them
        self.kept: dict[int, dict[str, Any]] = {}  # names as flushed, by folder
        self.open: dict[int, tuple[Any, int]] = {}
        self.pending: list[Change] = []
        self._keep_all(self.now)

    # What the recorded calls do

    def apply(self, name: str, args: tuple[Any, ...], result: Any) -> None:
        handler = getattr(self, f"_{name}", None)
        if handler is not None:
            handler(result, *args)

    def _create(self, fd: int, path: str, mode: int) -> None:
        file = File()
        self._change((path, file))
        self.open[fd] = (file, 0)

    def _open_append(self, fd: int, path: str, mode: int) -> None:
        found = self._find(path)
        if found is None:
            found = File()
            self._change((path, found))
        self.open[fd] = (found, len(found.content))

    def _open_lock(self, fd: int, path: str) -> None:
        self._open_append(fd, path, 0o600)

    def _open_read(self, fd: int, path: str, *_: int) -> None:
        self.open[fd] = (self._find(path), 0)

    def _write(self, count: int, fd: int, data: bytes) -> None:
        file, place = self.open[fd]
        file.content = file.content[:place] + bytes(data)[:count] + file.content[place + count :]
        self.open[fd] = (file, place + count)

    def _copy_range(self, count: int, source: int, target: int, _limit: int) -> None:
        self._write(count, target, self.open[source][0].content[self.open[source][1] :])
        self.open[source] = (self.open[source][0], self.open[source][1] + count)

    def _clone(self, _: None, source: int, target: int) -> None:
        self.open[target][0].content = self.open[source][0].content

    def _truncate(self, _: None, fd: int, size: int) -> None:
        self.open[fd][0].content = self.open[fd][0].content[:size]

    def _set_times(self, _: None, path: str, _atime_ns: int, mtime_ns: int) -> None:
        node = self._find(path)
        if isinstance(node, File):
            node.mtime_ns = mtime_ns  # as if durable at once, long before the content: the worst that can be

    def _fsync(self, _: None, fd: int) -> None:
        node = self.open[fd][0]
        if isinstance(node, File):
            node.flushed = node.content
        elif isinstance(node, Folder):
            self._flush(node)

    def _sync_file_system(self, _: None, _fd: int) -> None:
        self.pending.clear()
        self._keep_all(self.now)

    def _replace(self, _: None, path: str, new: str) -> None:
        self._change((new, self._find(path)), (path, None))

    def _exchange(self, _: None, path: str, other: str) -> None:
        self._change((path, self._find(other)), (other, self._find(path)))

    def _symlink(self, _: None, target: str, path: str) -> None:
        self._change((path, Link(target)))

    def _link(self, _: None, path: str, new: str) -> None:
        self._change((new, self._find(path)))

    def _unlink(self, _: None, path: str) -> None:
        self._change((path, None))

    def _rmdir(self, _: None, path: str) -> None:
        self._change((path, None))

    def _mkdir(self, _: None, path: str, mode: int) -> None:
        folder = Folder(mode=mode)
        self.kept[id(folder)] = {}
        self._change((path, folder))

    # States after a cut

    def states(self) -> Iterator[tuple[str, Folder, dict[int, bytes]]]:
        """Every state that a cut at this moment can leave: a text, the names, and the content of files."""
        older, pending = self.pending[:-_MAX_PENDING], self.pending[-_MAX_PENDING:]
        for before in ([], older) if older else ([],):
            for chosen in itertools.product((False, True), repeat=len(pending)):
                made = [*before, *(change for change, yes in zip(pending, chosen, strict=True) if yes)]
                names = self._names(made)
                for how in ("flushed", "all", "half", "zeros"):
                    yield f"{[int(yes) for yes in chosen]} {how}", names, _contents(names, how)

    def _names(self, made: list[Change]) -> Folder:
        copies: dict[int, Folder] = {}

        def copy(folder: Folder) -> Folder:
            found = copies.get(id(folder))
            if found is None:
                found = copies[id(folder)] = Folder(mode=folder.mode)
                found.names = {
                    name: copy(node) if isinstance(node, Folder) else node
                    for name, node in self.kept[id(folder)].items()
                }
            return found

        top = copy(self.now)
        for change in made:
            for folder, name, node in change.parts:
                names = copy(folder).names
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = copy(node) if isinstance(node, Folder) else node
        return top

    # Inside

    def _change(self, *parts: tuple[str, Any]) -> None:
        found = [(self._find(os.path.dirname(path)), os.path.basename(path), node) for path, node in parts]
        for folder, name, node in found:
            if node is None:
                folder.names.pop(name, None)
            else:
                folder.names[name] = node
        folders: list[Folder] = []
        for folder, _, _ in found:
            if not any(folder is each for each in folders):
                folders.append(folder)
        self.pending.append(Change(tuple(found), folders))

    def _flush(self, folder: Folder) -> None:
        still = []
        for change in self.pending:
            change.waits_for = [each for each in change.waits_for if each is not folder]
            if change.waits_for:
                still.append(change)
                continue
            for place, name, node in change.parts:
                if node is None:
                    self.kept[id(place)].pop(name, None)
                else:
                    self.kept[id(place)][name] = node
        self.pending = still

    def _find(self, path: str) -> Any:
        relative = os.path.relpath(path, self.root)
        node: Any = self.now
        for part in [] if relative == "." else relative.split("/"):
            if not isinstance(node, Folder):
                return None
            node = node.names.get(part)
        return node

    def _keep_all(self, folder: Folder) -> None:
        self.kept[id(folder)] = dict(folder.names)
        for node in folder.names.values():
            if isinstance(node, Folder):
                self._keep_all(node)
            elif isinstance(node, File):
                node.flushed = node.content


def signature(folder: Folder, contents: dict[int, bytes], hidden: Callable[[str], bool]) -> Any:
    """Something hashable that tells two states apart by what is visible in them."""
    return tuple(
        (name, signature(node, contents, hidden))
        if isinstance(node, Folder)
        else (name, node.target)
        if isinstance(node, Link)
        else (name, hash(contents[id(node)]))
        for name, node in sorted(folder.names.items())
        if not hidden(name)
    )


def materialise(
    folder: Folder, contents: dict[int, bytes], root: Path, made: dict[int, Path] | None = None
) -> None:
    """Build a state as real files, with their hard links and times."""
    made = {} if made is None else made
    root.mkdir()
    for name, node in folder.names.items():
        path = root / name
        if isinstance(node, Folder):
            materialise(node, contents, path, made)
        elif isinstance(node, Link):
            os.symlink(node.target, path)
        elif id(node) in made:
            os.link(made[id(node)], path)
        else:
            path.write_bytes(contents[id(node)])
            if node.mtime_ns:
                os.utime(path, ns=(node.mtime_ns, node.mtime_ns))
            made[id(node)] = path


def watch(
    root: Path, run: Callable[[Callable[[], None]], None], skip: int = -1
) -> Iterator[tuple[str, Disk, int]]:
    """Run a story on a real folder and stop after each call: which call, the disk, how many steps had returned.

    Args:
        root: The seeded folder.
        run: Gets a function to call whenever a step has returned.
        skip: The flush with this number (from 0) is left out.
    """
    disk = Disk(root)
    stops: list[tuple[str, tuple[Any, ...], Any, int]] = []
    done = flushes = 0
    with recording() as recorder:
        originals = {name: getattr(calls, name) for name in ("fsync", "sync_file_system")}

        def flush(name: str) -> Callable[[int], None]:
            def call(fd: int) -> None:
                nonlocal flushes
                flushes += 1
                if flushes - 1 != skip:
                    originals[name](fd)

            return call

        for name in originals:
            setattr(calls, name, flush(name))

        def after(name: str, args: tuple[Any, ...], result: Any) -> None:
            stops.append(
                (name, tuple(bytes(a) if isinstance(a, memoryview) else a for a in args), result, done)
            )

        recorder.after = after

        def returned() -> None:
            nonlocal done
            done += 1
            stops.append(("returned", (), None, done))

        try:
            run(returned)
        finally:
            for name, original in originals.items():
                setattr(calls, name, original)
    for name, args, result, count in stops:
        disk.apply(name, args, result)
        yield f"after {name}{args[:2] if name != 'write' else ''}", disk, count


def _contents(folder: Folder, how: str) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for node in folder.names.values():
        if isinstance(node, Folder):
            found.update(_contents(node, how))
        elif isinstance(node, File):
            flushed, content = node.flushed or b"", node.content
            if how == "flushed" or node.flushed == content:
                found[id(node)] = flushed
            elif how == "all":
                found[id(node)] = content
            elif how == "half":
                found[id(node)] = content[: (len(flushed) + len(content)) // 2]
            else:
                found[id(node)] = flushed + bytes(max(0, len(content) - len(flushed)))
    return found


def _load(path: Path) -> Folder:
    folder = Folder()
    for entry in os.scandir(path):
        if entry.is_symlink():
            folder.names[entry.name] = Link(os.readlink(entry.path))
        elif entry.is_dir():
            folder.names[entry.name] = _load(Path(entry.path))
        else:
            with open(entry.path, "rb") as file:
                folder.names[entry.name] = File(file.read(), mtime_ns=os.fstat(file.fileno()).st_mtime_ns)
    return folder
