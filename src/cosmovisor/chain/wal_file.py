"""The end-of-height records of one file of the write-ahead log, and which of them can be believed.

The bytes of the log come partly from other nodes: blocks with their transactions are in it, and a transaction
can hold bytes that look like a record. So a record is believed only where the framing leads to it from the
start of the file, over records with good checksums just before it (as far as foreign bytes in one record can
reach). Behind a broken or torn record, reading goes on only at intact records that lie beyond the end that
the broken one claims.
"""

from __future__ import annotations

import os

from cosmovisor.chain import wal_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

#: CometBFT rotates at 10 MiB; a file of more than this is not read further.
FILE_LIMIT = 64 << 20
#: Bytes whose checksums are verified behind a break; the check is slow in Python.
CHECK_LIMIT = 4 << 20
#: Bytes whose checksums are verified before a record that is believed: foreign bytes come in block parts of
#: at most 64 KiB, so whatever led the framing astray into them lies within this distance. A vote extension
#: may have 1 MiB: where a record so long can lie around the one in question, the window begins before it.
TRUST_WINDOW = 256 << 10
_PIECE = 1 << 20


class End:
    """An end-of-height record: height, time in seconds since the epoch, and where in the file it stands."""

    __slots__ = ("height", "place", "time")

    def __init__(self, height: int, time: float, place: int) -> None:
        self.height = height
        self.time = time
        self.place = place


class WalFile:
    """One file, read through a descriptor that the caller owns.

    Attributes:
        ends: End-of-height records in the order of the file, found by framing alone.
        complete: True if everything behind the last of them was read too (a torn last record apart).
    """

    def __init__(self, fd: int) -> None:
        from array import array

        self._fd = fd
        self._starts: array[int] = array("Q")
        self.ends: list[End] = []
        self.complete = True
        self._walk()

    def trusted(self, height: int | None = None) -> End | None:
        """Return the last record that can be believed, or the last one of a height."""
        for _ in range(8):
            end = next((end for end in reversed(self.ends) if height in (None, end.height)), None)
            if end is None:
                return None
            culprit = self._led_astray(end)
            if culprit < 0:
                return end
            self._break_at(culprit)
        self.complete = False
        return None

    def _walk(self) -> None:
        buffer, base, place = b"", 0, 0
        while True:
            piece = os.pread(self._fd, _PIECE, base + len(buffer))
            buffer = buffer[place:] + piece
            base += place
            place, whole = wal_record.walk(buffer, base, self._starts, self._found)
            if not whole or (not piece and place < len(buffer)):
                self._broken(base + place)
                return
            if not piece:
                return
            if base + len(buffer) > FILE_LIMIT:
                self.complete = False
                return

    def _found(self, height: int, time: float, place: int) -> None:
        self.ends.append(End(height, time, place))

    def _broken(self, place: int) -> None:
        """Go on behind the place where the framing ends; the record before it may be the torn one."""
        if self._starts and not self._intact(self._starts[-1], place):
            place = self._starts[-1]
        self._break_at(place)

    def _intact(self, start: int, end: int) -> bool:
        """Tell whether the record at `start`, which reaches to `end` at most, has a good checksum."""
        data = os.pread(self._fd, end - start, start)
        crc, length = wal_record.header(data, 0)
        return wal_record.is_intact(data, wal_record.HEADER, crc, length)

    def _led_astray(self, end: End) -> int:
        """Return where the last record with a wrong checksum shortly before `end` begins, or -1."""
        from bisect import bisect_left

        last = bisect_left(self._starts, end.place)
        if last == len(self._starts) or self._starts[last] != end.place:
            return -1  # found behind a break, where every checksum was verified
        if not self._intact(end.place, end.place + wal_record.HEADER + wal_record.END_LIMIT):
            return end.place
        first = bisect_left(self._starts, self._window(end.place))
        first = max(first - 1, 0)
        base = self._starts[first]
        data = os.pread(self._fd, end.place - base, base)
        for index in range(last - 1, first - 1, -1):
            place = self._starts[index] - base
            crc, length = wal_record.header(data, place)
            if not wal_record.is_intact(data, place + wal_record.HEADER, crc, length):
                return self._starts[index]
        return -1

    def _window(self, place: int) -> int:
        """Return from where on checksums are verified before the record at `place`.

        Checking all that the longest record may cover takes a tenth of a second, which would stand between
        halt and launch; looking for the head of one takes a hundredth of that.
        """
        base = max(place - wal_record.HEADER - wal_record.BODY_LIMIT, 0)
        near = max(place - TRUST_WINDOW, 0)
        data = os.pread(self._fd, near - base, base)
        at = wal_record.HEADER - 1
        while (at := data.find(b"\x0a", at + 1)) >= 0:
            length = wal_record.header(data, at - wal_record.HEADER)[1]
            reaches = length <= wal_record.BODY_LIMIT and base + at + length > place
            if reaches and wal_record.is_shaped(data, at, length):
                return base + at - wal_record.HEADER
        return near

    def _break_at(self, place: int) -> None:
        """Take back what was found from `place` on, and look behind the record that is broken there."""
        from bisect import bisect_left

        del self._starts[bisect_left(self._starts, place) :]
        self.ends = [end for end in self.ends if end.place < place]
        rest = b""
        while len(rest) <= CHECK_LIMIT and (piece := os.pread(self._fd, _PIECE, place + len(rest))):
            rest += piece
        if len(rest) > CHECK_LIMIT:
            self.complete = False
            return
        found, self.complete = behind(rest)
        self.ends += [End(end.height, end.time, place + end.place) for end in found]


