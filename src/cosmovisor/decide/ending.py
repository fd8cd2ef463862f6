"""What the operator reads about a node that has ended by itself: its status in words, and where to look."""

from __future__ import annotations

_KILLED = "Where nobody did this, the kernel did, for want of memory: look at `journalctl -k` or `dmesg`."
_CRASHED = "Its last lines tell where it crashed; they are for the chain's developers."
_LOADER = "Its file, its interpreter or one of its libraries cannot be used: cosmovisor doctor names it."
_OWN_WORDS = "Its own last lines say why."


def ended(status: int | None) -> tuple[str, str]:
    """Return what has happened and the next step.

    Args:
        status: Exit status, minus the number for a signal; None where nobody could read it.
    """
    if status is None:
        return "the node ended by itself; its status is unknown, since it was adopted", _OWN_WORDS
    if status == 0:
        return "the node ended by itself with status 0", ""
    number = -status if status < 0 else status - 128 if 128 < status < 128 + 65 else 0
    if not number:
        return f"the node ended by itself with status {status}", _LOADER if status in {
            126,
            127,
        } else _OWN_WORDS
    if number == 9:
        return f"the node was killed (signal 9, status {128 + number})", _KILLED
    step = _CRASHED if number in {4, 6, 7, 8, 11} else _OWN_WORDS
    return f"the node was ended by signal {number} (status {128 + number})", step
