"""Builds write-ahead log records as CometBFT writes them."""

from __future__ import annotations

import struct

from cosmovisor.chain.crc32c import crc32c


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(message: bytes, at: float = 1_800_000_000.25) -> bytes:
    seconds, nanos = int(at), int(at % 1 * 1e9)
    return field(1, b"\x08" + varint(seconds) + b"\x10" + varint(nanos)) + field(2, message)


def record(content: bytes, crc: int | None = None) -> bytes:
    return struct.pack(">II", crc32c(content) if crc is None else crc, len(content)) + content


def end_height(height: int, at: float = 1_800_000_000.25, crc: int | None = None) -> bytes:
    inner = b"\x08" + varint(height) if height else b""
    return record(body(field(4, inner), at), crc)


def noise(size: int = 300, fill: bytes = b"\xab") -> bytes:
    """A record of another kind: a message of a peer with `size` bytes in it."""
    return record(body(field(2, (fill * size)[:size])))


def block(height: int, at: float = 1_800_000_000.25) -> bytes:
    """The records of one block: some of other kinds, then its end."""
    return noise(120) + noise(300) + end_height(height, at)
