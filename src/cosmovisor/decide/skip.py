"""`--unsafe-skip-upgrades` in every form that the SDK's flag parser accepts."""

from __future__ import annotations

from cosmovisor.model.plan import HIGHEST

FLAG = "--unsafe-skip-upgrades"
MAX_HEIGHTS = 1024


def heights(arguments: list[str]) -> tuple[int, ...]:
    """Return the heights that the node's arguments tell it to skip, ascending.

    Accepted: `--unsafe-skip-upgrades 10`, `=10`, comma lists in both, the flag repeated, and, as the Go tool
    reads them, further bare numbers after the value. What is no number is left out, as the node will complain
    about it.
    """
    found: set[int] = set()
    reading = False
    for argument in arguments:
        if argument == "--":
            break
        if argument == FLAG:
            reading = True
        elif argument.startswith(FLAG + "="):
            found.update(_numbers(argument[len(FLAG) + 1 :]))
            reading = False
        elif argument.startswith("-"):
            reading = False
        elif reading:
            found.update(_numbers(argument))
    return tuple(sorted(found)[:MAX_HEIGHTS])


def _numbers(text: str) -> list[int]:
    """Return the positive 64-bit numbers of a comma list, which may stand in brackets or quotes."""
    numbers = []
    for part in text.strip("[]\"'").split(","):
        word = part.strip()
        if word.isascii() and word.isdigit() and len(word) <= 19 and 0 < int(word) <= HIGHEST:
            numbers.append(int(word))
    return numbers
