"""Fill the folder of a backup, using again what is there already and still true."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from cosmovisor.backup import methods
from cosmovisor.backup.manifest import Item
from cosmovisor.backup.survey import Entry, Survey
from cosmovisor.model.sizes import in_words
from cosmovisor.model.value import value
from cosmovisor.storage import calls, durable

_WORKERS = 4
_ROOT = 0


@value
class Source:
    """A folder to back up.

    Attributes:
        name: Its name in the backup.
        root: Where it lies.
        survey: What is in it.
        method: How to get what lies on `device`; the rest is copied.
        device: See `method`.
    """

    name: str
    root: str
    survey: Survey
    method: str
    device: int = 0


class Builder:
    """Builds one backup.

    Args:
        partial: The folder to fill.
        sources: What to fill it with.
        cancelled: Asked before each file.
        progress: Told a short sentence about once a second.
    """

    def __init__(
        self,
        partial: str,
        sources: list[Source],
        cancelled: Callable[[], bool],
        progress: Callable[[str], None],
    ) -> None:
        self.partial = partial
        self.sources = sources
        self._cancelled = cancelled
        self._progress = progress
        self._lock = threading.Lock()
        self._broken = False
        self._bytes: dict[str, int] = {}
        self._done = self._total = self._told = 0.0
        self._files = 0
        self._ready = {source.name: self._kept(source) for source in sources}

    def missing(self) -> int:
        """Return the bytes that must be written anew."""
        return sum(entry.size for _, entry in self.anew())

    def anew(self) -> Iterator[tuple[Source, Entry]]:
        """Go through the files whose content must be written anew."""
        for source in self.sources:
            shared = {"reflink": {"table", "file"}, "link": {"table"}}.get(source.method, set())
            ready = self._ready[source.name]
            for entry in source.survey.entries:
                if (
                    entry.kind in {"table", "file"}
                    and (entry.kind not in shared or entry.device != source.device)
                    and entry.path not in ready
                ):
                    yield source, entry

    def method(self) -> str:
        """Return the method of most bytes."""
        order = ("copy", "link", "reflink")
        return max(self._bytes, key=lambda each: (self._bytes[each], order.index(each)), default="copy")

    def build(self, *, tables_only: bool = False) -> list[Item]:
        """Fill the folder and return what is in it.

        Raises:
            CancelledError: `cancelled` said so; what is done stays.
            OSError: As the system says.
        """
        if not os.path.isdir(self.partial):
            calls.mkdir(self.partial, 0o700)
        for name in set(os.listdir(self.partial)) - {source.name for source in self.sources}:
            durable.remove_tree(os.path.join(self.partial, name))
        self._total = float(sum(source.survey.size() for source in self.sources))
        items: list[Item] = []
        for source in self.sources:
            self._clear(source)
            folder = os.path.join(self.partial, source.name)
            if not os.path.isdir(folder):
                calls.mkdir(folder, 0o700)
            if source.method == "copy":
                with ThreadPoolExecutor(_WORKERS, thread_name_prefix="backup") as pool:
                    items += self._fill(source, folder, tables_only, lambda f, xs: list(pool.map(f, xs)))
            else:
                items += self._fill(source, folder, tables_only, lambda f, xs: [f(each) for each in xs])
        return items

    def _fill(
        self,
        source: Source,
        folder: str,
        tables_only: bool,
        each: Callable[[Callable[[Entry], Item], list[Entry]], list[Item]],
    ) -> list[Item]:
        entries = source.survey.entries
        folders = [entry for entry in entries if entry.kind == "folder"]
        rest = [entry for entry in entries if entry.kind in ({"table"} if tables_only else {"table", "file"})]
        for entry in folders:
            path = os.path.join(folder, entry.path)
            if not os.path.isdir(path):
                calls.mkdir(path, 0o700)
        made = {item.path: item for item in each(lambda entry: self._file(source, folder, entry), rest)}
        if tables_only:
            return []
        for entry in entries:
            if entry.kind in {"lock", "link"}:
                self._small(entry, os.path.join(folder, entry.path))
        for entry in reversed(folders):
            self._dress(os.path.join(folder, entry.path), entry)
        self._dress(folder, None, os.stat(source.root))
        return [made.get(entry.path) or _item(source.name, entry, "") for entry in entries]

    def _file(self, source: Source, folder: str, entry: Entry) -> Item:
        if self._ended():
            raise methods.CancelledError("the backup was cancelled", "it is taken again at the next start")
        original, target = os.path.join(source.root, entry.path), os.path.join(folder, entry.path)
        method = self._ready[source.name].get(entry.path)
        digest = ""
        if method is None:
            try:
                method, digest = self._transfer(source.method, original, target, entry)
            except BaseException:
                self._broken = True  # the other workers end at their next file too
                raise
        with self._lock:
            self._bytes[method] = self._bytes.get(method, 0) + entry.size
            self._done += entry.size
            self._files += 1
            self._tell()
        return _item(source.name, entry, method, digest)

    def _transfer(self, method: str, original: str, target: str, entry: Entry) -> tuple[str, str]:
        if method == "link" and entry.kind == "table" and methods.try_link(original, target):
            return "link", ""  # mode, owner and times belong to the file itself and are never touched
        if method == "reflink" and methods.try_clone(original, target):
            digest = ""
            if entry.kind == "file" and entry.size <= methods.DIGEST_LIMIT:
                digest = methods.digest_of(target)
            self._dress(target, entry)
            return "reflink", digest
        # A table counts as done at the next attempt by its size and time alone, so it must be whole by then.
        digest = methods.copy(original, target, self._ended, flush=entry.kind == "table")
        self._dress(target, entry)
        return "copy", digest

    def _ended(self) -> bool:
        return self._broken or self._cancelled()

    def _small(self, entry: Entry, path: str) -> None:
        if entry.kind == "link":
            calls.symlink(entry.target, path)
        else:
            calls.close(calls.create(path, entry.mode))

    def _dress(self, path: str, entry: Entry | None, found: os.stat_result | None = None) -> None:
        mode, uid, gid = (entry.mode, entry.uid, entry.gid) if entry else (0o700, found.st_uid, found.st_gid)  # type: ignore[union-attr]
        if os.geteuid() == _ROOT and (uid, gid) != (os.geteuid(), os.getegid()):
            calls.chown(path, uid, gid)
        calls.chmod(path, mode)
        if entry is not None and entry.kind != "folder":
            calls.set_times(path, entry.mtime_ns, entry.mtime_ns)

    def _kept(self, source: Source) -> dict[str, str]:
        """Return the tables that an earlier attempt has put in place, with their method."""
        ready = {}
        for entry in source.survey.entries:
            if entry.kind == "table":
                with contextlib.suppress(OSError):
                    found = os.lstat(os.path.join(self.partial, source.name, entry.path))
                    if (found.st_dev, found.st_ino) == (entry.device, entry.inode):
                        ready[entry.path] = "link"
                    elif (found.st_size, found.st_mtime_ns) == (
                        entry.size,
                        entry.mtime_ns,
                    ) and found.st_nlink == 1:
                        ready[entry.path] = "copy"
        return ready

    def _clear(self, source: Source) -> None:
        """Remove what an earlier attempt has left and is not used again."""
        top = os.path.join(self.partial, source.name)
        wanted = {entry.path for entry in source.survey.entries if entry.kind == "folder"} | set(
            self._ready[source.name]
        )
        for folder, folders, files in os.walk(top, topdown=False):
            for name in files + folders:
                path = os.path.join(folder, name)
                if os.path.relpath(path, top) not in wanted:
                    if os.path.isdir(path) and not os.path.islink(path):
                        calls.rmdir(path)
                    else:
                        calls.unlink(path)
                elif os.path.isdir(path):
                    calls.chmod(path, 0o700)

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= 1.0:
            self._told = now
            self._progress(f"backup: {self._files} files, {in_words(self._done)} of {in_words(self._total)}")


def _item(source: str, entry: Entry, method: str, digest: str = "") -> Item:
    return Item(
        source,
        entry.path,
        entry.kind,
        method,
        entry.size,
        entry.mtime_ns,
        entry.mode,
        entry.uid,
        entry.gid,
        digest,
        entry.target,
    )
