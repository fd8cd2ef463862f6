"""JSON from a node taken apart: every field is checked for type and range before anybody believes it."""

from __future__ import annotations

from cosmovisor.model.errors import ChainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The largest height; heights are int64 on the chain.
HEIGHT_LIMIT = (1 << 63) - 1


def parse(data: bytes, what: str) -> Any:
    """Parse JSON from outside.

    Args:
        data: The text, already bounded in size.
        what: Whose text it is, for the message.

    Raises:
        ChainError: Not JSON, not UTF-8, or nested deeper than any honest answer.
    """
    import json

    try:
        # As text: of bytes, the library would also take UTF-16 and UTF-32.
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else "not JSON"
        raise ChainError(f"cannot use the answer of {what}: {reason}") from error


def take(source: Any, *path: str) -> Any:
    """Return the value below a path of keys, or None where any of them is missing or no object."""
    for key in path:
        if not isinstance(source, dict):
            return None
        source = source.get(key)
    return source


def table(source: Any, what: str, *path: str) -> dict[str, Any]:
    """Return the object below a path of keys.

    Raises:
        ChainError: There is none.
    """
    found = take(source, *path)
    if not isinstance(found, dict):
        raise ChainError(f"cannot use the answer of {what}: {'.'.join(path) or 'the whole'} is not an object")
    return found


def text(source: Any, limit: int = 256) -> str:
    """Return a short text, or an empty one for anything else."""
    return source if isinstance(source, str) and len(source) <= limit else ""


def height(source: Any, what: str, *, missing: int | None = None) -> int:
    """Return a height given as a decimal string or as a number.

    Args:
        source: The JSON value.
        what: Name of the field, for the message.
        missing: Taken where the field is missing or empty; None makes that an error.

    Raises:
        ChainError: Not a whole number from 0 to the largest int64.
    """
    if source in (None, "") and missing is not None:
        return missing
    number = -1
    if isinstance(source, int) and not isinstance(source, bool):
        number = source
    elif isinstance(source, str) and source.isascii() and source.isdigit() and len(source) < 20:
        number = int(source)
    if not 0 <= number <= HEIGHT_LIMIT:
        raise ChainError(f"cannot use {what}: {str(source)[:40]!r} is not a height")
    return number


def moment(source: Any) -> float:
    """Return an RFC 3339 time in seconds since the epoch, or 0.0 where it is missing or unreadable."""
    import datetime as dt

    if not isinstance(source, str) or not 20 <= len(source) <= 64:
        return 0.0
    try:
        found = dt.datetime.fromisoformat(source)
        return max(found.timestamp(), 0.0) if found.tzinfo else 0.0
    except (ValueError, OverflowError):
        return 0.0
