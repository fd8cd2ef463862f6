"""`history`: what this home has gone through, also what has left the document."""

from __future__ import annotations

import json
import time

import pytest

from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import EMPTY, MAX_HISTORY, Applied
from cosmovisor.model.value import replace
from cosmovisor.storage import document

AT = time.mktime((2026, 11, 28, 21, 46, 42, 0, 0, -1))


def line(number, **more):
    return Applied(
        Plan(f"v{number}", number), Version(f"v{number}", f"upgrades/v{number}"), AT + number, **more
    )


@pytest.fixture
def record(home):
    def save(*lines):
        document.save(str(home / "cosmovisor/state.json"), replace(EMPTY, history=lines))

    return save


def test_nothing_is_recorded_yet(call, home):
    result = call("history")
    assert (result.status, result.out) == (0, "No upgrade is recorded.\n")
    assert json.loads(call("history", "-o", "json").out) == []


def test_each_line_says_when_what_and_how_long(call, record):
    record(line(1, downtime=0.547), line(2, proven=False, note="gone back"), replace(line(3), at=0.0))
    assert call("history").out.splitlines() == [
        "2026-11-28 21:46:43  v1 at height 1, down for 0.5 s",
        "2026-11-28 21:46:44  v2 at height 2, inferred, gone back",
        "time unknown  v3 at height 3",
    ]
    first, second, _ = json.loads(call("history", "-o", "json").out)
    assert (first["downtime"], second["downtime"]) == (0.547, None)


def test_lines_that_have_left_the_document_are_shown_first_and_once(call, record, home):
    lines = [line(number) for number in range(1, MAX_HISTORY + 4)]
    record(*lines)
    with open(home / "cosmovisor/history.jsonl", "ab") as file:
        file.write(b'{"torn')
    shown = json.loads(call("history", "-o", "json").out)
    assert [row["height"] for row in shown] == list(range(1, MAX_HISTORY + 4))
