"""Counts of bytes in words, the same everywhere."""

from __future__ import annotations


def in_words(count: float) -> str:
    """Say a count of bytes in the unit that keeps it short: `512 B`, `19.1 KiB`, `66.3 GiB`."""
    if count < 1024:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {unit}"
    return f"{count / 1024:.1f} TiB"
