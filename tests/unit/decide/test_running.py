"""Every row of the running table, by its name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    LATER,
    PLAN,
    V1,
    V2,
    V2_LINK,
    H,
    at_least,
    exact,
    facts,
    file,
    running,
    switched,
)

from cosmovisor.decide.running import decide_running
from cosmovisor.model.facts import PlanFile
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.state import PlanRecord
from cosmovisor.model.value import replace

LOGGED = Evidence(H, "at least", "cs.wal")
STILL, LONGER = running(progress="still"), running(progress="still longer")

ROWS: list[tuple[str, dict[str, Any], str, str, bool]] = [
    ("b above H", {"file": file("ahead"), "b": exact(H + 1)}, "upgrade", "above H, ahead", True),
    ("a at H", {"file": file("ahead"), "b": exact(H), "a": exact(H)}, "upgrade", "above H, ahead", True),
    ("b above H", {"file": file("fresh"), "b": exact(H + 1)}, "wait", "above H, passed", True),
    ("a at H", {"file": file("old"), "b": exact(H), "a": exact(H)}, "wait", "above H, passed", True),
    ("stale above H", {"file": file("stale"), "b": exact(H + 9)}, "wait", "above H, passed", True),
    ("at H", {"file": file("fresh"), "b": exact(H), "a": exact(H - 1)}, "upgrade", "at H, fresh", True),
    ("at H, a unknown", {"file": file("fresh"), "b": exact(H)}, "upgrade", "at H, fresh", True),
    (
        "at H, a late",
        {"file": file("fresh"), "b": exact(H), "a": at_least(H - 1)},
        "upgrade",
        "at H, fresh",
        True,
    ),
    ("replay", {"file": file("fresh"), "b": exact(H), "a": exact(H - 2)}, "wait", "not named", True),
    (
        "still",
        {"file": file("old"), "b": exact(H), "a": exact(H - 1), "node": STILL},
        "upgrade",
        "at H, still",
        True,
    ),
    (
        "still",
        {"file": file("ahead"), "b": exact(H), "a": exact(H - 1), "node": LONGER},
        "upgrade",
        "at H, still",
        True,
    ),
    (
        "stale",
        {"file": file("stale"), "b": exact(H), "a": exact(H - 1), "node": LONGER},
        "wait",
        "not named",
        True,
    ),
    ("moving", {"file": file("old"), "b": exact(H), "a": exact(H - 1)}, "wait", "not named", True),
    (
        "longer",
        {"file": file("old"), "b": exact(H), "node": LONGER},
        "upgrade",
        "at H, still longer, a unknown",
        False,
    ),
    ("not longer", {"file": file("old"), "b": exact(H), "node": STILL}, "wait", "not named", True),
    ("ahead", {"file": file("ahead"), "b": exact(H), "node": LONGER}, "wait", "not named", True),
    (
        "below",
        {"file": file(), "b": exact(H - 1), "a": exact(H - 1), "node": STILL},
        "upgrade",
        "at H-1, fresh",
        True,
    ),
    (
        "below, a unknown",
        {"file": file(), "b": exact(H - 1), "node": STILL},
        "upgrade",
        "at H-1, fresh",
        True,
    ),
    (
        "below, a lower",
        {"file": file(), "b": exact(H - 1), "a": exact(H - 2), "node": STILL},
        "wait",
        "not named",
        True,
    ),
    ("below, old", {"file": file("old"), "b": exact(H - 1), "node": STILL}, "wait", "not named", True),
    ("below, moving", {"file": file(), "b": exact(H - 1)}, "wait", "below H, moving", True),
    ("silent", {"file": file(), "node": running(quiet=True)}, "upgrade", "silent, fresh", False),
    (
        "silent",
        {"file": file(), "b": at_least(H), "node": running(quiet=True)},
        "upgrade",
        "silent, fresh",
        False,
    ),
    (
        "silent, log",
        {"file": file(not_older_than_block=True), "b": LOGGED, "node": running(hushed=True)},
        "upgrade",
        "silent, log at H",
        False,
    ),
    (
        "silent, own record at H",
        {"file": file(not_older_than_block=True), "b": at_least(H), "node": running(hushed=True)},
        "wait",
        "not named",
        True,
    ),
    (
        "silent, log, not hushed",
        {"file": file(not_older_than_block=True), "b": LOGGED, "node": running()},
        "wait",
        "not named",
        True,
    ),
    (
        "silent, log, older file",
        {"file": file(not_older_than_block=False), "b": LOGGED, "node": running(hushed=True)},
        "wait",
        "not named",
        True,
    ),
    (
        "silent, log, no record",
        {"file": file(), "b": LOGGED, "node": running(hushed=True)},
        "wait",
        "not named",
        True,
    ),
    (
        "silent, log below",
        {
            "file": file(not_older_than_block=True),
            "b": replace(LOGGED, height=H - 1),
            "node": running(hushed=True),
        },
        "wait",
        "not named",
        True,
    ),
    (
        "silent, log, old",
        {"file": file("old", not_older_than_block=True), "b": LOGGED, "node": running(hushed=True)},
        "wait",
        "not named",
        True,
    ),
    ("silent, old", {"file": file("old"), "node": running(quiet=True)}, "wait", "not named", True),
    ("silent, not quiet", {"file": file(), "node": LONGER}, "wait", "not named", True),
    (
        "answered",
        {"file": file(), "b": exact(H - 5), "node": running(quiet=True)},
        "wait",
        "below H, moving",
        True,
    ),
    ("far below", {"file": file(), "b": exact(H - 2)}, "wait", "below H, moving", True),
    ("far below", {"file": file("old"), "b": exact(H - 2), "node": STILL}, "wait", "below H, still", True),
    ("torn", {"file": PlanFile("incomplete"), "b": exact(H)}, "wait", "incomplete", True),
    ("no plan", {"b": exact(5)}, "wait", "no plan", True),
    ("known", {"b": exact(5), "known": PLAN}, "wait", "plan known", True),
    ("skipped", {"file": file(), "b": exact(H), "skip": (7, H)}, "wait", "skipped", True),
    (
        "passed",
        {"file": file(), "b": exact(H), "record": PlanRecord(PLAN, passed=True)},
        "wait",
        "already passed",
        True,
    ),
    (
        "switched",
        {"file": file(), "b": exact(H), "record": switched(), "link": V2_LINK},
        "wait",
        "switched",
        True,
    ),
    ("replaced", {"file": file(), "b": exact(H), "data": "other"}, "wait", "other data", True),
]


@pytest.mark.parametrize(("name", "given", "do", "row", "proven"), ROWS)
def test_each_row_decides(name: str, given: dict[str, Any], do: str, row: str, proven: bool) -> None:
    decision = decide_running(facts(**{"node": running(), **given}))
    assert (decision.do, decision.row, decision.proven) == (do, row, proven), decision.reason
    if do == "upgrade":
        assert (decision.plan, decision.version) == (PLAN, V2)


@pytest.mark.parametrize("given", [given for _, given, do, _, _ in ROWS if do == "upgrade"])
def test_what_is_due_and_not_staged_is_held_with_the_fix(given: dict[str, Any]) -> None:
    decision = decide_running(facts(**{"node": running(), **given, "ready": False}))
    assert (decision.do, decision.plan, decision.next_step) == ("hold", PLAN, "put it there")


@pytest.mark.parametrize("given", [given for _, given, do, _, _ in ROWS if do == "upgrade"])
def test_twin_folders_hold_what_is_due_and_are_named(given: dict[str, Any]) -> None:
    decision = decide_running(facts(**{"node": running(), **given, "twins": (V2, V1)}))
    assert decision.do == "hold"
    assert "upgrades/v2 and genesis" in decision.next_step


@pytest.mark.parametrize("file_now", [PlanFile(), PlanFile("incomplete")])
def test_a_file_that_the_chain_could_not_write_is_written_for_it(file_now: PlanFile) -> None:
    given = {"file": file_now, "b": exact(H), "a": exact(H - 1), "known": PLAN}
    assert decide_running(facts(**given, node=STILL)).do == "write file"
    assert decide_running(facts(**given, node=STILL)).plan == PLAN
    for change in (
        {"node": running()},
        {"a": exact(H)},
        {"a": UNKNOWN},
        {"b": exact(H + 1)},
        {"b": at_least(H)},
    ):
        assert decide_running(facts(**{**given, "node": STILL, **change})).do == "wait"
    for change in ({"skip": (H,)}, {"known": LATER}, {"record": PlanRecord(PLAN, passed=True)}):
        assert decide_running(facts(**{**given, "node": STILL, **change})).do == "wait"


def test_a_torn_file_with_a_writer_is_left_to_its_writer() -> None:
    given = {"file": PlanFile("incomplete", writer=True), "b": exact(H), "a": exact(H - 1), "known": PLAN}
    assert decide_running(facts(**given, node=STILL)).do == "wait"


@pytest.mark.parametrize("age", ["fresh", "old"])
def test_a_file_well_ahead_of_the_blocks_is_remembered_as_a_schedule(age: str) -> None:
    assert decide_running(facts(file=file(age), b=exact(H - 2), node=running())).remember_ahead
    assert not decide_running(facts(file=file(age), b=exact(H - 1), node=running())).remember_ahead
    assert not decide_running(facts(file=file(age), b=exact(H - 2), node=STILL)).remember_ahead
    assert not decide_running(facts(file=file("stale"), b=exact(H - 2), node=running())).remember_ahead


def test_an_answer_older_than_the_look_at_the_file_does_not_make_it_a_schedule() -> None:
    late = Evidence(H - 2, "exact", "daemon status", 999.0)
    assert not decide_running(facts(file=file(), b=late, node=running())).remember_ahead


def test_a_passed_plan_is_marked_so_that_it_is_reported_once() -> None:
    decision = decide_running(facts(file=file("old"), b=exact(H + 1), node=running()))
    assert decision.passed == PLAN
    assert "cancelled" in decision.reason


def test_a_plan_with_another_info_is_another_plan() -> None:
    record = PlanRecord(PLAN, passed=True)
    other = type(PLAN)(PLAN.name, PLAN.height, "another info")
    decision = decide_running(facts(file=file("fresh", other), b=exact(H), records=(record,), node=running()))
    assert (decision.do, decision.plan) == ("hold", other)


def test_reasons_name_the_plan_both_heights_and_their_sources() -> None:
    reason = decide_running(facts(file=file(), b=exact(H), a=exact(H - 1), node=running())).reason
    for word in ('plan "v2" for height 100', "block store 100 (rpc)", "application 99 (rpc)", "is ready"):
        assert word in reason
    assert V1 is not V2


def test_a_silent_node_whose_log_ends_below_the_height_is_not_at_its_halt() -> None:
    def ask(height: int, source: str) -> str:
        b = Evidence(height, "at least", source)
        return decide_running(facts(file=file(), b=b, node=running(quiet=True))).do

    assert ask(H - 2, "cs.wal") == "wait"
    assert ask(H - 1, "cs.wal") == ask(H, "cs.wal") == ask(H - 2, "own record") == "upgrade"
