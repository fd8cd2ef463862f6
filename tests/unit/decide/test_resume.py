"""A step that was cut: done again or undone, by the journal and the facts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V1, V2, H, at_least, exact, facts, file

from cosmovisor.decide.resume import decide_resume
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import PlanFile
from cosmovisor.model.state import ScheduleEntry, Step

BEFORE_LAUNCH = ["backup", "script", "switch"]
SCHEDULED = {"schedule": (ScheduleEntry(LATER, V2), ScheduleEntry(PLAN, V2))}


def resume(kind: Any = "switch", *, inferred: bool = False, back_to: Any = V1, **given: Any) -> Decision:
    step = Step(kind, PLAN, V2, back_to, inferred)
    decision = decide_resume(facts(**{"file": file("old"), "step": step, **given}))
    assert decision is not None
    return decision


def test_nothing_is_resumed_where_no_step_was_cut() -> None:
    assert decide_resume(facts(file=file())) is None


@pytest.mark.parametrize("kind", [*BEFORE_LAUNCH, "pre-upgrade", "go back"])
@pytest.mark.parametrize("inferred", [True, False])
def test_a_step_that_nothing_contradicts_is_done_again_as_it_was_journalled(
    kind: str, inferred: bool
) -> None:
    found = resume(kind, inferred=inferred, b=exact(H))
    assert (found.do, found.row) == ("resume", f"resume {kind}")
    assert (found.plan, found.version, found.proven) == (PLAN, V2, not inferred)


#: Facts, and whether a step before the launch is done again on them.
FACTS: list[tuple[dict[str, Any], bool]] = [
    ({"b": exact(H)}, True),
    ({"b": exact(H - 1)}, True),
    ({"b": exact(H - 2)}, False),
    ({"b": at_least(H - 2)}, True),
    ({"b": exact(H - 2), **SCHEDULED}, True),
    ({"file": file("old", LATER)}, False),
    ({"file": file("old", LATER), **SCHEDULED}, True),
    ({"file": PlanFile("absent")}, False),
    ({"file": PlanFile("incomplete")}, False),
    ({"file": PlanFile("absent"), **SCHEDULED}, True),
    ({"file": PlanFile("absent"), "schedule": (ScheduleEntry(LATER, V2),)}, False),
    ({"a": exact(H)}, False),
    ({"b": exact(H + 1)}, False),
    ({"a": exact(H), "file": file("ahead")}, True),
    ({"a": exact(H), **SCHEDULED}, True),
    ({"ready": False}, False),
    ({"skip": (H,)}, False),
    ({"skip": (H + 1,)}, True),
    ({"skip": (H,), **SCHEDULED}, False),
    ({"skip": (H,), "a": exact(H), "file": file("ahead")}, True),
]


@pytest.mark.parametrize("kind", BEFORE_LAUNCH)
@pytest.mark.parametrize(("given", "again"), FACTS)
def test_a_step_before_the_launch_is_done_again_only_where_its_plan_is_still_due(
    kind: str, given: dict[str, Any], again: bool
) -> None:
    found = resume(kind, **given)
    if again:
        assert found.do == "resume"
    else:
        assert (found.do, found.row, found.plan, found.version) == ("undo", f"undo {kind}", PLAN, V1)


def test_after_the_switch_only_a_skip_speaks_against_pre_upgrade() -> None:
    for given, _ in FACTS:
        skipped = "skip" in given and given["skip"] == (H,) and "a" not in given
        assert resume("pre-upgrade", **given).do == ("undo" if skipped else "resume")


def test_going_back_needs_a_version_to_go_back_to_and_nothing_else() -> None:
    for given, _ in FACTS:
        assert resume("go back", **given).do == "resume"
    lost = resume("go back", back_to=None)
    assert (lost.do, lost.version) == ("undo", None)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"skip": (H,)}, "skipped by the node's arguments"),
        ({"b": exact(H - 2)}, "the data is below its height"),
        ({"file": file("old", LATER)}, "holds another plan now"),
        ({"file": PlanFile("absent")}, "does not hold it any more"),
        ({"a": exact(H)}, "above its height already"),
        ({"ready": False}, "its binary is not ready any more"),
    ],
)
def test_an_undone_step_says_why(given: dict[str, Any], cause: str) -> None:
    assert cause in resume(**given).reason