def behind(data: bytes) -> tuple[list[End], bool]:
    """Find what can be believed behind the broken or torn record that begins at the start of `data`.

    Returns:
        The end-of-height records, and whether nothing that may be one was left out.
    """
    budget = [CHECK_LIMIT]
    found: list[End] = []
    broken = 0
    while True:
        length = wal_record.header(data, broken)[1] if broken + wal_record.HEADER <= len(data) else 0
        # A length beyond the limit shows that not even the header was written: no foreign bytes then.
        suspect = broken + wal_record.HEADER + (length if length <= wal_record.BODY_LIMIT else 0)
        start = broken
        chain: list[End] = []
        doubtful = False
        while True:
            start, suspect = _next_intact(data, start + 1, suspect, budget)
            if start < 0:
                break
            end = _follow(data, start, budget, chain)
            if end > suspect:
                break
            doubtful = True
            chain.clear()
            start = end - 1
        if budget[0] <= 0:
            return found, False
        if start < 0:
            return found, not doubtful and _is_torn(data, broken)
        found += [one for one in chain if one.place >= suspect]
        broken = end
        if broken >= len(data):
            return found, True


def _is_torn(data: bytes, place: int) -> bool:
    """Tell whether the bytes from here to the end are the beginning of one record."""
    left = len(data) - place
    if left < wal_record.HEADER:
        return True
    length = wal_record.header(data, place)[1]
    return length <= wal_record.BODY_LIMIT and left < wal_record.HEADER + length


def _next_intact(data: bytes, place: int, suspect: int, budget: list[int]) -> tuple[int, int]:
    """Find the next record with a good checksum.

    Returns:
        Where it begins (-1: there is none), and up to where foreign bytes may reach: what has the shape of a
        record and is torn or broken may be a real one that holds what looks like others.
    """
    at = place + wal_record.HEADER - 1
    while budget[0] > 0 and (at := data.find(b"\x0a", at + 1)) >= 0:
        if data[at - 4] or data[at - 3] > 0x10:
            continue
        crc, length = wal_record.header(data, at - wal_record.HEADER)
        if not wal_record.is_shaped(data, at, length):
            continue
        if at + length <= len(data):
            budget[0] -= length
            if wal_record.is_intact(data, at, crc, length):
                return at - wal_record.HEADER, suspect
        suspect = max(suspect, at + length)
    return -1, suspect


def _follow(data: bytes, place: int, budget: list[int], found: list[End]) -> int:
    """Follow intact records, collect end-of-height records, return where the row of them ends."""
    while place + wal_record.HEADER <= len(data) and budget[0] > 0:
        crc, length = wal_record.header(data, place)
        body = place + wal_record.HEADER
        if body + length > len(data) or not wal_record.is_shaped(data, body, length):
            break
        budget[0] -= length
        if not wal_record.is_intact(data, body, crc, length):
            break
        record = wal_record.end_height(data, body, length)
        if record is not None:
            found.append(End(*record, place))
        place = body + length
    return place
