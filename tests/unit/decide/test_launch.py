"""Every row of the start-up table, by its name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    LATER,
    PLAN,
    V1,
    V2,
    V2_LINK,
    V3,
    H,
    at_least,
    exact,
    facts,
    file,
    staged,
    switched,
)

from cosmovisor.decide.launch import decide_launch
from cosmovisor.model.facts import PlanFile
from cosmovisor.model.observations import Link
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import PlanRecord, ScheduleEntry, Step

SEEN = PlanRecord(PLAN, halt_seen=True)
PASSED = PlanRecord(PLAN, passed=True)
SAME_TIME = {"not_older_than_block": True}
MISSING, DANGLING = Link("missing"), Link("dangling", V2, "upgrades/v2")
ON_V2 = {"link": V2_LINK, "fits": (V2,)}


def step(kind: str = "switch", **more: Any) -> Step:
    return Step(kind, PLAN, V2, **{"back_to": V1, "staged": staged(), **more})  # type: ignore[arg-type]


ROWS: list[tuple[dict[str, Any], str, str, Version | None, bool]] = [
    ({"data": "missing"}, "refuse", "no data", None, True),
    (
        {"link": MISSING, "usable": (V1, V2), "waiting": (V2,), "fits": (), "file": PlanFile("absent")},
        "relink",
        "no plan; genesis only",
        V1,
        True,
    ),
    ({"data": "no record"}, "record data", "no record", None, True),
    ({"data": "other"}, "reset stages", "other data", V1, True),
    ({"data": "other", "link": V2_LINK, "fits": (V1,)}, "reset stages", "other data", V1, True),
    ({"data": "other", "link": V2_LINK, "fits": (V1, V3)}, "reset stages", "other data", V2, True),
    ({"record": switched(), "b": exact(H - 2), **ON_V2}, "reset stages", "below a switched plan", V2, True),
    (
        {"record": switched("proven"), "b": exact(1), "link": V2_LINK},
        "reset stages",
        "below a switched plan",
        V1,
        True,
    ),
    ({"step": step("backup"), "file": file("old")}, "resume", "resume backup", V2, True),
    ({"step": step("script"), "file": file("old")}, "resume", "resume script", V2, True),
    ({"step": step(inferred=True), "file": file("old")}, "resume", "resume switch", V2, False),
    ({"step": step("pre-upgrade"), "link": V2_LINK}, "resume", "resume pre-upgrade", V2, True),
    ({"step": step("go back"), "link": V2_LINK}, "resume", "resume go back", V2, True),
    ({"step": step("go back", back_to=None), "link": V2_LINK}, "undo", "undo go back", None, True),
    ({"step": step(), "file": file("old"), "b": exact(H - 2)}, "undo", "undo switch", V1, True),
    ({"step": step(), "file": file("old"), "b": exact(H + 1)}, "undo", "undo switch", V1, True),
    ({"step": step(), "file": file("ahead"), "b": exact(H + 1)}, "resume", "resume switch", V2, True),
    ({"step": step(), "file": file("old"), "skip": (H,)}, "undo", "undo switch", V1, True),
    ({"step": step(), "file": file("old", LATER)}, "undo", "undo switch", V1, True),
    ({"step": step()}, "undo", "undo switch", V1, True),
    (
        {"step": step(), "schedule": (ScheduleEntry(PLAN, V2),), "b": exact(H)},
        "resume",
        "resume switch",
        V2,
        True,
    ),
    ({"step": step(), "file": file("old"), "ready": False}, "undo", "undo switch", V1, True),
    ({"step": step(), "data": "other"}, "reset stages", "other data", V1, True),
    ({"file": PlanFile("incomplete", writer=True)}, "wait", "incomplete, being written", None, True),
    ({"file": PlanFile("incomplete")}, "move file aside", "incomplete", None, True),
    (
        {"file": PlanFile("incomplete"), "record": SEEN},
        "move file aside",
        "incomplete, halt known",
        None,
        True,
    ),
    (
        {"file": PlanFile("incomplete"), "known": PLAN, "b": exact(H)},
        "move file aside",
        "incomplete, halt known",
        None,
        True,
    ),
    (
        {"file": PlanFile("incomplete"), "known": PLAN, "b": exact(H - 1)},
        "move file aside",
        "incomplete",
        None,
        True,
    ),
    ({"file": file("old"), "marker": False, "link": V2_LINK}, "finish switch", "marker missing", V2, False),
    (
        {"file": file("old"), "marker": False, "link": V2_LINK, "b": exact(H)},
        "finish switch",
        "marker missing",
        V2,
        True,
    ),
    (
        {"file": file("old"), "marker": False, "link": V2_LINK, "b": exact(H - 2)},
        "relink",
        "below H-1; link too early",
        V1,
        True,
    ),
    (
        {"record": switched("switched"), "link": V2_LINK},
        "pre-upgrade",
        "switched, not pre-upgraded",
        V2,
        True,
    ),
    (
        {"record": switched("switched", inferred=True), "link": V2_LINK},
        "pre-upgrade",
        "switched, not pre-upgraded",
        V2,
        False,
    ),
    ({"record": switched(), "link": V2_LINK}, "launch", "switched, not proven", V2, True),
    ({"record": switched(inferred=True), "link": V2_LINK}, "launch", "switched, not proven", V2, False),
    ({"record": switched()}, "relink", "switched, link elsewhere", V2, True),
    ({"record": switched(), "link": MISSING}, "relink", "switched, link elsewhere", V2, True),
    ({"record": switched(), "ready": False}, "refuse", "switched, binary gone", V2, True),
    ({}, "launch", "no plan", V1, True),
    (
        {"record": switched("proven"), "file": file("old"), "b": at_least(H), **ON_V2},
        "launch",
        "proven or passed",
        V2,
        True,
    ),
    ({"record": PASSED, "file": file("old")}, "launch", "proven or passed", V1, True),
    ({"fits": (V2,)}, "relink", "no plan; contradicted", V2, True),
    ({"fits": (V2, V3)}, "refuse", "no plan; contradicted", None, True),
    ({"fits": (V3,)}, "refuse", "no plan; contradicted", None, True),
    ({"file": file("old"), "skip": (H,), "b": exact(H)}, "launch", "skipped", V1, True),
    ({"record": SEEN, "file": file("old"), "b": exact(H)}, "upgrade", "halt seen", V2, True),
    ({"record": SEEN, "file": file("stale"), "b": at_least(H)}, "upgrade", "halt seen", V2, True),
    ({"record": SEEN, "file": file("old")}, "upgrade", "halt seen", V2, False),
    ({"record": SEEN, "file": file("old"), "b": exact(H - 1)}, "upgrade", "halt seen", V2, False),
    ({"record": SEEN, "file": file("old", ours=True), "b": exact(H)}, "upgrade", "halt seen", V2, False),
    ({"record": SEEN, "file": file("old"), "b": exact(H - 2)}, "launch", "below H-1", V1, True),
    ({"record": SEEN, "file": file("old"), "b": exact(H + 1)}, "launch", "above H, passed", V1, True),
    ({"file": file("old", **SAME_TIME), "b": exact(H)}, "upgrade", "at H, file not older", V2, True),
    ({"file": file("old", **SAME_TIME), "b": at_least(H)}, "upgrade", "at H, file not older", V2, True),
    (
        {"file": file("old", **SAME_TIME), "b": exact(H - 1), "a": at_least(H - 1)},
        "upgrade",
        "at H, file not older",
        V2,
        True,
    ),
    (
        {"file": file("old", ours=True, **SAME_TIME), "b": exact(H)},
        "upgrade",
        "at H, file not older",
        V2,
        False,
    ),
    ({"file": file("old", **SAME_TIME), "b": exact(H - 1)}, "launch", "anything else", V1, True),
    (
        {"file": file("old", **SAME_TIME), "b": at_least(H - 1), "a": at_least(H - 1)},
        "launch",
        "anything else",
        V1,
        True,
    ),
    ({"file": file("stale", **SAME_TIME), "b": exact(H)}, "launch", "anything else", V1, True),
    ({"file": file("ahead", **SAME_TIME), "b": exact(H)}, "launch", "anything else", V1, True),
    ({"file": file("old", not_older_than_block=False), "b": exact(H)}, "launch", "anything else", V1, True),
    ({"file": file("old"), "b": exact(H)}, "launch", "anything else", V1, True),
    ({"b": exact(H), "known": PLAN}, "launch", "no plan", V1, True),
    ({"b": exact(H), "record": SEEN}, "write file", "absent, at known H", None, True),
    ({"b": at_least(H), "known": PLAN}, "launch", "no plan", V1, True),
    ({"b": exact(H), "known": PLAN, "a": at_least(H)}, "launch", "no plan", V1, True),
    ({"file": file("old"), "b": exact(H - 2)}, "launch", "below H-1", V1, True),
    ({"file": file("old"), "b": exact(H + 1)}, "launch", "above H, passed", V1, True),
    ({"file": file("ahead"), "a": at_least(H)}, "launch", "above H, ahead", V1, True),
    ({"file": file("old")}, "launch", "anything else", V1, True),
    ({"link": MISSING, "fits": (V2,)}, "relink", "no plan; link rebuilt", V2, True),
    ({"link": DANGLING, "ready": False}, "relink", "no plan; genesis only", V1, True),
    ({"link": MISSING}, "refuse", "no plan; several candidates", None, True),
    ({"link": MISSING, "usable": ()}, "refuse", "no plan; no program", None, True),
    ({"link": MISSING, "usable": (V2,)}, "refuse", "no plan; several candidates", None, True),
    (
        {"link": Link("foreign", Version("current", "current"))},
        "launch",
        "no plan",
        Version("current", "current"),
        True,
    ),
]


@pytest.mark.parametrize(("given", "do", "row", "version", "proven"), ROWS)
def test_each_row_decides(
    given: dict[str, Any], do: str, row: str, version: Version | None, proven: bool
) -> None:
    decision = decide_launch(facts(**given))
    assert (decision.do, decision.row, decision.version, decision.proven) == (do, row, version, proven), (
        decision.reason
    )
    assert decision.reason
    assert decision.do != "refuse" or decision.next_step


def test_a_torn_file_whose_plan_is_known_is_written_again() -> None:
    assert decide_launch(facts(file=PlanFile("incomplete"), record=SEEN)).plan == PLAN
    assert decide_launch(facts(file=PlanFile("incomplete"))).plan is None


def test_a_skip_at_the_height_passes_the_plan_for_ever() -> None:
    for b in (exact(H), exact(H - 1), at_least(5)):
        assert decide_launch(facts(file=file("old"), skip=(H,), b=b)).passed == PLAN
    assert decide_launch(facts(file=file("old"), skip=(H,), b=exact(H - 2))).passed is None
    assert decide_launch(facts(file=file("old"), skip=(H,), record=PASSED)).passed is None


def test_a_plan_that_the_data_has_left_behind_is_passed_and_reported() -> None:
    assert decide_launch(facts(file=file("old"), b=exact(H + 1))).passed == PLAN
    assert decide_launch(facts(file=file("ahead"), b=exact(H + 1))).passed is None


@pytest.mark.parametrize("given", [given for given, do, *_ in ROWS if do == "upgrade"])
def test_without_a_binary_it_is_held_and_with_twins_refused(given: dict[str, Any]) -> None:
    assert decide_launch(facts(**{**given, "ready": False})).do == "hold"
    decision = decide_launch(facts(**{**given, "twins": (V2, Version("V2", "upgrades/V2"))}))
    assert decision.do == "refuse"
    assert "upgrades/v2 and upgrades/V2" in decision.next_step


@pytest.mark.parametrize("given", [given for given, do, *_ in ROWS if do == "launch"])
def test_twins_are_never_a_reason_at_the_launch_of_the_active_version(given: dict[str, Any]) -> None:
    assert decide_launch(facts(**{**given, "twins": (V2, Version("V2", "upgrades/V2"))})).do == "launch"


def test_the_newest_switch_decides_not_the_first() -> None:
    records = (switched("proven"), PlanRecord(LATER, V3, "switched", back_to=V2))
    decision = decide_launch(facts(records=records, link=Link("version", V3), b=at_least(199)))
    assert (decision.do, decision.version, decision.plan) == ("pre-upgrade", V3, LATER)


def test_a_link_that_is_too_early_is_left_to_doctor_where_several_others_could_be_meant() -> None:
    given = facts(file=file("old"), b=exact(H - 5), link=V2_LINK, usable=(V1, V2, V3))
    decision = decide_launch(given)
    assert (decision.do, decision.row) == ("refuse", "below H-1; link too early")
    assert "cosmovisor doctor" in decision.next_step


def test_a_switched_program_that_is_gone_is_asked_for_by_its_folder() -> None:
    decision = decide_launch(facts(record=switched(), usable=(V1,), b=exact(H)))
    assert (decision.do, decision.row) == ("refuse", "switched, binary gone")
    assert "upgrades/v2" in decision.next_step


@pytest.mark.parametrize(("usable", "do"), [((V1, V2), "relink"), ((V1, V2, V3), "refuse")])
def test_what_is_passed_is_marked_also_where_the_link_is_too_early(usable: Any, do: str) -> None:
    old = Plan("v1", 50)
    given = facts(file=file("old", old), known=PLAN, b=exact(60), link=V2_LINK, usable=usable)
    decision = decide_launch(given)
    assert (decision.do, decision.row, decision.passed) == (do, "above H, passed; link too early", old)


def test_where_nothing_else_is_known_the_active_version_runs_on_an_older_copy() -> None:
    decision = decide_launch(facts(record=switched("proven", back_to=None), b=exact(1), link=V2_LINK))
    assert (decision.row, decision.version) == ("below a switched plan", V2)
