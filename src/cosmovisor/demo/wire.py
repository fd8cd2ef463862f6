"""Protobuf fields, CRC-32C and bech32: the few encodings that a node's files and answers are made of."""

from __future__ import annotations

_CASTAGNOLI = 0x82F63B78
_TABLE: list[int] = []


def varint(number: int) -> bytes:
    """Encode a number as protobuf does; negative numbers take ten bytes."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, content: int | bytes | str) -> bytes:
    """Encode one field; zero and empty texts are left out, as proto3 does."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content) if content else b""
    return message(number, content) if content else b""


def message(number: int, content: bytes | str) -> bytes:
    """Encode a length-delimited field, also an empty one."""
    body = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(body)) + body


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Take a message apart into (number, content).

    Raises:
        ValueError: The bytes are no message of varints and length-delimited fields.
    """
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            number, at = read_varint(data, at)
            found.append((key >> 3, number))
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            if at + size > len(data):
                raise ValueError("field is cut off")
            found.append((key >> 3, data[at : at + size]))
            at += size
        else:
            raise ValueError(f"wire type {key & 7} is not used here")
    return found


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number; return it with the position after it."""
    number = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("number is cut off")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def timestamp(seconds: int, nanos: int = 0) -> bytes:
    """Encode google.protobuf.Timestamp."""
    return field(1, seconds) + field(2, nanos)


def crc32c(data: bytes, crc: int = 0) -> int:
    """CRC-32C (Castagnoli), as in the write-ahead log and in LevelDB."""
    if not _TABLE:
        for number in range(256):
            value = number
            for _ in range(8):
                value = value >> 1 ^ (_CASTAGNOLI if value & 1 else 0)
            _TABLE.append(value)
    crc ^= 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def bech32(prefix: str, data: bytes) -> str:
    """Encode an account address."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = _polymod([*spread, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    words += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[word] for word in words)


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for at, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> at & 1 else 0
    return check
