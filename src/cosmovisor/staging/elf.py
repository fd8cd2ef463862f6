"""What the kernel and the loader will look at in an ELF file, and nothing more.

The file is hostile until checked: every offset is held against the file's size, every table is bounded, and
nothing is read that a launch would not read too.
"""

from __future__ import annotations

import os
import struct

from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

MAGIC = b"\x7fELF"
MACHINES = {3: "i386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 21: "ppc64", 22: "s390x"}
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_STRSZ, _DT_RPATH, _DT_RUNPATH = 1, 5, 10, 15, 29
_DT_SONAME, _DT_VERDEF, _DT_VERNEED = 14, 0x6FFFFFFC, 0x6FFFFFFE
_WEAK = 2
_EXECUTABLE, _SHARED = 2, 3
#: Far above what linkers write; a table beyond it belongs to a file made to waste our time.
_MOST_SEGMENTS, _MOST_TAGS, _MOST_VERSIONS, _LONGEST_TEXT, _LARGEST_STRINGS = 256, 4096, 2048, 4096, 64 << 20


class ElfError(Exception):
    """The file is not an ELF file that can be loaded; the text says why."""


class TruncatedError(ElfError):
    """Parts that the headers speak of are not in the file."""


@value
class VersionNeed:
    """One symbol version that a library must define, as `GLIBC_2.34` of `libc.so.6`."""

    library: str
    version: str
    weak: bool


@value
class Elf:
    """The parts of an ELF file that decide whether it can start.

    Attributes:
        machine: `amd64`, `arm64`, …, or `machine N`.
        bits: 32 or 64.
        executable: True for programs, position-independent ones too; False for relocatable and core files.
        interpreter: The loader that it names; empty for a static program or a library.
        needed: Libraries by name, in order.
        rpath: Folders of `DT_RPATH` (empty where `DT_RUNPATH` is there, as the loader has it).
        runpath: Folders of `DT_RUNPATH`.
        versions: Symbol versions that it needs of its libraries.
        defines: Symbol versions that it defines (of a library).
        end: Where its last loaded segment ends in the file.
    """

    machine: str
    bits: int
    executable: bool
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: tuple[VersionNeed, ...] = ()
    defines: tuple[str, ...] = ()
    end: int = 0


@value
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


class _Reader:
    """Bounded reads from a file, in its byte order and width."""

    def __init__(self, file: BinaryIO, order: str, bits: int) -> None:
        self.file = file
        self.size = os.fstat(file.fileno()).st_size
        self.order = order
        self.bits = bits
        self.segments: list[_Segment] = []

    def at(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise TruncatedError(f"it ends after {self.size} bytes, but speaks of byte {offset + length}")
        self.file.seek(offset)
        data = self.file.read(length)
        if len(data) != length:
            raise TruncatedError(f"it ends after {offset + len(data)} bytes")
        return data

    def unpack(self, form: str, offset: int) -> tuple[int, ...]:
        form = self.order + form
        return struct.unpack(form, self.at(offset, struct.calcsize(form)))

    def place(self, address: int) -> int:
        """Where an address of memory lies in the file."""
        for segment in self.segments:
            if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size:
                return segment.offset + address - segment.address
        raise ElfError(f"its address {address:#x} lies in no segment")


def parse(path: str) -> Elf:
    """Read the headers of an ELF file.

    Raises:
        OSError: The file cannot be read.
        TruncatedError: A part that is loaded lies beyond the end of the file.
        ElfError: It is not an ELF file, or its tables make no sense.
    """
    with open(path, "rb") as file:
        return _parse(file)


def _parse(file: BinaryIO) -> Elf:
    head = file.read(20)
    if len(head) < 20 or head[:4] != MAGIC:
        if head[:4] == MAGIC:
            raise TruncatedError("it ends inside the ELF header")
        raise ElfError("it is not an ELF file")
    if head[4] not in {1, 2} or head[5] not in {1, 2}:
        raise ElfError("its ELF class or byte order does not exist")
    bits, order = (32, 64)[head[4] - 1], "<>"[head[5] - 1]
    kind, machine = struct.unpack(order + "HH", head[16:20])
    reader = _Reader(file, order, bits)
    if bits == 64:
        phoff, _, _, _, phsize, count = reader.unpack("QQIHHH", 32)
    else:
        phoff, _, _, _, phsize, count = reader.unpack("IIIHHH", 28)
    if count > _MOST_SEGMENTS:
        raise ElfError(f"it has {count} program headers")
    for number in range(count):
        reader.segments.append(_segment(reader, phoff + number * phsize))
    loaded = [segment for segment in reader.segments if segment.kind == _PT_LOAD]
    end = max((segment.offset + segment.size for segment in loaded), default=0)
    if end > reader.size:
        raise TruncatedError(f"it has {reader.size} bytes, its segments need {end}")
    interpreter = ""
    tags: list[tuple[int, int]] = []
    for segment in reader.segments:
        if segment.kind == _PT_INTERP:
            if segment.size > _LONGEST_TEXT:
                raise ElfError("the name of its loader is too long")
            interpreter = os.fsdecode(reader.at(segment.offset, segment.size).split(b"\0")[0])
        elif segment.kind == _PT_DYNAMIC:
            tags = _tags(reader, segment)
    name = MACHINES.get(machine, f"machine {machine}")
    parts = Elf(name, bits, kind in {_EXECUTABLE, _SHARED}, interpreter, end=end)
    return _dynamic(reader, tags, parts) if tags else parts


def _segment(reader: _Reader, offset: int) -> _Segment:
    if reader.bits == 64:
        kind, _, place, address, _, size = reader.unpack("IIQQQQ", offset)
    else:
        kind, place, address, _, size = reader.unpack("IIIII", offset)
    return _Segment(kind, place, address, size)


def _tags(reader: _Reader, segment: _Segment) -> list[tuple[int, int]]:
    form, width = ("qQ", 16) if reader.bits == 64 else ("iI", 8)
    found = []
    for number in range(min(segment.size // width, _MOST_TAGS)):
        tag, item = reader.unpack(form, segment.offset + number * width)
        if tag == 0:
            break
        found.append((tag, item))
    return found


def _dynamic(reader: _Reader, tags: list[tuple[int, int]], parts: Elf) -> Elf:
    single = dict(reversed(tags))
    if _DT_STRTAB not in single:
        return parts
    start = reader.place(single[_DT_STRTAB])
    length = min(single.get(_DT_STRSZ, 0), _LARGEST_STRINGS)
    if start + length > reader.size:
        raise TruncatedError("its table of names lies beyond its end")

    def text(offset: int) -> str:
        if not 0 <= offset < length:
            raise ElfError("a name lies outside its table of names")
        data = reader.at(start + offset, min(_LONGEST_TEXT, length - offset))
        return os.fsdecode(data.split(b"\0")[0])

    def folders(tag: int) -> tuple[str, ...]:
        return tuple(part for part in text(single[tag]).split(":") if part) if tag in single else ()

    runpath = folders(_DT_RUNPATH)
    return Elf(
        parts.machine,
        parts.bits,
        parts.executable,
        parts.interpreter,
        needed=tuple(text(item) for tag, item in tags if tag == _DT_NEEDED),
        rpath=() if runpath else folders(_DT_RPATH),
        runpath=runpath,
        versions=tuple(_needs(reader, reader.place(single[_DT_VERNEED]), text))
        if _DT_VERNEED in single
        else (),
        defines=tuple(_defines(reader, reader.place(single[_DT_VERDEF]), text))
        if _DT_VERDEF in single
        else (),
        end=parts.end,
    )


def _needs(reader: _Reader, offset: int, text: Text) -> list[VersionNeed]:
    found: list[VersionNeed] = []
    for _ in range(_MOST_VERSIONS):
        _revision, count, file, aux, following = reader.unpack("HHIII", offset)
        library, place = text(file), offset + aux
        for _entry in range(min(count, _MOST_VERSIONS - len(found))):
            _, flags, _, name, step = reader.unpack("IHHII", place)
            found.append(VersionNeed(library, text(name), bool(flags & _WEAK)))
            place += step
            if not step:
                break
        if not following:
            break
        offset += following
    return found


def _defines(reader: _Reader, offset: int, text: Text) -> list[str]:
    found: list[str] = []
    for _ in range(_MOST_VERSIONS):
        _, _, _, _, _, aux, following = reader.unpack("HHHHIII", offset)
        name, _ = reader.unpack("II", offset + aux)
        found.append(text(name))
        if not following:
            break
        offset += following
    return found


if TYPE_CHECKING:
    from collections.abc import Callable

    Text = Callable[[int], str]
