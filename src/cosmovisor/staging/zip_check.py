"""A zip archive has its table of contents at the end, and room for tricks: two tables, overlapping files.

Looked at before the library reads it, so that what we unpack is what every other tool would unpack.
"""

from __future__ import annotations

import os
import struct
import zipfile

from cosmovisor.staging.bounds import ArchiveError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_END = b"PK\x05\x06"
_END64 = b"PK\x06\x07"
_LARGEST_TABLE = 32 << 20
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LOCAL = 30
_ENCRYPTED = 0x1


def check(file: BinaryIO, most: int) -> None:
    """Look at the end of a zip archive.

    Args:
        file: The archive; left at its start.
        most: Entries allowed.

    Raises:
        ArchiveError: It has no end, more than one, or one that lies.
    """
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - 65536 - 22)
    file.seek(start)
    tail = file.read(65536 + 22)
    file.seek(0)
    ends = []
    at = tail.find(_END)
    while at >= 0:
        if at + 22 <= len(tail):
            comment = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + 22 + comment == len(tail):
                ends.append(at)
        at = tail.find(_END, at + 1)
    if not ends:
        raise ArchiveError("the zip archive has no end: it is cut short or has something behind it")
    if len(ends) > 1:
        raise ArchiveError("the zip archive has two tables of contents")
    at = ends[0]
    _, disk, table_disk, here, total, length, offset, _ = struct.unpack("<4s4H2LH", tail[at : at + 22])
    if disk or table_disk or here != total:
        raise ArchiveError("the zip archive is one of several parts")
    if tail[max(0, at - 20) : at].startswith(_END64):
        if at < 20 + 56 or tail[at - 76 : at - 72] != b"PK\x06\x06":
            raise ArchiveError("the zip archive has a large end that is not where it belongs")
        total, length, offset = struct.unpack("<8x3Q", tail[at - 52 : at - 20])
        at -= 76
    elif 0xFFFF in {here, total} or 0xFFFFFFFF in {length, offset}:
        raise ArchiveError("the zip archive says that it is large, and is not")
    if total > most:
        raise ArchiveError(f"the archive has more than {most} entries")
    if length > _LARGEST_TABLE:
        raise ArchiveError(f"the zip archive has a table of contents of {length} bytes")
    if offset + length != start + at:
        raise ArchiveError("the zip archive has bytes before or after its table of contents")


def check_members(members: list[zipfile.ZipInfo], table: int) -> None:
    """Look at the entries of a zip archive.

    Args:
        members: Its entries.
        table: Where its table of contents begins.

    Raises:
        ArchiveError: One is encrypted, packed in an unknown way, or lies where another lies.
    """
    end = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.flag_bits & _ENCRYPTED:
            raise ArchiveError(f"the zip archive is encrypted: {member.filename!r}")
        if member.compress_type not in _METHODS:
            raise ArchiveError(f"the zip archive packs {member.filename!r} in a way that is not supported")
        if member.header_offset < end:
            raise ArchiveError(f"the zip archive has files inside each other: {member.filename!r}")
        end = member.header_offset + _LOCAL + len(member.orig_filename) + member.compress_size
        if end > table:
            raise ArchiveError(f"the zip archive has a file outside of its data: {member.filename!r}")
        if "\0" in member.orig_filename:
            raise ArchiveError(f"the archive has a name with control characters: {member.orig_filename!r}")
