"""One turn: when the document is saved, when facts are asked for, when the next tick comes, how it ends."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V2, V3, H, at_least, exact, switched
from tests.support.turns import NOW, SAME_DATA, levels, look, machine, of, turn

from cosmovisor.decide.commands import Exit, GatherFacts, Save, Say, WakeAt
from cosmovisor.decide.policy import Policy
from cosmovisor.decide.turn import NEVER, SAVE_HEIGHTS, Machine, Turn
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY, PlanRecord, ScheduleEntry, SignState, Step
from cosmovisor.model.value import replace


def test_a_machine_begins_with_nothing() -> None:
    assert Machine(Policy()) == Machine(
        policy=Policy(),
        state=EMPTY,
        phase="starting",
        waiting="",
        since=0.0,
        run=None,
        lives=False,
        node=NodeFact(),
        seen=None,
        decision=None,
        why="",
        goal=None,
        delayed=False,
        stopped=None,
        ended_at=float("inf"),
        after_exit=False,
        status=0,
        signals=0,
        reload=False,
        undoing=False,
        wrote=False,
        at_rest=False,
        asks=0,
        drop=0,
        again=False,
        kill_at=float("inf"),
        next_at=float("inf"),
        give_up_at=float("inf"),
        heights_at=-float("inf"),
        staging=None,
        saved_at=0.0,
        unsaved=False,
        failures=0,
        failing_since=float("inf"),
        wake=float("inf"),
    )


def test_a_phase_begins_when_it_is_entered_and_not_when_it_is_entered_again() -> None:
    now = turn(phase="running", since=7.0)
    now.enter("holding", "a binary")
    assert (now.m.phase, now.m.waiting, now.m.since) == ("holding", "a binary", NOW)
    again = Turn(now.m, NOW + 5.0)
    again.enter("holding")
    assert (again.m.waiting, again.m.since) == ("", NOW)


def test_what_is_said_carries_its_fix() -> None:
    now = turn()
    now.say("warn", "careful", "look up")
    now.say("info", "well")
    assert now.commands == [Say("warn", "careful", fix="look up"), Say("info", "well")]


# -- the document --------------------------------------------------------------------------------------------

SIGNED = (SignState("chain-1", "key", 5, 0, 1),)


@pytest.mark.parametrize(
    "change", [{"b": at_least(5)}, {"a": at_least(5)}, {"log": 5}, {"sign_states": SIGNED}]
)
def test_what_changes_at_every_block_is_kept_and_saved_only_when_the_last_save_is_old(
    change: dict[str, Any],
) -> None:
    new = replace(SAME_DATA, **change)
    young = turn(saved_at=NOW - SAVE_HEIGHTS + 0.1)
    young.save(new)
    assert (young.m.state, young.commands) == (new, [])
    old = turn(saved_at=NOW - SAVE_HEIGHTS)
    old.save(new)
    assert old.commands == [Save(new)]
    assert old.m.saved_at == NOW
    assert SAVE_HEIGHTS == 600.0


def test_everything_else_is_saved_at_once_and_what_has_not_changed_never() -> None:
    now = turn(saved_at=NOW)
    now.save(replace(SAME_DATA, known_plan=PLAN))
    assert now.commands == [Save(replace(SAME_DATA, known_plan=PLAN))]
    same = turn(saved_at=0.0)
    same.save(SAME_DATA)
    assert same.commands == []


def test_after_a_save_that_failed_the_next_one_is_made_although_nothing_has_changed() -> None:
    now = turn(saved_at=NOW, unsaved=True)
    now.save(SAME_DATA)
    assert now.commands == [Save(SAME_DATA)]
    assert not now.m.unsaved


def test_the_document_is_saved_as_it_is_where_it_must_be_durable() -> None:
    now = turn(saved_at=3.0, unsaved=True)
    now.save_now()
    assert (now.commands, now.m.saved_at, now.m.unsaved) == ([Save(SAME_DATA)], NOW, False)


# -- questions -----------------------------------------------------------------------------------------------


def test_a_question_is_counted_and_takes_the_place_of_the_next_look() -> None:
    now = turn(lives=True, next_at=NOW + 3.0, again=True)
    now.ask("all")
    assert now.commands == [GatherFacts((), node_lives=True, heights="all")]
    assert (now.m.asks, now.m.again, now.m.next_at, now.m.heights_at) == (1, False, NEVER, NOW)
    quick = turn()
    quick.ask()
    assert quick.commands == [GatherFacts((), node_lives=False, heights="quick")]


def test_a_question_without_heights_is_no_look_at_heights() -> None:
    now = turn(heights_at=7.0)
    now.ask("no")
    assert (now.m.heights_at, now.m.asks) == (7.0, 1)


def test_while_an_answer_is_awaited_one_more_question_comes_after_it() -> None:
    now = turn(asks=1)
    now.ask()
    assert (now.commands, now.m.again, now.m.asks) == ([], True, 1)
    dropped = turn(asks=1, drop=1)
    dropped.ask()
    assert (dropped.m.asks, dropped.m.again, len(dropped.commands)) == (2, False, 1)


def test_a_question_of_another_moment_is_asked_at_once_and_the_late_answers_are_dropped() -> None:
    now = turn(asks=2)
    now.ask_anew()
    assert (now.m.asks, now.m.drop) == (3, 2)
    assert [one.heights for one in now.commands] == ["quick"]


def test_after_something_was_done_a_living_node_keeps_its_phase_and_is_asked_quickly() -> None:
    now = turn(lives=True, asks=1, phase="holding")
    now.look_again()
    assert (now.m.phase, now.m.drop) == ("holding", 1)
    assert [one.heights for one in now.commands] == ["quick"]


def test_after_something_was_done_without_a_node_all_is_looked_at_as_at_a_start() -> None:
    now = turn(phase="switching", asks=1)
    now.look_again()
    assert (now.m.phase, now.m.waiting, now.m.drop) == ("starting", "what is on disk", 1)
    assert [one.heights for one in now.commands] == ["all"]


def plans(**fields: Any) -> tuple[Plan, ...]:
    now = turn(**fields)
    now.ask()
    (question,) = now.commands
    return question.plans


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, ()),
        ({"known_plan": LATER}, (LATER,)),
        ({"schedule": (ScheduleEntry(LATER, V2), ScheduleEntry(PLAN, V2))}, (PLAN,)),
        ({"records": (PlanRecord(PLAN, halt_seen=True),)}, (PLAN,)),
        ({"records": (switched(halt_seen=True), PlanRecord(LATER, passed=True))}, ()),
        ({"step": Step("backup", PLAN, V2, None)}, (PLAN,)),
        ({"known_plan": PLAN, "step": Step("backup", PLAN, V2, None)}, (PLAN,)),
        (
            {
                "known_plan": Plan("a", 1),
                "schedule": (ScheduleEntry(Plan("b", 2), V2),),
                "records": (PlanRecord(Plan("c", 3), halt_seen=True),),
                "step": Step("backup", Plan("d", 4), V2, None),
            },
            (Plan("a", 1), Plan("b", 2), Plan("c", 3), Plan("d", 4)),
        ),
    ],
)
def test_a_question_names_the_plans_that_can_matter_beside_the_one_in_the_file(
    state: dict[str, Any], expected: tuple[Plan, ...]
) -> None:
    assert plans(state=replace(SAME_DATA, **state)) == expected


def test_before_the_first_look_nothing_tells_which_entry_of_the_schedule_is_done() -> None:
    state = replace(SAME_DATA, schedule=(ScheduleEntry(PLAN, V2), ScheduleEntry(LATER, V3)))
    assert plans(state=state, seen=None) == (PLAN,), "its first entry is looked at"
    known = replace(state, known_plan=Plan("a", 1))
    assert plans(state=known, seen=None) == (Plan("a", 1), PLAN)


def test_no_decision_is_taken_before_anything_was_seen() -> None:
    with pytest.raises(AssertionError):
        turn(seen=None).facts()


def test_the_facts_are_those_of_the_last_look_with_the_node_as_it_is_now() -> None:
    now = turn(lives=True, policy={"skip": (9,)}, seen=look(b=exact(5), at=77.0))
    facts = now.facts()
    assert (facts.at, facts.b, facts.skip, facts.node.state) == (77.0, exact(5), (9,), "running")
    assert facts.node.progress == "still longer", "nothing moved for 100 s"


# -- the end -------------------------------------------------------------------------------------------------


def test_the_end_is_the_last_phase_and_nothing_wakes_it() -> None:
    now = turn(kill_at=1.0, next_at=2.0, give_up_at=3.0, waiting="something")
    now.end(75)
    assert now.commands == [Exit(75)]
    assert (now.m.phase, now.m.waiting) == ("ending", "")
    assert (now.m.kill_at, now.m.next_at, now.m.give_up_at) == (NEVER, NEVER, NEVER)


def test_another_try_waits_and_remembers_since_when_it_fails() -> None:
    now = turn(policy={"hold_limit": 600.0}, give_up_at=NOW + 1.0)
    now.try_again(10.0, "another try")
    assert (now.m.phase, now.m.waiting, now.commands) == (
        "back-off",
        "another try",
        [],
    )
    assert (now.m.next_at, now.m.give_up_at, now.m.failing_since) == (NOW + 10.0, NEVER, NOW)
    again = Turn(now.m, NOW + 10.0)
    again.try_again(10.0, "another try")
    assert again.m.failing_since == NOW


@pytest.mark.parametrize(("since", "over"), [(NOW - 590.0, False), (NOW - 590.1, True), (NOW + 5.0, False)])
def test_tries_end_with_75_when_the_next_one_would_be_after_the_hold_limit(since: float, over: bool) -> None:
    now = turn(policy={"hold_limit": 600.0}, failing_since=since)
    now.try_again(10.0, "another try")
    assert now.m.phase == ("ending" if over else "back-off")
    if over:
        assert levels(now.commands) == ["error"]
        assert of(Exit, now.commands) == [Exit(75)]


# -- the next tick -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["kill_at", "next_at", "give_up_at"])
def test_the_next_tick_comes_at_the_first_moment_that_is_awaited(field: str) -> None:
    others = {"kill_at": NOW + 50.0, "next_at": NOW + 50.0, "give_up_at": NOW + 50.0}
    now = turn(**{**others, field: NOW + 1.0})
    found, asked = now.finish()
    assert asked == (WakeAt(NOW + 1.0),)
    assert found.wake == NOW + 1.0


def test_a_tick_that_is_ordered_already_is_not_ordered_again_and_none_is_where_nothing_is_awaited() -> None:
    assert turn(next_at=NOW + 1.0, wake=NOW + 1.0).finish()[1] == ()
    found, asked = turn(wake=NOW + 1.0).finish()
    assert (found.wake, asked) == (NEVER, ())


def test_after_the_end_no_tick_is_ordered() -> None:
    found, asked = turn(phase="ending", next_at=NOW + 1.0, wake=7.0).finish()
    assert (found.wake, asked) == (7.0, ())


def test_the_machine_shows_what_the_tables_would_be_told_of_the_node() -> None:
    found, _ = turn(lives=True).finish()
    assert (found.node.state, found.node.progress) == ("running", "still longer")
    at_halt = machine(lives=True, seen=look(file=replace(look().file, kind="plan", plan=PLAN)))
    at_halt = replace(at_halt, run=replace(at_halt.run, start_b=exact(H)))
    assert Turn(at_halt, NOW).finish()[0].node.started_at_halt
    assert not Turn(replace(at_halt, seen=None), NOW).finish()[0].node.started_at_halt
