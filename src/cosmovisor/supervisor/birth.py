"""The birth time of a folder, which tells it from a later one that got the same inode."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AT_FDCWD = -100
_STATX_BTIME = 0x800
#: Offsets in `struct statx` of the answered mask and of the birth time's seconds and nanoseconds.
_MASK, _SECONDS, _NANOSECONDS = 0, 80, 88
_SIZE = 256
_statx: Any = None


def born_ns(path: str) -> int:
    """Return when a file was born, in nanoseconds since the epoch; 0 where the system keeps no such time."""
    if sys.platform != "linux":
        import os

        try:
            return int(getattr(os.stat(path), "st_birthtime", 0.0) * 1e9)
        except OSError:
            return 0
    call = _function()
    if call is None:
        return 0
    buffer = call.buffer()
    try:
        failed = call.call(_AT_FDCWD, path.encode("utf-8", "surrogateescape"), 0, _STATX_BTIME, buffer)
    except (ValueError, TypeError):
        return 0
    data = bytes(memoryview(buffer))
    if failed or not int.from_bytes(data[_MASK : _MASK + 4], sys.byteorder) & _STATX_BTIME:
        return 0
    seconds = int.from_bytes(data[_SECONDS : _SECONDS + 8], sys.byteorder, signed=True)
    return seconds * 1_000_000_000 + int.from_bytes(data[_NANOSECONDS : _NANOSECONDS + 4], sys.byteorder)


class _Call:
    def __init__(self, call: Any, buffer: Any) -> None:
        self.call = call
        self.buffer = buffer


def _function() -> _Call | None:
    """Find `statx` in the C library without the price of importing `ctypes`."""
    global _statx  # noqa: PLW0603  looked up once
    if _statx is None:
        try:
            _statx = _load()
        except (ImportError, OSError, AttributeError, TypeError, ValueError):
            _statx = False
    return _statx or None


def _load() -> _Call:
    import _ctypes

    raw: Any = _ctypes
    whole = type("Int", (raw._SimpleCData,), {"_type_": "i"})
    byte = type("Byte", (raw._SimpleCData,), {"_type_": "B"})
    buffer = type("Buffer", (raw.Array,), {"_length_": _SIZE, "_type_": byte})
    members = {"_flags_": raw.FUNCFLAG_CDECL, "_restype_": whole}
    function: Any = type("Function", (raw.CFuncPtr,), members)
    return _Call(function(raw.dlsym(raw.dlopen(None, 0), "statx")), buffer)
