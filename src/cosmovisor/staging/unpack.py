"""From a downloaded file to a folder: raw programs, compressed programs, tar and zip archives."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib

from cosmovisor.staging import zip_check
from cosmovisor.staging.bounds import ArchiveError, Bounds, Budget
from cosmovisor.staging.streams import Unpacked, is_tar, sniff
from cosmovisor.staging.tree import Tree
from cosmovisor.storage import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Self

_CHUNK = 1 << 20
#: A header that stands before another one (long names, PAX) is read whole; real ones have some hundred bytes.
_LARGEST_EXTRA = 64 * 1024
_EXTRA = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"L", b"K"}


def unpack(path: str, root: str, name: str, *, raw: bool = False, bounds: Bounds | None = None) -> Tree:
    """Unpack a file into a new folder. What it is tells its content, not its name.

    Args:
        path: The file.
        root: The folder; made here, must not exist.
        name: What to call the program where the file is a program and no archive.
        raw: True where the file is to be taken as it is.
        bounds: The limits.

    Raises:
        ArchiveError: It is damaged, or breaks a rule. The folder is then worthless.
    """
    bounds = bounds or Bounds()
    calls.mkdir(root, 0o755)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        budget = Budget(bounds, size)
        tree = Tree(root, bounds, budget)
        kind = "raw" if raw else kind_of(file)
        try:
            tree.kind = kind
            if kind == "zip":
                _zip(file, tree, budget)
            elif kind == "raw":
                tree.file(name, size, True, lambda: file.read(_CHUNK))
            else:
                _stream(file, kind, tree, name, budget)
        except MemoryError:
            raise ArchiveError("the archive asks for more memory than it gets") from None
        except RecursionError:
            raise ArchiveError("the archive is nested too deeply") from None
    tree.finish()
    if not tree.files:
        raise ArchiveError("the archive holds no file")
    return tree


def kind_of(file: BinaryIO) -> str:
    """Tell what a file is from its first bytes; see `streams.sniff`."""
    head = file.read(512)
    file.seek(0)
    return sniff(head)


def _stream(file: BinaryIO, kind: str, tree: Tree, name: str, budget: Budget) -> None:
    """A tar archive, compressed or not, or one compressed file."""
    if kind == "tar":
        _tar(Unpacked(file, "tar", budget), tree)
        return
    stream = Unpacked(file, kind, budget)
    head = stream.read(512)
    file.seek(0)
    budget.out = 0
    stream = Unpacked(file, kind, budget)
    if is_tar(head):
        tree.kind = "tar"
        _tar(stream, tree)
    else:
        _single(stream, tree, name)
    stream.finish()


def _single(stream: Unpacked, tree: Tree, name: str) -> None:
    """One compressed program: its length is known only at its end."""

    def read() -> bytes | memoryview:
        return stream.piece(_CHUNK)

    tree.open_end(name, read)


class _Info(tarfile.TarInfo):
    """A header; refuses what would make the reader take in much at once, or what is not a plain file."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0:
            raise ArchiveError("the archive has an entry of negative length")
        if info.type in _EXTRA and info.size > _LARGEST_EXTRA:
            raise ArchiveError(f"the archive has a header of {info.size} bytes")
        if info.type == tarfile.GNUTYPE_SPARSE:
            raise ArchiveError("the archive has a sparse file, which releases never have")
        return info


def _tar(stream: Unpacked, tree: Tree) -> None:
    try:
        with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Info, errorlevel=2) as archive:
            while (member := archive.next()) is not None:
                _member(stream, tree, member)
                archive.members = []  # type: ignore[attr-defined]  # It keeps every header otherwise.
    except tarfile.TarError as error:
        raise ArchiveError(f"the tar archive is damaged: {error}") from None
    except (ValueError, OverflowError, UnicodeError, EOFError) as error:
        raise ArchiveError(f"the tar archive is damaged: {type(error).__name__}") from None
    if stream.last != bytes(512):
        raise ArchiveError("the tar archive has no end mark: it is cut short or damaged")


def _member(stream: Unpacked, tree: Tree, member: tarfile.TarInfo) -> None:
    name = member.name
    if member.issparse() or any(key.startswith("GNU.sparse") for key in member.pax_headers):
        raise ArchiveError("the archive has a sparse file, which releases never have")
    if member.isdir():
        tree.folder(name)
    elif member.issym():
        tree.link(name, member.linkname)
    elif member.islnk():
        tree.hard_link(name, member.linkname)
    elif member.isreg():
        left = member.size
        stream.seek(member.offset_data)

        def read() -> bytes | memoryview:
            nonlocal left
            data = stream.piece(min(left, _CHUNK)) if left else b""
            left -= len(data)
            return data

        tree.file(name, member.size, bool(member.mode & 0o111), read)
    else:
        raise ArchiveError(f"the archive has a device, a pipe or something unknown: {name!r}")


def _zip(file: BinaryIO, tree: Tree, budget: Budget) -> None:
    zip_check.check(file, budget.bounds.entries)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            zip_check.check_members(members, archive.start_dir)
            for member in members:
                _zip_member(archive, member, tree, budget)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise ArchiveError(f"the zip archive is damaged: {error}") from None
    except (ValueError, OverflowError, RuntimeError, UnicodeError, zlib.error) as error:
        raise ArchiveError(f"the zip archive is damaged: {type(error).__name__}") from None


def _zip_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, tree: Tree, budget: Budget) -> None:
    mode = member.external_attr >> 16 if member.create_system == 3 else 0
    kind = stat.S_IFMT(mode)
    name = member.orig_filename
    if name.endswith("/"):
        if kind not in {0, stat.S_IFDIR} or member.file_size:
            raise ArchiveError(f"the archive has a folder that is something else too: {name!r}")
        tree.folder(name)
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise ArchiveError(f"the archive has a device, a pipe or something unknown: {name!r}")
    with archive.open(member) as content:
        if kind == stat.S_IFLNK:
            target = content.read(1025)
            budget.spend(len(target))
            tree.link(name, os.fsdecode(target))
            return

        def read() -> bytes:
            data = content.read(_CHUNK)
            budget.spend(len(data))
            return data

        tree.file(name, member.file_size, bool(mode & 0o111), read)
