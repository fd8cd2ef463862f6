"""A database folder in LevelDB's own format, small enough for a demo: everything stays in the log file.

Other programs (and `plyvel`) read it as any LevelDB: CURRENT names a manifest, the manifest names a log,
the log holds write batches. A cut-off last record is ignored, as LevelDB does. LOCK is held with flock, as
goleveldb does, so a second process is refused.
"""

from __future__ import annotations

import fcntl
import os

from cosmovisor.demo.wire import crc32c, read_varint, varint

_BLOCK = 32768
_HEADER = 7


class DatabaseLockedError(Exception):
    """Another process holds the database."""


class Database:
    """Keys and values of one folder, open and locked until `close`."""

    def __init__(self, folder: str) -> None:
        """Open or create the database.

        Raises:
            DatabaseLockedError: Another process has it open.
        """
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.lock = os.open(os.path.join(folder, "LOCK"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self.lock)
            raise DatabaseLockedError(folder) from None
        self.values, self.sequence, number = read(folder)
        self._begin(number)

    def _begin(self, number: int) -> None:
        """Write what is known into a fresh log and manifest; the old ones go when CURRENT names the new."""
        old = [
            name for name in os.listdir(self.folder) if name.endswith(".log") or name.startswith("MANIFEST-")
        ]
        log, manifest = f"{number:06d}.log", f"MANIFEST-{number + 1:06d}"
        self.file = os.open(
            os.path.join(self.folder, log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644
        )
        self.offset = 0
        if self.values:
            self.put(self.values)
        comparator = b"leveldb.BytewiseComparator"
        edit = b"\x01" + varint(len(comparator)) + comparator
        edit += b"\x02" + varint(number) + b"\x03" + varint(number + 2) + b"\x04" + varint(0)
        _write_file(os.path.join(self.folder, manifest), _records(edit, 0)[0])
        temporary = os.path.join(self.folder, f"{number + 1:06d}.dbtmp")
        _write_file(temporary, manifest.encode() + b"\n")
        os.rename(temporary, os.path.join(self.folder, "CURRENT"))
        for name in old:
            if name not in (log, manifest):
                os.unlink(os.path.join(self.folder, name))

    def put(self, pairs: dict[bytes, bytes]) -> None:
        """Write some pairs in one batch: after a kill all of them are there or none."""
        batch = (self.sequence + 1).to_bytes(8, "little") + len(pairs).to_bytes(4, "little")
        for key, value in pairs.items():
            batch += b"\x01" + varint(len(key)) + key + varint(len(value)) + value
        data, self.offset = _records(batch, self.offset)
        os.write(self.file, data)
        self.sequence += len(pairs)
        self.values.update(pairs)

    def forget(self, key: bytes) -> None:
        """Leave a key out of the next log."""
        self.values.pop(key, None)

    def close(self) -> None:
        """Close the database and free its lock."""
        os.close(self.file)
        os.close(self.lock)


def read(folder: str) -> tuple[dict[bytes, bytes], int, int]:
    """Read the pairs, the last sequence number and the next free file number of a folder."""
    values: dict[bytes, bytes] = {}
    sequence, number = 0, 1
    for name in sorted(os.listdir(folder)):
        digits = name.removeprefix("MANIFEST-").split(".")[0]
        if digits.isdigit():
            number = max(number, int(digits) + 1)
    if not os.path.exists(os.path.join(folder, "CURRENT")):
        return values, sequence, number
    with open(os.path.join(folder, "CURRENT"), "rb") as file:
        manifest = file.read().strip().decode()
    with open(os.path.join(folder, manifest), "rb") as file:
        edit = next(iter(_batches(file.read())))
    comparator, at = read_varint(edit, 1)
    log, _ = read_varint(edit, at + comparator + 1)
    with open(os.path.join(folder, f"{log:06d}.log"), "rb") as file:
        for batch in _batches(file.read()):
            count = int.from_bytes(batch[8:12], "little")
            sequence = int.from_bytes(batch[:8], "little") + count - 1
            at = 12
            for _ in range(count):
                size, at = read_varint(batch, at + 1)
                key = batch[at : at + size]
                length, at = read_varint(batch, at + size)
                values[key] = batch[at : at + length]
                at += length
    return values, sequence, number


def _records(data: bytes, offset: int) -> tuple[bytes, int]:
    """Cut a batch into records of LevelDB's 32 KiB blocks."""
    out = bytearray()
    first = True
    while True:
        left = _BLOCK - offset % _BLOCK
        if left < _HEADER:
            out += bytes(left)
            offset += left
            left = _BLOCK
        piece, data = data[: left - _HEADER], data[left - _HEADER :]
        kind = (1 if first else 4) if not data else (2 if first else 3)
        crc = crc32c(bytes([kind]) + piece)
        masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        out += masked.to_bytes(4, "little") + len(piece).to_bytes(2, "little") + bytes([kind]) + piece
        offset += _HEADER + len(piece)
        first = False
        if not data:
            return bytes(out), offset


def _batches(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    at, part = 0, b""
    while at + _HEADER <= len(data):
        if _BLOCK - at % _BLOCK < _HEADER:
            at += _BLOCK - at % _BLOCK
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        if kind == 0 or at + _HEADER + size > len(data):
            break
        part += data[at + _HEADER : at + _HEADER + size]
        at += _HEADER + size
        if kind in (1, 4):
            found.append(part)
            part = b""
    return found


def _write_file(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
