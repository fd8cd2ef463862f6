"""From the text of the environment, or an item of the file, to a value; the reason where that fails."""

from __future__ import annotations

from cosmovisor.config import table
from cosmovisor.config.durations import nanoseconds
from cosmovisor.config.time_words import GO_LAYOUTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.config.table import Variable

_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
_SIZES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "KB": 1000, "MB": 10**6, "GB": 10**9}
_SECOND = 1_000_000_000
#: The most addresses of a list; more is a mistake.
_LONGEST_LIST = 32


def expected(variable: Variable) -> str:
    """Say what a variable may hold, for error texts and documentation."""
    if variable.kind == table.WORD:
        return f"one of {', '.join(variable.choices)}"
    if variable.kind == table.TIME_FORMAT:
        return f"one of {', '.join(GO_LAYOUTS)}, or empty for no time"
    return {
        table.PATH: "an absolute path",
        table.TEXT: "a text",
        table.BOOL: "true or false",
        table.DURATION: "a duration greater than 0, such as 300ms, 5s or 1m30s",
        table.INTEGER: "a whole number",
        table.BYTES: "a number of bytes, or with KiB, MiB, GiB",
        table.LIST: "addresses separated by commas",
    }[variable.kind]


def from_text(variable: Variable, text: str, *, as_in_file: bool = False) -> Any:
    """Read the value of an environment variable.

    Args:
        variable: Its row of the table.
        text: What the environment holds; not empty, except for the time format.
        as_in_file: True where a configuration file was named: then the Go tool also reads `1`, `t` and so on.

    Returns:
        The value as `Settings` holds it (durations in seconds).

    Raises:
        ValueError: Says why the text does not fit.
    """
    if variable.kind == table.BOOL:
        return _boolean(text, as_in_file=as_in_file)
    if variable.kind == table.DURATION:
        nanos = nanoseconds(text)
        if nanos <= 0:
            raise ValueError("it must be greater than 0")
        return nanos / _SECOND
    if variable.kind == table.INTEGER:
        return _not_negative(variable, _integer(text))
    if variable.kind == table.BYTES:
        return _bytes(text)
    if variable.kind == table.WORD:
        if text not in variable.choices:
            raise ValueError("the word is unknown")
        return text
    if variable.kind == table.TIME_FORMAT:
        if text and text not in GO_LAYOUTS:
            raise ValueError("the word is unknown")
        return text
    if variable.kind == table.LIST:
        return _list(text.split(","))
    return _plain(text)


def from_file(variable: Variable, item: object) -> Any:
    """Read an item of the configuration file; integers for durations are nanoseconds.

    Returns:
        The value, or None where the item stands for the default: a zero duration as the Go tool writes it, or
        an empty text where empty means nothing.

    Raises:
        ValueError: Says why the item does not fit.
    """
    if variable.kind == table.BOOL:
        if isinstance(item, bool):
            return item
        if isinstance(item, int):
            return item != 0
        return _boolean(_text(item), as_in_file=True, as_in_environment=False)
    if variable.kind == table.DURATION:
        nanos = (
            item if isinstance(item, int) and not isinstance(item, bool) else nanoseconds(_text(item) or "0")
        )
        if nanos < 0:
            raise ValueError("it must not be negative")
        if nanos >= 2**63:
            raise ValueError("it is longer than 292 years")
        return nanos / _SECOND if nanos else None
    if isinstance(item, bool):
        raise ValueError("a boolean does not fit")  # noqa: TRY004  # callers report one kind
    if variable.kind in {table.INTEGER, table.BYTES} and isinstance(item, int):
        return _not_negative(variable, item)
    if variable.kind == table.LIST and isinstance(item, list):
        return _list([_text(part) for part in item])
    text = _text(item)
    if not text and variable.kind != table.TIME_FORMAT:
        return None
    return from_text(variable, text, as_in_file=True)


def shown(variable: Variable, held: Any) -> str:
    """Write a value in the syntax of the environment, as `config` shows it."""
    from cosmovisor.config.durations import short

    if variable.kind == table.BOOL:
        return "true" if held else "false"
    if variable.kind == table.DURATION:
        return short(round(held * _SECOND))
    if variable.kind == table.LIST:
        return ",".join(held)
    return str(held)


def _boolean(text: str, *, as_in_file: bool, as_in_environment: bool = True) -> bool:
    if as_in_environment and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if as_in_file and text in _TRUE:
        return True
    if as_in_file and text in _FALSE:
        return False
    raise ValueError("it is neither true nor false")


def _integer(text: str) -> int:
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if not digits or not all(digit in "0123456789" for digit in digits) or len(digits) > 19:
        raise ValueError("it is not a whole number")
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("the number is too large")
    return number


def _not_negative(variable: Variable, number: int) -> int:
    # The Go tool accepts a negative number of retries, and then fails every upgrade before the first attempt.
    if number < 0:
        raise ValueError("it must not be negative")
    if variable.kind == table.BYTES and number == 0:
        raise ValueError("it must be greater than 0")
    if number >= 2**63:
        raise ValueError("the number is too large")
    return number


def _bytes(text: str) -> int:
    end = 0
    while end < len(text) and text[end] in "0123456789":
        end += 1
    unit = text[end:].strip()
    if not end or unit not in _SIZES or end > 15:
        raise ValueError("it is not a size")
    number = int(text[:end]) * _SIZES[unit]
    if not number:
        raise ValueError("it must be greater than 0")
    return number


def _list(parts: list[str]) -> tuple[str, ...]:
    found = tuple([_plain(part.strip()) for part in parts if part.strip()])
    if len(found) > _LONGEST_LIST:
        raise ValueError(f"it has more than {_LONGEST_LIST} entries")
    for part in found:
        if not part.startswith(("http://", "https://", "tcp://")) or " " in part:
            raise ValueError(f"{part[:60]!r} is not an address that begins with http:// or https://")
    return found


def _text(item: object) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, int) and not isinstance(item, bool):
        return str(item)
    raise ValueError("the type does not fit")


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a zero byte")
    return text
