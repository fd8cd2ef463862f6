"""From the name of a plan to the name of its folder, exactly as the Go tool does it."""

from __future__ import annotations

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~$&+:=@")
_PERCENT = ord("%")
_HEX = frozenset(b"0123456789abcdefABCDEF")


def recased(name: str) -> str:
    """Lower-case a name as Go's `strings.ToLower` does: code point by code point.

    Python's own `lower` looks at the context (`Σ` at a word's end) and makes two code points of `İ`.
    """
    return "".join([character.lower()[0] for character in name])


def escaped(name: str) -> str:
    """Escape a name for use as one path segment (Go's `url.PathEscape`).

    The names `.` and `..` stay what they are: `cosmovisor.plan.names.check` refuses them.
    """
    data = name.encode("utf-8", "replace")
    return "".join([chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data])


def unescaped(folder: str) -> str:
    """Return the name that a folder of `upgrades/` stands for."""
    out = bytearray()
    data = folder.encode("utf-8", "surrogateescape")
    place = 0
    while place < len(data):
        digits = data[place + 1 : place + 3]
        if data[place] == _PERCENT and len(digits) == 2 and all(digit in _HEX for digit in digits):
            out.append(int(digits, 16))
            place += 3
        else:
            out.append(data[place])
            place += 1
    return out.decode("utf-8", "replace")
