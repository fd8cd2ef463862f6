"""Decompression in bounded steps: however small the input, no step gives out more than a buffer."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib

from cosmovisor.staging.bounds import ArchiveError, Budget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_OUT = 1 << 20
_IN = 1 << 18
#: A zstd block of four bytes can become 128 KiB, and its library gives out all at once.
_IN_ZSTD = 1 << 10
_WINDOW = 128 << 20

MAGICS = (
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)


def sniff(head: bytes) -> str:
    """Tell from its first bytes what a file is: `gz`, `bz2`, `xz`, `zst`, `zip`, `tar`, or `raw`."""
    for magic, kind in MAGICS:
        if head.startswith(magic):
            return kind
    return "tar" if is_tar(head) else "raw"


def is_tar(head: bytes) -> bool:
    """Tell whether a block of 512 bytes is the header of a tar archive, by its own checksum."""
    if len(head) < 512 or not head[:512].strip(b"\0"):
        return False
    field = head[148:156].strip(b" \0")
    if not field or not all(0x30 <= digit <= 0x37 for digit in field):
        return False
    return int(field, 8) == sum(head[:148]) + 8 * 0x20 + sum(head[156:512])


class Unpacked(io.RawIOBase):
    """The decompressed bytes of a file, readable forward only, under a budget.

    Concatenated streams are read as one, as every tool does; anything else behind the end but zero bytes is
    refused, and so is a stream that ends early.
    """

    def __init__(self, file: BinaryIO, kind: str, budget: Budget) -> None:
        self.file, self.kind, self.budget = file, kind, budget
        self._engine: Any = _engine(kind)
        self._input = b""
        self._ready: bytes | memoryview = b""
        self._ended = False
        self.place = 0
        #: What the last `read` gave: the end mark of a tar archive is such a block.
        self.last = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How many bytes have been read."""
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go forward; backward is impossible."""
        if whence != io.SEEK_SET or offset < self.place:
            raise ArchiveError("the archive asks to go backward, as only broken ones do")
        while self.place < offset:
            if not self.read(min(offset - self.place, _OUT)):
                break
        return self.place

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes; fewer only at the end."""
        if size < 0:
            raise ArchiveError("an archive is never read at once")
        parts, left = [], size
        while left and self._fill():
            part = bytes(self._ready[:left])
            self._ready = self._ready[len(part) :]
            left -= len(part)
            parts.append(part)
        self.place += size - left
        self.last = parts[0] if len(parts) == 1 else b"".join(parts)
        return self.last

    def piece(self, most: int) -> bytes | memoryview:
        """Read whatever is at hand, at most `most` bytes, without copying; empty at the end."""
        if not self._fill():
            return b""
        part = self._ready[:most]
        self._ready = self._ready[len(part) :]
        self.place += len(part)
        return part

    def finish(self) -> None:
        """Read to the end, so that every checksum of the compression is looked at."""
        while self.piece(_OUT):
            pass

    def _fill(self) -> bool:
        while not len(self._ready):
            if self._ended:
                return False
            self._ready = memoryview(self._step())
            self.budget.spend(len(self._ready))
        return True

    def _step(self) -> bytes:
        engine = self._engine
        if engine is None:
            data = self.file.read(_OUT)
            self._ended = not data
            return data
        if engine.eof:
            self._next_stream()
            return b""
        if not self._input:
            self._input = self.file.read(_IN_ZSTD if self.kind == "zst" else _IN)
        at_end = not self._input
        try:
            out = self._decompress(engine)
        except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
            if "emory" in str(error):
                raise ArchiveError(f"the {self.kind} stream asks for more memory than it gets") from None
            raise ArchiveError(f"the {self.kind} stream is damaged: {error}") from None
        except MemoryError:
            raise ArchiveError(f"the {self.kind} stream asks for more memory than it gets") from None
        if at_end and not out and not engine.eof:
            raise ArchiveError(f"the {self.kind} stream ends early: the file is cut short")
        return out

    def _decompress(self, engine: Any) -> bytes:
        data, self._input = self._input, b""
        if self.kind == "gz":
            out: bytes = engine.decompress(data, _OUT)
            self._input = engine.unconsumed_tail
        elif self.kind == "zst":
            try:
                out = engine.decompress(data)
            except _zstd_error() as error:
                if "emory" in str(error):
                    raise ArchiveError("the zst stream asks for more memory than it gets") from None
                raise ArchiveError(f"the zst stream is damaged: {error}") from None
        else:
            out = engine.decompress(data, _OUT)
        return out

    def _next_stream(self) -> None:
        rest = self._engine.unused_data + self._input
        while not rest.strip(b"\0"):
            more = self.file.read(_IN)
            if not more:
                self._ended = True
                return
            rest = more
        magic = next(each for each, kind in MAGICS if kind == self.kind)
        if not rest.startswith(magic):
            raise ArchiveError(f"there is something else behind the end of the {self.kind} stream")
        self._engine = _engine(self.kind)
        self._input = rest


def _engine(kind: str) -> Any:
    if kind == "gz":
        return zlib.decompressobj(wbits=31)
    if kind == "bz2":
        return bz2.BZ2Decompressor()
    if kind == "xz":
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_WINDOW)
    if kind == "zst":
        import zstandard

        return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    return None


def _zstd_error() -> type[Exception]:
    import zstandard

    error: type[Exception] = zstandard.ZstdError
    return error
