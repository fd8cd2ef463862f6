"""Records of CometBFT's write-ahead log, decoded as far as an end-of-height record needs.

A record is a CRC-32C of the body (4 bytes, big endian), the body's length (4 bytes, big endian) and the body:
protobuf `TimedWALMessage {1: Timestamp, 2: WALMessage}`, where field 4 of `WALMessage` is `EndHeight {1:
int64}`.
"""

from __future__ import annotations

from cosmovisor.chain.crc32c import crc32c

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

HEADER = 8
#: CometBFT refuses a record of more than 1 MiB (and some bytes); nothing honest is larger.
BODY_LIMIT = (1 << 20) + (1 << 12)
#: The longest end-of-height record: two times ten digits of time, ten of height, and their keys.
END_LIMIT = 48


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a protobuf varint; return it with the place after it, or (-1, at) where there is none."""
    number = shift = 0
    place = at
    while place < end and shift < 64:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
    return -1, at


def is_shaped(data: bytes, at: int, length: int) -> bool:
    """Tell whether a body has the shape of a `TimedWALMessage`: a time, and a message in all the rest.

    The data may end before the body does, as in a torn record; what is there of it decides.
    """
    end = at + length
    there = min(end, len(data))
    if length < 6 or at + 2 > there or data[at] != 0x0A:
        return False
    time = data[at + 1]
    inner = at + 2 + time
    if time > 24 or inner + 2 > there or data[inner] != 0x12:
        return False
    size, start = varint(data, inner + 1, there)
    return size >= 0 and start + size == end


def end_height(data: bytes, at: int, length: int) -> tuple[int, float] | None:
    """Return height and time of an end-of-height record with this body; None for another record."""
    if length > END_LIMIT:
        return None
    start = at + 2 + data[at + 1]  # `is_shaped` has checked these
    size, inner = varint(data, start + 1, at + length)
    if size < 2 or data[inner] != 0x22:
        return None
    inside, place = varint(data, inner + 1, at + length)
    if inside < 0 or place + inside != at + length:
        return None
    height = 0  # an absent field is zero
    if inside:
        if data[place] != 0x08:
            return None
        height, last = varint(data, place + 1, at + length)
        if last != at + length or not 0 <= height < 1 << 63:
            return None
    return height, _time(data, at + 2, start)


def _time(data: bytes, at: int, end: int) -> float:
    seconds = nanos = 0
    while at < end:
        key = data[at]
        number, at = varint(data, at + 1, end)
        if number < 0 or key not in (0x08, 0x10):
            return 0.0
        if key == 0x08:
            seconds = number
        else:
            nanos = number
    return seconds + nanos / 1e9 if seconds < 1 << 40 and nanos < 1_000_000_000 else 0.0


def is_intact(data: bytes, at: int, crc: int, length: int) -> bool:
    """Tell whether the body at `at` has this checksum."""
    return crc32c(data[at : at + length]) == crc


def header(data: bytes, at: int) -> tuple[int, int]:
    """Return checksum and length of the record that begins at `at`."""
    return int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 4 : at + 8], "big")


def walk(
    data: bytes, base: int, starts: array[int], found: Callable[[int, float, int], None]
) -> tuple[int, bool]:
    """Follow the framing from the start of `data`; checksums are not looked at.

    This is the inner loop over many megabytes: `is_shaped` is written out in it.

    Args:
        data: Bytes of a file from a boundary of records on.
        base: Where in the file they are.
        starts: Takes the place in the file of every record.
        found: Called with height, time and place of every end-of-height record.

    Returns:
        Where in `data` the first record begins that is not all there, and False if it can be none.
    """
    from struct import Struct

    unpack = Struct(">II").unpack_from
    append = starts.append
    size = len(data)
    place = 0
    while place + HEADER <= size:
        length = unpack(data, place)[1]
        body = place + HEADER
        end = body + length
        if end > size:
            return place, length <= BODY_LIMIT
        if length < 6 or length > BODY_LIMIT or data[body] != 0x0A or data[body + 1] > 24:
            return place, False
        inner = body + 2 + data[body + 1]
        if inner + 2 > end or data[inner] != 0x12:
            return place, False
        inside = data[inner + 1]
        if inside < 0x80:
            shaped = inner + 2 + inside == end
        else:
            inside, inner = varint(data, inner + 1, end)
            shaped = inside >= 0 and inner + inside == end
        if not shaped:
            return place, False
        if length <= END_LIMIT:
            record = end_height(data, body, length)
            if record is not None:
                found(record[0], record[1], base + place)
        append(base + place)
        place = end
    return place, True
