"""The operator's schedule: when an entry is due, how it is armed, what is accepted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    LATER,
    PLAN,
    V2,
    V3,
    H,
    at_least,
    exact,
    exited,
    facts,
    file,
    running,
    staged,
    switched,
)
from tests.support.playbook import Play

from cosmovisor.decide import commands, events
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.schedule import (
    conflict,
    decide_schedule,
    halt_height,
    halting_before,
    last_commit,
    next_entry,
    refuse_entry,
)
from cosmovisor.model.heights import UNKNOWN
from cosmovisor.model.observations import Link, Prospect
from cosmovisor.model.plan import GENESIS_VERSION, Plan
from cosmovisor.model.state import (
    MAX_SCHEDULE,
    DataIdentity,
    FolderIdentity,
    PlanRecord,
    ScheduleEntry,
    State,
)
from cosmovisor.model.value import replace

ENTRY = ScheduleEntry(PLAN, V2)
EXACT = ScheduleEntry(PLAN, V2, exact=True)
LATE = ScheduleEntry(Plan("v3", 2 * H), V3)
ARMED = {"armed": H - 1}
FOLDER = FolderIdentity(1, 1, 1)
DATA = DataIdentity(FOLDER, FOLDER, FOLDER)


def ask(entry: ScheduleEntry = ENTRY, **given: Any) -> str | None:
    decision = decide_schedule(facts(schedule=(LATE, entry), **given))
    return None if decision is None else decision.row


def test_the_lowest_open_entry_is_the_next() -> None:
    assert next_entry(facts(schedule=(LATE, ENTRY))) == ENTRY
    assert next_entry(facts(schedule=(LATE, ENTRY), skip=(H,))) == LATE
    assert next_entry(facts(schedule=(LATE, ENTRY), record=PlanRecord(PLAN, passed=True))) == LATE
    assert next_entry(facts(schedule=(LATE, ENTRY), record=switched())) == LATE
    assert next_entry(facts()) is None


def test_an_entry_that_a_later_plan_has_overtaken_is_not_followed_any_more() -> None:
    chain = PlanRecord(Plan("chain", H + 1), version=V3, stage="switched")
    entry = ScheduleEntry(PLAN, V2)
    assert next_entry(facts(schedule=(entry,), records=(chain,))) is None
    assert halt_height(facts(schedule=(EXACT,), records=(chain,), b=at_least(H - 5))) == 0
    assert next_entry(facts(schedule=(entry,), records=(replace(chain, stage="none"),))) == entry
    below = replace(chain, plan=Plan("chain", H - 1))
    assert next_entry(facts(schedule=(entry,), records=(below,))) == entry


def test_the_file_of_an_entry_has_the_height_at_which_the_node_has_really_stopped() -> None:
    play = Play().running()
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.slow.add("Signal TERM")
    play.heights(H, H).look()
    assert play.machine.phase == "stopping"
    play.heights(H + 3, H + 3)  # it made blocks until it was gone
    play.a = UNKNOWN
    play.exit(0)
    assert play.file.plan == replace(PLAN, height=H + 4)
    assert play.machine.phase == "running"


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
    assert ask(EXACT, node=exited(status=1, **ARMED), b=exact(H)) == "schedule, exact"
    assert ask(EXACT, node=exited(status=0, armed=H), b=exact(H - 1)) is None


def test_an_exact_entry_arms_the_next_launch_until_its_height_is_near() -> None:
    assert halt_height(facts(schedule=(EXACT,), b=exact(5))) == H - 1
    assert halt_height(facts(schedule=(EXACT,))) == H - 1
    assert halt_height(facts(schedule=(ENTRY,), b=exact(5))) == 0
    assert halt_height(facts(schedule=(EXACT,), a=at_least(H - 1))) == 0
    assert halt_height(facts(schedule=(EXACT,), a=at_least(H - 2))) == H - 1
    assert halt_height(facts()) == 0


AGAIN = replace(EXACT, halts_before=True)


def test_a_program_that_does_not_commit_its_halt_height_is_armed_one_higher() -> None:
    """From late SDK 0.50 on the block of the halt height is saved and not executed."""
    still = {"node": running(progress="still", **ARMED), "b": exact(H - 1), "a": exact(H - 2)}
    assert ask(EXACT, **still) == "schedule, exact, again"
    assert ask(EXACT, **{**still, "node": running(**ARMED)}) is None
    assert ask(EXACT, **{**still, "a": UNKNOWN}) is None
    assert ask(EXACT, **{**still, "b": exact(H - 2)}) is None
    assert ask(ENTRY, **still) is None
    silent = {**still, "node": running(quiet=True, **ARMED), "a": UNKNOWN}
    assert ask(EXACT, **{**silent, "b": at_least(H - 1)}) == "schedule, exact, again"
    assert ask(EXACT, **{**silent, "b": at_least(H - 2)}) is None


@pytest.mark.parametrize("status", [1, 2])
def test_it_is_armed_one_higher_also_where_it_ends_at_its_halt_height(status: int) -> None:
    ended = {"node": exited(status=status, **ARMED), "b": exact(H - 1)}
    assert ask(EXACT, **ended) == "schedule, exact, again"
    assert ask(EXACT, **{**ended, "b": exact(H - 2)}) is None
    assert ask(EXACT, **{**ended, "a": at_least(H - 1)}) == "schedule, exact"
    refused = {**ended, "node": exited(status=status, at_once=True, **ARMED), "b": at_least(H - 9)}
    assert ask(EXACT, **refused) == "schedule, exact, again"
    assert ask(EXACT, **{**refused, "node": exited(status=status, **ARMED)}) is None
    assert ask(EXACT, **{**refused, "node": exited(status=-9, at_once=True, **ARMED)}) is None
    assert ask(EXACT, **{**refused, "b": exact(H - 9)}) is None


def test_what_is_armed_one_higher_is_due_when_it_stands_with_the_block_before_executed() -> None:
    assert halt_height(facts(schedule=(AGAIN,), b=exact(H - 1), a=at_least(H - 2))) == H
    still = {"node": running(progress="still", armed=H), "b": exact(H), "a": exact(H - 1)}
    assert ask(AGAIN, **still) == "schedule, exact"
    assert ask(AGAIN, **{**still, "node": running(armed=H)}) is None
    assert ask(AGAIN, node=exited(status=2, armed=H), b=exact(H)) == "schedule, exact"
    assert ask(AGAIN, node=exited(status=1, armed=H), b=exact(H - 1)) is None
    assert ask(EXACT, **{**still, "node": running(progress="still", armed=H)}) is None


def test_the_machine_stops_such_a_node_and_starts_it_again_with_the_next_height() -> None:
    play = Play(State(schedule=(EXACT,))).running()
    assert spawned(play) == [H - 1]
    play.heights(H - 1, H - 2).look().wait(15.0)
    assert play.take() == ["Signal TERM"]
    play.exit(0)
    assert play.saved.schedule == (AGAIN,)
    assert spawned(play) == [H - 1, H]
    play.take()
    play.wait(1.0).heights(H, H - 1).wait(30.0)
    assert play.take() == ["Signal TERM"]
    assert play.exit(0).take() == ["backup", "switch", "WriteFile", "pre-upgrade", "Spawn v2"]
    assert play.file.plan == PLAN
    assert spawned(play) == [H - 1, H, 0]
    assert play.saved.schedule == ()


@pytest.mark.parametrize("gone", [False, True])
def test_a_disk_that_is_full_when_a_node_is_armed_again_does_not_leave_it_at_its_height(gone: bool) -> None:
    """Found by a night: what could not be saved was taken for done, and the node stood there for ever."""
    play = Play(State(schedule=(EXACT,))).running()
    if not gone:
        play.failing["save"] = events.Failed(0.0, "save", "no space left", "free some")
    play.heights(H - 1, H - 2).look().wait(15.0)
    play.failing["save"] = events.Failed(0.0, "save", "no space left", "free some")
    play.exit(0)
    del play.failing["save"]
    play.wait(60.0)
    assert spawned(play)[-1] == H
    assert play.saved.schedule == (AGAIN,)


def test_a_node_that_is_kept_is_known_by_the_halt_height_that_it_was_started_with() -> None:
    play = Play(State(schedule=(EXACT,), data=DATA), adopt_orphan=True)
    play.heights(H - 1, H - 1).put(events.OrphanFound(play.now, 77, armed=H - 1))
    play.wait(30.0)
    assert play.take() == ["Signal TERM"]
    other = Play(State(schedule=(EXACT,), data=DATA), adopt_orphan=True)
    other.heights(H - 1, H - 1).put(events.OrphanFound(other.now, 77)).wait(30.0)
    assert "Signal TERM" not in other.take()


def test_the_file_of_an_entry_has_the_right_height_also_where_its_backup_was_cut() -> None:
    play = Play().running()
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.slow.update({"Signal TERM", "backup"})
    play.heights(H, H).look().heights(H + 3, H + 3).exit(0)
    assert play.machine.phase == "backup"
    again = Play(play.saved)
    again.b, again.link = exact(H + 3), play.link
    again.start()
    assert again.file.plan == replace(PLAN, height=H + 4)


@pytest.mark.parametrize("no_pre_upgrade", [False, True])
def test_no_program_is_started_before_the_plan_file_of_its_schedule_is_written(no_pre_upgrade: bool) -> None:
    play = Play().running()
    play.no_pre_upgrade = no_pre_upgrade
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.failing["write file"] = events.Failed(0.0, "write file", "the disk is full", "make room")
    play.heights(H, H).look().take()
    play.exit(0)
    assert play.take() == ["backup", "switch", "WriteFile"]
    assert play.saved.step is not None
    assert play.saved.step.kind == "switch"
    del play.failing["write file"]
    play.wait(60.0)
    steps = (
        ["switch", "WriteFile", "Spawn v2"]
        if no_pre_upgrade
        else ["switch", "WriteFile", "pre-upgrade", "Spawn v2"]
    )
    assert play.take() == steps
    assert play.file.plan == replace(PLAN, height=H + 1)
    assert [line.version for line in play.saved.history] == [V2], "one switch has one line"


def test_the_file_of_an_exact_entry_has_the_right_height_also_where_its_backup_was_cut() -> None:
    play = Play(State(schedule=(EXACT,))).running()
    play.slow.add("backup")
    play.a = at_least(H - 2)
    play.b = exact(H - 1)
    play.exit(0)
    assert play.machine.phase == "backup"
    again = Play(play.saved)
    again.b, again.link = exact(H - 1), play.link
    again.start()
    assert again.file.plan == PLAN


def test_the_machine_starts_a_node_that_has_ended_so_again_at_once() -> None:
    play = Play(State(schedule=(EXACT,))).running()
    play.heights(H - 1, H - 2).exit(2)
    assert play.take() == ["Spawn genesis"]
    assert spawned(play) == [H - 1, H]


@pytest.mark.parametrize("entry", [EXACT, AGAIN])
def test_a_restart_at_the_halt_does_not_let_the_old_program_execute_the_height(entry: ScheduleEntry) -> None:
    play = Play(State(schedule=(entry,), data=DATA, b=at_least(H), a=at_least(H - 1)))
    play.heights(H, H - 1).start()
    assert play.take() == ["backup", "switch", "WriteFile", "pre-upgrade", "Spawn v2"]


@pytest.mark.parametrize(
    ("given", "height"),
    [
        ({"b": exact(H), "a": exact(H - 1), "node": running()}, H - 1),
        ({"b": exact(H - 1), "a": at_least(H - 9), "node": exited(status=0)}, H - 1),
        ({"b": exact(H), "a": at_least(H - 9), "node": exited(status=2)}, H - 1),
        ({"b": exact(H), "a": at_least(H), "node": exited(status=2)}, H),
        ({"b": at_least(H), "a": at_least(H - 9), "node": exited(status=0)}, H - 1),
        ({"a": at_least(H - 1)}, H - 1),
        ({"b": exact(H)}, H - 1),
        ({}, None),
    ],
)
def test_the_last_commit_of_a_stopped_node_is_taken_from_what_proves_most(given: Any, height: Any) -> None:
    assert last_commit(facts(**given)) == height


def spawned(play: Play) -> list[int]:
    return [one.halt_height for one in play.every if isinstance(one, commands.Spawn)]


def test_a_scheduled_binary_that_is_still_ahead_does_not_hide_which_version_a_missing_link_means() -> None:
    given = {"schedule": (ENTRY,), "link": Link("missing")}
    found = decide_launch(facts(**given, b=exact(H - 1)))
    assert (found.do, found.version) == ("relink", GENESIS_VERSION)
    for b in (exact(H), at_least(H - 1), UNKNOWN):
        assert decide_launch(facts(**given, b=b)).do == "refuse"


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


def test_the_chains_own_height_for_the_same_program_counts() -> None:
    later = Plan(PLAN.name, H + 20)
    given = {"known": later, "prospects": (Prospect(PLAN, V2, staged()), Prospect(later, V2, staged(later)))}
    assert next_entry(facts(schedule=(ENTRY,), **given)) is None
    assert next_entry(facts(schedule=(ENTRY, LATE), **given)) == LATE
    assert "refuses to run before" in conflict(facts(schedule=(ENTRY,), **given))
    assert ask(b=exact(H + 3), node=running(), known=later, prospects=given["prospects"]) is None
    # Written ahead by the operator's hand, cancelled, skipped or behind: then there is no other height.
    ahead = facts(schedule=(ENTRY,), file=file("ahead", later), prospects=given["prospects"])
    assert next_entry(ahead) == ENTRY
    assert next_entry(facts(schedule=(ENTRY,), skip=(H + 20,), **given)) == ENTRY
    assert next_entry(facts(schedule=(ENTRY,), b=exact(H + 30), **given)) == ENTRY
    settled = facts(schedule=(ENTRY,), records=(PlanRecord(later, passed=True),), **given)
    assert next_entry(settled) == ENTRY


def test_a_program_that_the_chain_has_put_in_place_is_not_switched_to_again() -> None:
    play = Play().running()
    late = ScheduleEntry(Plan(PLAN.name, H + 20), V2)
    play.put(events.Asked(play.now, "schedule", late))
    play.put(events.Asked(play.now, "schedule", LATE))
    play.heights(H, H - 1).write_plan().look().exit(0)
    assert play.saved.schedule == (LATE,)


def test_a_conflict_is_told_once_and_again_when_it_changes() -> None:
    play = Play().running()
    said: list[str] = []
    carry_out = play._carry_out

    def listen(command: Any) -> Any:
        if isinstance(command, commands.Say) and command.level == "warn":
            said.append(command.text)
        return carry_out(command)

    play._carry_out = listen  # type: ignore[method-assign]
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.put(events.Asked(play.now, "known plan", Plan("chain", H + 5)))
    for _ in range(5):
        play.wait(1.0).look()
    assert len(said) == 1
    assert 'plan "chain" for height 105' in said[0]
    play.put(events.Asked(play.now, "known plan", Plan("chain", H + 6)))
    play.wait(1.0).look()
    assert len(said) == 2
    play.put(events.Asked(play.now, "known plan", None))
    play.wait(1.0).look()
    assert play.machine.conflict == ""


def test_an_entry_that_was_skipped_stays_skipped_when_the_argument_has_gone() -> None:
    play = Play(skip=(H,)).running()
    play.put(events.Asked(play.now, "schedule", ENTRY))
    play.heights(H + 3, H + 3).look()
    assert "Signal TERM" not in play.take()
    again = Play(play.saved).running(H + 4)
    again.heights(H + 5, H + 5).look()
    assert (again.machine.phase, again.machine.why) == ("running", "")
    assert again.saved.records[0].passed
    unskipped = Play().running()
    unskipped.put(events.Asked(unskipped.now, "schedule", ENTRY))
    assert "Signal TERM" in unskipped.heights(H + 5, H + 5).look().take(), "without the argument it is due"


@pytest.mark.parametrize(
    ("age", "counts"), [("fresh", True), ("old", True), ("ahead", False), ("stale", False)]
)
def test_a_plan_file_that_was_written_ahead_is_no_decision_of_the_chain(age: str, counts: bool) -> None:
    entry = ScheduleEntry(Plan("x", 50), V3)
    found = next_entry(facts(schedule=(entry,), file=file(age, LATER)))
    assert found == (None if counts else entry)


def test_a_switch_for_the_same_height_has_overtaken_an_entry() -> None:
    other = PlanRecord(Plan("other", H), V3, "switched")
    assert next_entry(facts(schedule=(ENTRY,), records=(other,))) is None
    lower = replace(other, plan=Plan("other", H - 1))
    assert next_entry(facts(schedule=(ENTRY,), records=(lower,))) == ENTRY


def test_a_node_that_was_up_before_it_ended_at_once_has_not_refused_its_halt_height() -> None:
    armed = {"status": 1, "at_once": True, **ARMED}
    assert ask(EXACT, node=exited(**armed)) == "schedule, exact, again"
    assert ask(EXACT, node=exited(**armed, ever_up=True)) is None


def test_only_the_entry_that_was_armed_is_known_to_halt_before() -> None:
    found = halting_before(State(schedule=(EXACT, replace(LATE, exact=True))), PLAN)
    assert [entry.halts_before for entry in found.schedule] == [True, False]


def test_each_refusal_of_an_entry_has_a_cause_and_a_next_step() -> None:
    other = replace(ENTRY, plan=Plan("other", H))
    full = tuple(ScheduleEntry(Plan("x", 1000 + number), V2) for number in range(MAX_SCHEDULE))
    for entry, state, height in (
        (ENTRY, State(), H),
        (EXACT, State(), H - 1),
        (other, State(schedule=(ENTRY,)), 0),
        (other, State(known_plan=PLAN), 0),
        (ENTRY, State(schedule=full), 0),
    ):
        refusal = refuse_entry(entry, state, height)
        assert refusal is not None
        cause, step = refusal
        assert cause.startswith("cannot schedule")
        assert step
