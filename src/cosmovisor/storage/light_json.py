"""JSON without the price of `import json` (10 to 15 ms, mostly `re`): for what is read before the node runs.

CPython's parser and encoder are written in C and need none of that; where another interpreter lacks them the
standard module does the work.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Options:
    """What the C scanner asks of its owner."""

    strict = True
    object_hook = None
    parse_float = float
    parse_int = int

    def __init__(self, pairs: Any) -> None:
        self.object_pairs_hook = pairs
        self.memo: dict[str, str] = {}

    @staticmethod
    def parse_constant(word: str) -> float:
        """Refuse NaN and the infinities: no document of ours or of a chain has them."""
        raise ValueError(f"{word} is not JSON")


def loads(data: bytes | str, *, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Parse one JSON value.

    Args:
        data: The text.
        pairs: Makes something of the members of each object, in order, where a dictionary would lose one.

    Raises:
        ValueError: It is not JSON, not UTF-8, nested too deeply, or followed by something else.
    """
    text = (data if isinstance(data, str) else data.decode("utf-8")).strip(" \t\n\r")
    try:
        try:
            from _json import make_scanner
        except ImportError:
            import json

            return json.loads(text, object_pairs_hook=pairs, parse_constant=_Options.parse_constant)
        result, end = make_scanner(_Options(pairs))(text, 0)  # type: ignore[arg-type]  # the stub names the wrong class
    except StopIteration as error:
        from json.decoder import JSONDecodeError

        raise JSONDecodeError("Expecting value", text, error.value) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if end != len(text):
        raise ValueError(f"something follows the value at character {end}")
    return result


def dumps(value: Any) -> str:
    """Write one JSON value on one line, in ASCII.

    Raises:
        ValueError: A number is not finite.
        TypeError: Something has no JSON form.
    """
    return writer()(value)


def writer() -> Callable[[Any], str]:
    """Return what `dumps` does, for the values of one document; after an error it is thrown away."""
    try:
        from _json import encode_basestring_ascii, make_encoder
    except ImportError:
        import json

        return lambda value: json.dumps(value, allow_nan=False)
    encode = make_encoder({}, _refuse, encode_basestring_ascii, None, ": ", ", ", False, False, False)
    return lambda value: "".join(encode(value, 0))


def _refuse(value: object) -> Any:
    raise TypeError(f"{value.__class__.__name__} has no JSON form")
