"""Durations in Go's syntax: `300ms`, `1m30s`, `1.5h`; the file may hold integer nanoseconds."""

from __future__ import annotations

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LARGEST = 2**63 - 1
_DIGITS = "0123456789"


def nanoseconds(text: str) -> int:
    """Read a Go duration.

    Args:
        text: For example `1m30s`; units `ns us µs ms s m h`, no blanks, a sign and decimals allowed.

    Returns:
        Nanoseconds, cut toward zero as Go does.

    Raises:
        ValueError: The text is no duration; the message says what is missing.
    """
    rest = text
    sign = 1
    if rest[:1] in {"+", "-"}:
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return 0
    if not rest:
        raise ValueError("it is empty")
    total = 0
    while rest:
        whole = _leading(rest, _DIGITS)
        rest = rest[len(whole) :]
        part = ""
        if rest[:1] == ".":
            part = _leading(rest[1:], _DIGITS)
            rest = rest[1 + len(part) :]
        if not whole and not part:
            raise ValueError("a number is missing")
        end = 0
        while end < len(rest) and rest[end] not in _DIGITS and rest[end] != ".":
            end += 1
        unit, rest = rest[:end], rest[end:]
        if not unit:
            raise ValueError("the unit is missing")
        if unit not in _UNITS:
            raise ValueError(f"the unit {unit!r} is unknown")
        scale = _UNITS[unit]
        part = part[:18]
        total += int(whole[:40] or "0") * scale + int(part or "0") * scale // 10 ** len(part)
        if total > _LARGEST + (sign < 0):
            raise ValueError("it is longer than 292 years")
    return sign * total


def short(nanos: int) -> str:
    """Write nanoseconds in Go's short form, as `config` shows it: `0s`, `300ms`, `1m30s`."""
    sign, left = ("-", -nanos) if nanos < 0 else ("", nanos)
    if left == 0:
        return "0s"
    if left < 1_000_000_000:
        for unit, scale in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000)):
            if left < scale * 1_000:
                return f"{sign}{_decimal(left, scale)}{unit}"
    hours, left = divmod(left, _UNITS["h"])
    minutes, left = divmod(left, _UNITS["m"])
    text = f"{_decimal(left, _UNITS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    if hours:
        text = f"{hours}h{text}"
    return sign + text


def _leading(text: str, characters: str) -> str:
    end = 0
    while end < len(text) and text[end] in characters:
        end += 1
    return text[:end]


def _decimal(amount: int, scale: int) -> str:
    whole, part = divmod(amount, scale)
    if not part:
        return str(whole)
    width = len(str(scale)) - 1
    return f"{whole}.{part:0{width}d}".rstrip("0")
