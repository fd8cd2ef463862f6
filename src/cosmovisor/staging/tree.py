"""Writes what an archive holds into a new folder; links come last and are followed on paper first."""

from __future__ import annotations

import hashlib
import os
import posixpath

from cosmovisor.model.value import value
from cosmovisor.staging.bounds import ArchiveError, Bounds, Budget, Names
from cosmovisor.storage import calls, durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_STEPS = 40


@value
class Entry:
    """A regular file of the new folder."""

    size: int
    sha256: str
    executable: bool


class Tree:
    """A folder under construction. Nothing in it is trusted, and nothing outside is touched.

    Attributes:
        root: The folder, new and empty.
        files: What was written, by relative path.
        links: Relative path to target, as the archive has it.
        kind: What it comes from: `raw`, `gz` and the like for one compressed file, `tar`, `zip`.
    """

    def __init__(self, root: str, bounds: Bounds, budget: Budget) -> None:
        self.root = root
        self.kind = "raw"
        self.budget = budget
        self.names = Names(bounds.depth)
        self.files: dict[str, Entry] = {}
        self.links: dict[str, str] = {}
        self._made: set[str] = set()

    def folder(self, name: str) -> None:
        """Take in a folder."""
        self.budget.entry()
        clean = self.names.add(name, "folder")
        if clean:
            self._make(clean)

    def file(self, name: str, size: int, executable: bool, read: Callable[[], bytes | memoryview]) -> None:
        """Take in a regular file.

        Args:
            name: As the archive has it.
            size: How long the archive says it is; another length is an error.
            executable: Whether any execute bit is set; no other bit of its mode counts.
            read: Returns the next bytes, empty at the end.

        Raises:
            ArchiveError: The name or the length is wrong.
        """
        entry = self._write(name, executable, read, size)
        if entry.size != size:
            raise ArchiveError(
                f"the archive is cut short or damaged: {name!r} does not have its {size} bytes"
            )

    def open_end(self, name: str, read: Callable[[], bytes | memoryview]) -> None:
        """Take in a program whose length is known only at its end."""
        self._write(name, True, read, None)

    def _write(
        self, name: str, executable: bool, read: Callable[[], bytes | memoryview], most: int | None
    ) -> Entry:
        self.budget.entry()
        clean = self.names.add(name, "file")
        path = os.path.join(self.root, clean)
        self._make(posixpath.dirname(clean))
        digest = hashlib.sha256()
        taken = 0
        fd = calls.create(path, 0o755 if executable else 0o644)
        try:
            while data := read():
                taken += len(data)
                if most is not None and taken > most:
                    break
                digest.update(data)
                durable.write_all(fd, data)
        finally:
            calls.close(fd)
        self.files[clean] = Entry(taken, digest.hexdigest(), executable)
        return self.files[clean]

    def link(self, name: str, target: str) -> None:
        """Take in a symbolic link; made by `finish`."""
        self.budget.entry()
        clean = self.names.add(name, "link")
        if not target or len(target) > 1024 or "\0" in target:
            raise ArchiveError(f"the archive has a link without a usable target: {clean!r}")
        if target.startswith("/") or "\\" in target:
            raise ArchiveError(f"the archive has a link that leads outside: {clean!r} to {target!r}")
        self.links[clean] = target

    def hard_link(self, name: str, target: str) -> None:
        """Take in a hard link: a copy of a file that came before in this archive."""
        source = self.names.clean(target)
        had = self.files.get(source)
        if had is None:
            raise ArchiveError(f"the archive has a hard link to {target!r}, which is no file before it")
        with open(os.path.join(self.root, source), "rb") as file:
            self.budget.spend(had.size)
            self.file(name, had.size, had.executable, lambda: file.read(1 << 20))

    def finish(self) -> None:
        """Make the links, after following each on paper: it must end at a file or folder of this tree.

        Raises:
            ArchiveError: One leads outside, to nothing, or in a circle.
        """
        for name in self.links:
            self._follow(name)
        for name, target in self.links.items():
            self._make(posixpath.dirname(name))
            calls.symlink(target, os.path.join(self.root, name))
        root = os.path.realpath(self.root)
        for name in self.links:
            real = os.path.realpath(os.path.join(self.root, name))
            if not real.startswith(root + "/") or not os.path.exists(real):
                raise ArchiveError(f"the archive has a link that leads outside: {name!r}")

    def _make(self, name: str) -> None:
        """Make a folder and those above it, each once."""
        if name and name not in self._made:
            self._make(posixpath.dirname(name))
            calls.mkdir(os.path.join(self.root, name), 0o755)
            self._made.add(name)

    def resolve(self, name: str) -> str:
        """Return the path that a name of this tree really stands for."""
        return self._follow(name) if name in self.links else name

    def _follow(self, name: str) -> str:
        todo = posixpath.join(posixpath.dirname(name), self.links[name]).split("/")
        done: list[str] = []
        steps = 0
        while todo:
            part = todo.pop(0)
            if part in {"", "."}:
                continue
            if part == "..":
                if not done:
                    raise ArchiveError(
                        f"the archive has a link that leads outside: {name!r} to {self.links[name]!r}"
                    )
                done.pop()
                continue
            here = "/".join([*done, part])
            if here in self.links:
                steps += 1
                if steps > _MOST_STEPS:
                    raise ArchiveError(f"the archive has links in a circle: {name!r}")
                todo = self.links[here].split("/") + todo
            else:
                done.append(part)
        found = "/".join(done)
        if not found or found not in self.names.kinds:
            raise ArchiveError(f"the archive has a link to nothing: {name!r} to {self.links[name]!r}")
        return found
