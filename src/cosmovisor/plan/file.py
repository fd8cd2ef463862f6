"""The plan file `data/upgrade-info.json`: bytes to a plan, or to what is wrong with them."""

from __future__ import annotations

from cosmovisor.model.errors import PlanError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Larger than any transaction that a chain accepts; a larger file is not the chain's.
LARGEST = 16 * 1024 * 1024
_ZERO_TIMES = ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00")
_NEXT = "The chain writes this file at the upgrade height; move a foreign file away and restart the node."


@value
class Incomplete:
    """The file is not finished: empty, torn, or still being written; more bytes could make it a plan."""

    reason: str


def parse(data: bytes) -> Plan | Incomplete:
    """Read a plan file as the Go tool does (keys in any case, the last of equal keys wins).

    Args:
        data: The whole file; read at most `LARGEST + 1` bytes.

    Raises:
        PlanError: More bytes could not make it a plan.
    """
    if len(data) > LARGEST:
        raise PlanError(f"the plan file is larger than {LARGEST} bytes", _NEXT)
    if not data.strip(b" \t\r\n\0"):
        return Incomplete("the file is empty" if not data else "the file holds no text yet")
    if data.endswith(b"\0"):
        return Incomplete("the end of the file was never written (it holds zero bytes)")
    text = data.decode("utf-8", "replace")
    document = _document(text)
    if isinstance(document, Incomplete):
        return document
    return plan_of(document or [])


def plan_of(members: list[tuple[str, object]]) -> Plan:
    """Make a plan of the members of a JSON object, in their order.

    Raises:
        PlanError: They make no plan.
    """
    return _plan(_fields(members))


def _document(text: str) -> Any:
    """Decode JSON; objects become `_Pairs`, so that equal keys are kept in order."""
    from cosmovisor.storage.light_json import loads

    stripped = text.strip(" \t\r\n")
    if "null".startswith(stripped):
        return None if stripped == "null" else Incomplete("the text ends in the middle")
    if not stripped.startswith("{"):
        raise PlanError("the plan file does not hold a JSON object", _NEXT)
    try:
        return loads(stripped, pairs=_Pairs)
    except ValueError as error:
        # The decoder's own errors say where; others (a second value, a long number) stand by themselves.
        message, position = getattr(error, "msg", str(error)), getattr(error, "pos", None)
        if position is not None and is_cut_short(stripped, message, position):
            return Incomplete("the text ends in the middle")
        raise PlanError(f"the plan file is not JSON: {message}", _NEXT) from None


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object, in order."""


def is_cut_short(text: str, message: str, position: int) -> bool:
    """Tell whether more text could still make valid JSON of this.

    Args:
        text: The text that was decoded.
        message: What the decoder said.
        position: Where, in characters.
    """
    if message.startswith("Unterminated string"):
        return True
    rest = text[position:].strip(" \t\r\n\ufffd")
    if not rest:
        return True
    if message.startswith("Expecting value"):
        return any(word.startswith(rest) for word in ("true", "false", "null", "-"))
    if message.startswith("Expecting ',' delimiter"):
        return rest in {".", "e", "E", "e+", "e-", "E+", "E-"} and text[position - 1 : position].isdigit()
    if message.startswith("Invalid \\uXXXX escape"):
        # The decoder points at the digits or just before them, and wants the quote behind them too.
        digits = rest.lstrip("\\").removeprefix("u")
        return len(digits) <= 4 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
    return False


def _fields(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Take the known members; a null leaves what an earlier equal key said, as in Go."""
    found: dict[str, object] = {}
    for key, item in pairs:
        name = key.lower()
        if name in {"name", "height", "info", "time", "upgraded_client_state"} and item is not None:
            found[name] = item
    return found


def _plan(members: dict[str, object]) -> Plan:
    name = members.get("name", "")
    height = members.get("height", 0)
    info = members.get("info", "")
    time = members.get("time", _ZERO_TIMES[0])
    if not isinstance(name, str):
        raise PlanError("the plan's name is not a text", _NEXT)
    if not isinstance(height, int) or isinstance(height, bool) or not -(2**63) <= height < 2**63:
        raise PlanError("the plan's height is not a whole number", _NEXT)
    if not isinstance(info, str):
        raise PlanError("the plan's info is not a text", _NEXT)
    if time not in _ZERO_TIMES:
        raise PlanError("the plan has a time; upgrades by time are no longer supported by any chain", _NEXT)
    if "upgraded_client_state" in members:
        raise PlanError("the plan holds a client state; that belongs to another module", _NEXT)
    if not name:
        raise PlanError("the plan file is not valid: name cannot be empty", _NEXT)
    if height <= 0:
        raise PlanError("the plan file is not valid: height must be greater than 0", _NEXT)
    return Plan(_clean(name), height, _clean(info))


def _clean(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and UTF-8 cannot, as Go does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
