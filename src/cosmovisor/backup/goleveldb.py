"""Which tables of a goleveldb (or LevelDB) database are alive: those that its MANIFEST names.

Only a live table is never written again. One that the MANIFEST does not name is left over from a crash; its
number is used once more and the file is then rewritten in place (field-study.md §7.2).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

#: A MANIFEST beyond this is not parsed; all files of the database are then copied.
SIZE_LIMIT = 256 << 20
_BLOCK = 32768
_HEADER = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


class _UnreadableError(ValueError):
    """The MANIFEST is not what we know."""


def live_tables(folder: str) -> dict[int, int] | None:
    """Return number and size of each live table, or None where that cannot be known for sure."""
    try:
        with open(os.path.join(folder, "CURRENT"), "rb") as file:
            name = file.read(256).strip().decode("ascii")
        if "/" in name or not name.startswith("MANIFEST-"):
            return None
        path = os.path.join(folder, name)
        if os.path.getsize(path) > SIZE_LIMIT:
            return None
        return _replay(path)
    except (OSError, ValueError, IndexError):
        return None


def _replay(path: str) -> dict[int, int]:
    live: dict[int, int] = {}
    for record in _records(path):
        place = 0
        while place < len(record):
            tag, place = _number(record, place)
            if tag == 1:  # comparer
                place = _skip_bytes(record, place)
            elif tag in {2, 3, 4, 9}:  # journal, next file, sequence, previous journal
                _, place = _number(record, place)
            elif tag == 5:  # compaction pointer: level, key
                _, place = _number(record, place)
                place = _skip_bytes(record, place)
            elif tag == 6:  # deleted table: level, number
                _, place = _number(record, place)
                number, place = _number(record, place)
                live.pop(number, None)
            elif tag == 7:  # added table: level, number, size, smallest key, largest key
                _, place = _number(record, place)
                number, place = _number(record, place)
                size, place = _number(record, place)
                place = _skip_bytes(record, _skip_bytes(record, place))
                live[number] = size
            else:
                raise _UnreadableError(f"tag {tag}")
    return live


def _number(record: bytes, place: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = record[place]
        place += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, place
        shift += 7
        if shift > 63:
            raise _UnreadableError("a number is too long")


def _skip_bytes(record: bytes, place: int) -> int:
    count, place = _number(record, place)
    if place + count > len(record):
        raise _UnreadableError("a key is cut")
    return place + count


def _records(path: str) -> Iterator[bytes]:
    """Yield whole records; a torn one at the end was never committed and is left out."""
    with open(path, "rb") as file:
        parts: list[bytes] = []
        while block := file.read(_BLOCK):
            place = 0
            while place + _HEADER <= len(block):
                length = block[place + 4] | block[place + 5] << 8
                kind = block[place + 6]
                if kind == 0 and length == 0:
                    break  # the rest of the block is filling
                piece = block[place + _HEADER : place + _HEADER + length]
                place += _HEADER + length
                if len(piece) < length:
                    return
                if kind in {_FULL, _FIRST}:
                    parts = []
                elif kind not in {_MIDDLE, _LAST}:
                    raise _UnreadableError(f"record type {kind}")
                parts.append(piece)
                if kind in {_FULL, _LAST}:
                    yield b"".join(parts)
                    parts = []
