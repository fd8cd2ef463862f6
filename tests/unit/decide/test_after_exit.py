"""Every row of the exit table, by its name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V2, V2_LINK, H, at_least, exact, exited, facts, file, switched

from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.model.facts import PlanFile
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import PlanRecord

SEEN = PlanRecord(PLAN, halt_seen=True)
INFERRED = PlanRecord(PLAN, halt_seen=True, inferred=True)
#: It was started at the height, and the chain has refused it before it was up.
REFUSED = exited(start_b=at_least(H))
#: An upgrade that this data has behind it.
BEFORE = PlanRecord(Plan("v1", 5), Version("v1", "upgrades/v1"), "proven")
AT_ONCE = exited(at_once=True, started_at_halt=True)

ROWS: list[tuple[dict[str, Any], str, str, bool]] = [
    ({"file": file(), "b": exact(H + 1)}, "exit", "above H", True),
    ({"file": file("old"), "a": at_least(H)}, "exit", "above H", True),
    ({"file": file("ahead"), "b": at_least(H + 1)}, "exit", "above H, ahead", True),
    ({"file": file(), "b": exact(H - 2)}, "exit", "below H-1", True),
    ({"file": file("old"), "b": exact(H - 2), "record": SEEN}, "exit", "below H-1", True),
    ({"file": file(), "b": exact(H)}, "upgrade", "fresh, at H", True),
    ({"file": file(ours=True), "b": exact(H)}, "upgrade", "fresh, at H", False),
    ({"file": file(), "b": exact(H - 1), "a": at_least(H - 1)}, "upgrade", "fresh, at H-1", True),
    ({"file": file(), "b": exact(H - 1), "a": at_least(H - 2)}, "upgrade", "fresh, at H-1", False),
    ({"file": file(), "b": exact(H - 1)}, "upgrade", "fresh, at H-1", False),
    ({"file": file(), "b": at_least(H)}, "upgrade", "fresh, not exact", False),
    ({"file": file()}, "upgrade", "fresh, not exact", False),
    ({"file": file(), "b": at_least(5)}, "upgrade", "fresh, not exact", False),
    ({"file": file("old"), "record": SEEN}, "upgrade", "halt seen", True),
    ({"file": file("old"), "record": INFERRED}, "upgrade", "halt seen", False),
    ({"file": file("old"), "record": INFERRED, "b": exact(H)}, "upgrade", "halt seen", True),
    ({"file": file("ahead"), "record": SEEN}, "upgrade", "halt seen", True),
    ({"file": file("old"), "node": AT_ONCE}, "upgrade", "old, ended at once at H", False),
    ({"file": file("stale"), "node": AT_ONCE}, "exit", "anything else", True),
    ({"file": file("ahead"), "node": AT_ONCE}, "exit", "anything else", True),
    ({"file": file("old"), "node": exited(at_once=True)}, "exit", "anything else", True),
    ({"file": file("old"), "node": exited(started_at_halt=True)}, "exit", "anything else", True),
    ({"file": file("ahead"), "b": exact(H - 1)}, "exit", "anything else", True),
    ({"b": exact(H), "known": PLAN}, "write file", "absent, at known H", True),
    ({"b": exact(H), "record": SEEN}, "write file", "absent, at known H", True),
    ({"b": at_least(H), "known": PLAN}, "exit", "no plan", True),
    ({"b": at_least(H), "known": PLAN, "node": REFUSED}, "write file", "absent, at known H", True),
    ({"known": PLAN, "node": REFUSED}, "exit", "no plan", True),
    (
        {"b": at_least(H), "known": PLAN, "node": exited(start_b=at_least(H - 5))},
        "exit",
        "no plan",
        True,
    ),
    ({"b": exact(H), "record": switched(passed=True), "link": V2_LINK}, "exit", "no plan", True),
    ({"b": exact(H), "records": (BEFORE, SEEN)}, "write file", "absent, at known H", True),
    (
        {"file": PlanFile("incomplete"), "b": exact(H), "records": (BEFORE, SEEN)},
        "move file aside",
        "incomplete, halt known",
        True,
    ),
    ({"b": exact(H), "a": at_least(H), "known": PLAN}, "exit", "no plan", True),
    ({"b": exact(H), "known": LATER}, "exit", "no plan", True),
    ({"file": PlanFile("incomplete")}, "exit", "incomplete", True),
    ({"file": PlanFile("incomplete"), "record": SEEN}, "move file aside", "incomplete, halt known", True),
    ({"file": PlanFile("incomplete", writer=True), "record": SEEN}, "exit", "incomplete", True),
    ({"file": file(), "b": exact(H), "skip": (H,)}, "exit", "plan is settled", True),
    (
        {"file": file(), "b": exact(H), "record": PlanRecord(PLAN, passed=True)},
        "exit",
        "plan is settled",
        True,
    ),
    ({"file": file(), "b": exact(H), "record": switched(), "link": V2_LINK}, "exit", "plan is settled", True),
    ({"file": file(), "b": exact(H), "data": "other"}, "exit", "other data", True),
]


@pytest.mark.parametrize(("given", "do", "row", "proven"), ROWS)
def test_each_row_decides(given: dict[str, Any], do: str, row: str, proven: bool) -> None:
    decision = decide_after_exit(facts(**{"node": exited(), **given}))
    assert (decision.do, decision.row, decision.proven) == (do, row, proven), decision.reason
    if do == "upgrade":
        assert (decision.plan, decision.version) == (PLAN, V2)


@pytest.mark.parametrize("given", [given for given, do, _, _ in ROWS if do == "upgrade"])
def test_without_a_binary_it_is_held_and_with_twins_refused(given: dict[str, Any]) -> None:
    assert decide_after_exit(facts(**{"node": exited(), **given, "ready": False})).do == "hold"
    assert decide_after_exit(facts(**{"node": exited(), **given, "twins": (V2, V2)})).do == "refuse"


@pytest.mark.parametrize("status", [0, 1, 2, 137, -9, None])
def test_the_exit_code_decides_nothing(status: int | None) -> None:
    for given, do, row, _ in ROWS:
        if row == "absent, at known H" and "known" in given:
            continue  # what only the scout has told needs the chain's own refusal
        node = given.get("node", exited())
        changed = type(node)(**{**node.__dict__, "status": status})
        decision = decide_after_exit(facts(**{**given, "node": changed}))
        assert (decision.do, decision.row) == (do, row)


def test_a_passed_plan_is_marked() -> None:
    assert decide_after_exit(facts(file=file("old"), b=exact(H + 1), node=exited())).passed == PLAN
    assert decide_after_exit(facts(file=file("ahead"), b=exact(H + 1), node=exited())).passed is None


@pytest.mark.parametrize("status", [0, 137, -9, -15, None])
def test_a_plan_that_only_the_scout_has_told_needs_the_chains_own_refusal(status: int | None) -> None:
    given = {"b": exact(H), "known": PLAN}
    assert decide_after_exit(facts(**given, node=exited(status=2))).do == "write file"
    assert decide_after_exit(facts(**given, node=exited(status=status))).do == "exit"
    once = exited(status=status, at_once=True, start_b=exact(H))
    assert decide_after_exit(facts(**given, node=once)).do == "exit"
