"""The Go tool's batch file `data/upgrade-info.json.batch`, and the two inputs of `add-batch-upgrade`."""

from __future__ import annotations

import csv
import io
import json

from cosmovisor.model.errors import PlanError
from cosmovisor.model.plan import HIGHEST, Plan
from cosmovisor.model.value import value

#: More upgrades in one file are a mistake.
MOST = 256
_ZERO_TIME = "0001-01-01T00:00:00Z"
_FORM = "Each item is NAME:PATH:HEIGHT, in a CSV file NAME,PATH,HEIGHT without a header."


@value
class Item:
    """One upgrade of a batch.

    Attributes:
        name: As written.
        path: The executable.
        height: The upgrade height.
    """

    name: str
    path: str
    height: int


def from_list(words: tuple[str, ...]) -> list[Item]:
    """Read `--upgrade-list`: repeatable, items separated by commas.

    Raises:
        PlanError: Names the position, counted from 0 as in the Go tool.
    """
    parts = [item for word in words for item in word.split(",")]
    return _items([part.split(":") for part in parts])


def from_csv(path: str, text: str) -> list[Item]:
    """Read `--upgrade-file`: CSV without a header, leading blanks trimmed.

    Raises:
        PlanError: Names the line or the position.
    """
    try:
        rows = [row for row in csv.reader(io.StringIO(text), skipinitialspace=True, strict=True) if row]
    except csv.Error as error:
        # The library's own advice ("universal-newline mode") is for programmers.
        reason = str(error).partition(" - ")[0]
        raise PlanError(f"error parsing upgrade CSV file {path}: {reason}", _FORM) from None
    if not rows:
        raise PlanError(f"error parsing upgrade CSV file {path}: it names no upgrade", _FORM)
    for line, row in enumerate(rows, 1):
        if len(row) != 3:
            raise PlanError(
                f"error parsing upgrade CSV file {path}: record on line {line}: wrong number of fields", _FORM
            )
    return _items(rows)


def _items(rows: list[list[str]]) -> list[Item]:
    if len(rows) > MOST:
        raise PlanError(f"more than {MOST} upgrades at once", _FORM)
    items = []
    for position, row in enumerate(rows):
        if len(row) != 3:
            raise PlanError(f"argument at position {position} ([{' '.join(row)}]) is invalid", _FORM)
        name, path, height = row
        digits = height.removeprefix("+")
        if not (digits.isascii() and digits.isdigit()) or not 0 < int(digits[:20]) <= HIGHEST:
            raise PlanError(f"upgrade height at position {position} ({height}) is invalid", _FORM)
        items.append(Item(name.rpartition("/")[2], path, int(digits)))
    return items


def dump(plans: list[Plan]) -> bytes:
    """Write plans as the Go tool's batch file has them."""
    entries = []
    for plan in plans:
        entry: dict[str, object] = {"name": plan.name, "time": _ZERO_TIME, "height": plan.height}
        if plan.info:
            entry["info"] = plan.info
        entries.append(entry)
    return json.dumps(entries, indent=2, ensure_ascii=False).encode()


def parse(data: bytes) -> list[Plan]:
    """Read a batch file of the Go tool.

    Raises:
        PlanError: It is not one.
    """
    from cosmovisor.plan.file import LARGEST, plan_of

    if len(data) > LARGEST:
        raise PlanError(f"the batch file is larger than {LARGEST} bytes", "Move it away.")
    try:
        found = json.loads(data.decode("utf-8", "replace") or "[]")
    except (ValueError, RecursionError) as error:
        raise PlanError(f"the batch file is not JSON: {error}", "Move it away.") from None
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > MOST or not all(isinstance(item, dict) for item in found):
        raise PlanError("the batch file does not hold a list of plans", "Move it away.")
    return [plan_of(list(item.items())) for item in found]
