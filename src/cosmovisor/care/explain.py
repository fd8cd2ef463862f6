"""`explain`: the last decisions with their frozen facts, and the tables asked again with the same facts."""

from __future__ import annotations

import os

from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.running import decide_running
from cosmovisor.model.decision import Decision
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.facts import Facts
from cosmovisor.model.value import value
from cosmovisor.storage import codec, light_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Bytes of the record that are looked at, from its end.
_TAIL = 8 << 20
_LARGEST_LINE = 4 << 20


class ExplainError(CosmovisorError):
    """There is nothing to explain, or it cannot be read."""

    reference = "explain"


@value
class Entry:
    """One decision that was made.

    Attributes:
        at: Seconds since the epoch.
        row: The table's row.
        reason: The sentence that the operator read.
        fix: What was advised.
        facts: The frozen facts; None where this version cannot read them.
        document: The record as it was written.
    """

    at: float
    row: str
    reason: str
    fix: str
    facts: Facts | None
    document: dict[str, Any]


def read(path: str, count: int) -> list[Entry]:
    """Return the last decisions of a record, oldest first; torn or foreign lines are left out.

    Raises:
        ExplainError: There is no record.
    """
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read().splitlines()
    except OSError as error:
        raise ExplainError(
            f"cannot read {path}: {error.strerror}", "Decisions are recorded as soon as a supervisor runs."
        ) from None
    found: list[Entry] = []
    for line in reversed(lines):
        if len(found) == count:
            break
        entry = _entry(line)
        if entry is not None:
            found.append(entry)
    return found[::-1]


def _entry(line: bytes) -> Entry | None:
    if len(line) > _LARGEST_LINE:
        return None
    try:
        document = light_json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("row"), str):
        return None
    at = document.get("at")
    return Entry(
        float(at) if isinstance(at, (int, float)) and not isinstance(at, bool) else 0.0,
        document["row"],
        str(document.get("reason", "")),
        str(document.get("fix", "")),
        _facts(document.get("facts")),
        document,
    )


def _facts(document: object) -> Facts | None:
    try:
        facts: Facts = codec.decode(Facts, document)
    except ValueError:
        return None
    return facts


def load_facts(data: bytes) -> Facts:
    """Read facts from another machine: a line of the record, or the facts alone.

    Raises:
        ExplainError: They cannot be read.
    """
    if len(data) > _LARGEST_LINE:
        raise ExplainError("the facts are too large", "Give one line of decisions.jsonl.")
    try:
        document = light_json.loads(data)
    except ValueError:
        # A whole record has one decision a line; the last one counts.
        document = _last_line(data)
    if isinstance(document, dict) and "facts" in document:
        document = document["facts"]
    try:
        facts: Facts = codec.decode(Facts, document)
    except ValueError as error:
        raise ExplainError(
            f"the facts cannot be read: {error}", "Was it written by another version?"
        ) from None
    return facts


def _last_line(data: bytes) -> object:
    try:
        return light_json.loads(b"".join(data.strip().splitlines()[-1:]))
    except ValueError as error:
        raise ExplainError(f"the facts are not JSON: {error}", "Give one line of decisions.jsonl.") from None


def replay(facts: Facts) -> list[tuple[str, Decision]]:
    """Ask the tables that these facts can belong to; the same facts always give the same decision."""
    if facts.node.state == "running":
        return [("running", decide_running(facts))]
    found = [("start", decide_launch(facts))]
    if facts.node.state == "exited" and facts.data == "same":
        found.insert(0, ("after exit", decide_after_exit(facts)))
    return found


def summary(facts: Facts) -> list[tuple[str, str]]:
    """Return the facts that decide, label and text."""
    file = facts.file
    plan = "" if file.plan is None else f" {file.plan.name} at {file.plan.height}, {file.age}"
    known = "" if facts.known is None else f"{facts.known.name} at {facts.known.height}"
    version = "" if facts.node.version is None else f" {facts.node.version.folder}"
    status = "" if facts.node.status is None else f", status {facts.node.status}"
    rows = [
        ("plan file", f"{file.kind}{plan}"),
        ("chain's plan", known),
        ("block height", facts.b.text()),
        ("application height", facts.a.text()),
        ("node", f"{facts.node.state}{version}{status}"),
        ("data", facts.data),
        ("link", f"{facts.link.kind} {facts.link.target}".rstrip()),
        ("step in flight", "" if facts.step is None else facts.step.kind),
    ]
    return [row for row in rows if row[1]]
