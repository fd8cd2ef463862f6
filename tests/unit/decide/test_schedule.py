"""The operator's schedule: when an entry is due, how it is armed, what is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import PLAN, V2, V3, H, at_least, exact, exited, facts, file, running, switched
from tests.support.playbook import Play

from cosmovisor.decide import events
from cosmovisor.decide.schedule import conflict, decide_schedule, halt_height, next_entry, refuse_entry
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import MAX_SCHEDULE, PlanRecord, ScheduleEntry, State
from cosmovisor.model.value import replace

ENTRY = ScheduleEntry(PLAN, V2)
EXACT = ScheduleEntry(PLAN, V2, exact=True)
LATE = ScheduleEntry(Plan("v3", 2 * H), V3)
ARMED = {"armed": H - 1}


def ask(entry: ScheduleEntry = ENTRY, **given: Any) -> str | None:
    decision = decide_schedule(facts(schedule=(LATE, entry), **given))
    return None if decision is None else decision.row


def test_the_lowest_open_entry_is_the_next() -> None:
    assert next_entry(facts(schedule=(LATE, ENTRY))) == ENTRY
    assert next_entry(facts(schedule=(LATE, ENTRY), skip=(H,))) == LATE
    assert next_entry(facts(schedule=(LATE, ENTRY), record=PlanRecord(PLAN, passed=True))) == LATE
    assert next_entry(facts(schedule=(LATE, ENTRY), record=switched())) == LATE
    assert next_entry(facts()) is None


def test_an_entry_is_due_at_the_application_height() -> None:
    assert ask(node=running(), b=exact(H), a=exact(H)) == "schedule"
    assert ask(node=running(), b=exact(H + 1)) == "schedule"
    assert ask(node=exited(), a=at_least(H)) == "schedule"
    assert ask(node=running(progress="still longer"), b=exact(H), a=exact(H - 1)) is None
    assert ask(b=exact(H + 1)) is None


def test_a_due_entry_without_its_binary_is_held() -> None:
    decision = decide_schedule(facts(schedule=(ENTRY,), node=running(), a=exact(H), ready=False))
    assert decision is not None
    assert (decision.do, decision.proven) == ("hold", True)


@pytest.mark.parametrize("status", [0, 130, 143, -2, -15])
def test_an_exact_entry_is_due_when_its_node_ends_at_the_halt_height(status: int) -> None:
    assert ask(EXACT, node=exited(status=status, **ARMED), b=exact(H - 1)) == "schedule, exact"
    assert ask(EXACT, node=exited(status=status, **ARMED), b=exact(H - 2)) is None
    assert ask(EXACT, node=exited(status=status), b=exact(H - 1)) is None
    assert ask(ENTRY, node=exited(status=status, **ARMED), b=exact(H - 1)) is None


def test_an_exact_entry_is_due_when_its_node_stands_still_with_the_block_before_executed() -> None:
    still = running(progress="still", **ARMED)
    assert ask(EXACT, node=still, b=exact(H - 1), a=exact(H - 1)) == "schedule, exact"
    assert ask(EXACT, node=running(**ARMED), b=exact(H - 1), a=exact(H - 1)) is None
    assert ask(EXACT, node=still, b=exact(H - 1), a=exact(H - 2)) is None
    assert ask(EXACT, node=exited(status=1, **ARMED), b=exact(H - 1)) is None
    assert ask(EXACT, node=exited(status=1, **ARMED), b=exact(H)) == "schedule, exact"
    assert ask(EXACT, node=exited(status=0, armed=H), b=exact(H - 1)) is None


def test_an_exact_entry_arms_the_next_launch_until_its_height_is_near() -> None:
    assert halt_height(facts(schedule=(EXACT,), b=exact(5))) == H - 1
    assert halt_height(facts(schedule=(EXACT,))) == H - 1
    assert halt_height(facts(schedule=(ENTRY,), b=exact(5))) == 0
    assert halt_height(facts(schedule=(EXACT,), a=at_least(H - 1))) == 0
    assert halt_height(facts(schedule=(EXACT,), a=at_least(H - 2))) == H - 1
    assert halt_height(facts()) == 0


def test_an_entry_is_accepted_only_where_it_can_be_followed() -> None:
    state = State()
    assert refuse_entry(ENTRY, state, 0) is None
    assert refuse_entry(ENTRY, state, H - 1) is None
    refusal = refuse_entry(ENTRY, state, H)
    assert refusal is not None
    assert "already at 100" in refusal[0]
    assert refuse_entry(EXACT, state, H - 2) is None
    refusal = refuse_entry(EXACT, state, H - 1)
    assert refusal is not None
    assert "--exact" in refusal[1]


def test_an_entry_meets_other_entries_and_the_chains_plan() -> None:
    other = replace(ENTRY, plan=Plan("other", H))
    assert refuse_entry(other, State(schedule=(ENTRY,)), 0) == (
        'cannot schedule plan "other" for height 100: plan "v2" for height 100 is scheduled there already',
        "cosmovisor schedule remove v2",
    )
    assert refuse_entry(ENTRY, State(schedule=(ENTRY, LATE)), 0) is None
    refusal = refuse_entry(other, State(known_plan=PLAN), 0)
    assert refusal is not None
    assert "the chain itself" in refusal[0]
    assert refuse_entry(ENTRY, State(known_plan=PLAN), 0) is None
    assert refuse_entry(other, State(known_plan=Plan("v2", H + 1)), 0) is None
    full = tuple(ScheduleEntry(Plan("x", 1000 + number), V2) for number in range(MAX_SCHEDULE))
    assert refuse_entry(ENTRY, State(schedule=full), 0) is not None
    assert refuse_entry(ENTRY, State(schedule=full[1:]), 0) is None


def test_a_conflict_with_the_chains_plan_is_said() -> None:
    chain = Plan("chain", 2 * H)
    assert "followed first" in conflict(facts(schedule=(ENTRY,), known=chain))
    assert "followed first" in conflict(facts(schedule=(ENTRY,), file=file("old", chain)))
    assert "followed first" in conflict(facts(schedule=(ENTRY,), known=Plan("chain", H)))
    assert conflict(facts(schedule=(ENTRY,), known=Plan("chain", H - 1))) == ""
    assert conflict(facts(schedule=(ENTRY,), known=PLAN)) == ""
    assert conflict(facts(schedule=(ENTRY,))) == ""
    assert conflict(facts(known=chain)) == ""
    settled = facts(schedule=(ENTRY,), known=chain, records=(PlanRecord(chain, passed=True),))
    assert conflict(settled) == ""


def test_an_entry_that_was_skipped_stays_skipped_when_the_argument_has_gone() -> None:
    play = Play(skip=(H,)).running()
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.heights(H + 3, H + 3).look()
    assert "Signal TERM" not in play.take()
    again = Play(play.saved).running(H + 4)
    again.take()
    again.heights(H + 5, H + 5).look()
    assert "Signal TERM" not in again.take()
    unskipped = Play().running()
    unskipped.put(events.Asked(unskipped.now, "schedule", ENTRY))
    assert "Signal TERM" in unskipped.heights(H + 5, H + 5).look().take(), "without the argument it is due"
