"""What a decision leads to, and how the operator is told of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V1, V2, V2_LINK, V3, H, exact, staged, switched
from tests.support.playbook import Play
from tests.support.turns import DATA, FOLDER, NOW, SAME_DATA, after, begun, levels, look, machine, of, turn

from cosmovisor.decide import acting, commands, events
from cosmovisor.decide.ending import ended
from cosmovisor.decide.turn import IDLE_POLLS, NEVER, STAGE_AGAIN, STAGE_URGENT, Turn
from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import Prospect
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NotStaged
from cosmovisor.model.state import FileInstance, PlanRecord, ScheduleEntry, SignState, Step
from cosmovisor.model.value import replace

SPAWNED = replace(SAME_DATA, ever_spawned=True)
NOT_READY = NotStaged("not there", "put it there")


def seen(plan: Plan | None = PLAN, *, ready: bool = True, **changes: Any) -> Any:
    """A look at a home with a plan file (changed since the spawn) whose binaries are ready, or none is."""
    play = Play() if plan is None else Play().write_plan(plan)
    prospects = tuple(
        Prospect(one, version, staged(one, version) if ready else NOT_READY)
        for one, version in ((PLAN, V2), (LATER, V3))
    )
    return look(play, **{"prospects": prospects, **changes})


def act(do: Any, turned: Turn, **fields: Any) -> bool:
    """Do what a decision says; tell whether the tables are asked again."""
    decision = Decision(do, fields.pop("row", "row"), "reason", **fields)
    return acting._ACTIONS[do](turned, decision, turned.facts())


# -- how thoroughly is looked --------------------------------------------------------------------------------

IDLE = {"lives": True, "heights_at": NOW - 1.0, "seen": seen(None)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"lives": False}, "all"),
        ({"lives": True, "phase": "holding"}, "quick"),
        ({"lives": True, "phase": "holding", "seen": seen(), "state": SPAWNED}, "quick"),
        ({"lives": True, "seen": None}, "quick"),
        (IDLE, "no"),
        ({**IDLE, "heights_at": NOW - IDLE_POLLS * 5.0}, "quick"),
        ({**IDLE, "heights_at": NOW - IDLE_POLLS * 5.0 + 0.1}, "no"),
        ({**IDLE, "state": replace(SAME_DATA, known_plan=PLAN)}, "quick"),
        ({**IDLE, "state": replace(SAME_DATA, known_plan=PLAN, records=(switched("proven"),))}, "no"),
        ({**IDLE, "state": replace(SAME_DATA, schedule=(ScheduleEntry(PLAN, V2),))}, "quick"),
        ({**IDLE, "state": replace(SAME_DATA, records=(switched("switched"),))}, "quick"),
        ({**IDLE, "state": replace(SAME_DATA, records=(switched("pre-upgraded"),))}, "quick"),
        ({**IDLE, "state": replace(SAME_DATA, records=(switched("proven"),))}, "no"),
        ({**IDLE, "seen": seen(), "state": SPAWNED}, "all"),
        ({**IDLE, "seen": seen(b=exact(5)), "state": SPAWNED}, "quick"),
        ({**IDLE, "seen": seen(), "state": replace(SPAWNED, stale=FileInstance(7, 1))}, "quick"),
        ({**IDLE, "seen": seen(), "state": replace(SPAWNED, records=(switched("proven"),))}, "no"),
    ],
)
def test_heights_are_asked_for_as_far_as_something_can_become_due(
    fields: dict[str, Any], expected: str
) -> None:
    assert acting.how_thorough(turn(**fields)) == expected


def test_what_woke_an_idle_machine_is_looked_at_with_heights() -> None:
    assert acting.how_thorough(turn(**IDLE), woken=True) == "quick"


# -- telling -------------------------------------------------------------------------------------------------


def told(decision: Decision, last: Decision | None = None) -> commands.Say:
    now = turn(decision=last)
    acting._tell(now, decision, now.facts())
    (said,) = now.commands
    assert isinstance(said, commands.Say)
    return said


@pytest.mark.parametrize(
    ("do", "row", "passed", "level"),
    [
        ("wait", "no plan", None, "debug"),
        ("launch", "no plan", None, "debug"),
        ("wait", "switched", None, "debug"),
        ("wait", "no plan", PLAN, "warn"),
        ("exit", "no plan", None, "info"),
        ("wait", "below H, moving", None, "info"),
        ("launch", "skipped", PLAN, "warn"),
        ("upgrade", "at H, fresh", None, "info"),
        ("refuse", "no data", None, "error"),
        ("refuse", "no data", PLAN, "error"),
        ("hold", "at H, fresh", None, "warn"),
        ("go back", "back: ended below H-1", None, "warn"),
        ("reset stages", "other data", None, "warn"),
    ],
)
def test_how_loudly_a_decision_is_told(do: Any, row: str, passed: Plan | None, level: str) -> None:
    assert told(Decision(do, row, "reason", passed=passed)).level == level


def test_what_is_told_carries_the_row_the_facts_and_the_next_step() -> None:
    said = told(Decision("hold", "row", "the reason", next_step="do this"))
    assert (said.text, said.row, said.fix) == ("the reason", "row", "do this")
    assert said.facts == turn().facts()


def test_what_repeats_itself_is_told_for_debugging_only() -> None:
    decision = Decision("hold", "row", "reason", PLAN)
    assert told(decision, decision).level == "debug"
    assert told(decision, replace(decision, reason="later")).level == "debug"
    for other in (
        replace(decision, do="refuse"),
        replace(decision, row="other"),
        replace(decision, plan=LATER),
    ):
        assert told(decision, other).level == "warn"


# -- waiting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "plan", "given", "pause"),
    [
        ("no plan", None, {}, 5.0),
        ("not named", None, {}, acting.SOON),
        ("below H, still", None, {}, acting.SOON),
        ("no plan", None, {"state": replace(SAME_DATA, records=(switched(),))}, acting.SOON),
        ("below H, moving", PLAN, {"seen": seen(), "state": SPAWNED}, acting.SOON),
        ("below H, moving", None, {"seen": seen(), "state": SPAWNED}, 5.0),
        ("below H, moving", PLAN, {"seen": seen(), "state": replace(SPAWNED, stale=FileInstance(7, 1))}, 5.0),
        (
            "already passed",
            PLAN,
            {"seen": seen(), "state": replace(SPAWNED, records=(PlanRecord(PLAN, passed=True),))},
            5.0,
        ),
    ],
)
def test_a_running_node_is_looked_at_soon_where_something_is_near_else_at_the_poll(
    row: str, plan: Plan | None, given: dict[str, Any], pause: float
) -> None:
    now = turn(lives=True, why="upgrade", goal=Decision("upgrade", "", ""), give_up_at=1.0, **given)
    assert not act("wait", now, row=row, plan=plan)
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("running", "", NOW + pause)
    assert (now.m.why, now.m.goal, now.m.give_up_at) == ("", None, NEVER)
    assert acting.SOON == 0.25


def test_without_a_node_a_wait_is_asked_again_soon_and_says_for_what() -> None:
    now = turn(phase="starting", seen=seen(ready=False))
    assert not act("wait", now)
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("starting", "reason", NOW + acting.SOON)
    assert now.commands == []


def test_what_a_wait_has_learned_is_saved() -> None:
    for lives in (True, False):
        now = turn(lives=lives, seen=seen())
        act("wait", now, passed=PLAN, remember_ahead=True)
        assert now.m.state.ahead == FileInstance(7, 1)
        assert now.m.state.records == (PlanRecord(PLAN, passed=True),)
        assert of(commands.Save, now.commands) == [commands.Save(now.m.state)]
    plain = turn(lives=True, seen=seen())
    act("wait", plain)
    assert plain.m.state == SAME_DATA


# -- staging -------------------------------------------------------------------------------------------------

SCHEDULED = replace(SAME_DATA, schedule=(ScheduleEntry(LATER, V3),))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"seen": seen(None)}, []),
        ({"seen": seen(ready=False)}, [PLAN]),
        ({"seen": seen(ready=True)}, []),
        ({"seen": seen(None, ready=False), "state": replace(SAME_DATA, known_plan=LATER)}, [LATER]),
        ({"seen": seen(None, ready=False), "state": SCHEDULED}, [LATER]),
        ({"seen": seen(ready=False), "state": SCHEDULED}, [PLAN]),
        ({"seen": seen(ready=False, b=exact(H + 1))}, []),
        (
            {
                "seen": seen(ready=False),
                "state": replace(SCHEDULED, records=(PlanRecord(PLAN, passed=True),)),
            },
            [LATER],
        ),
    ],
)
def test_the_next_binary_is_staged_as_soon_as_its_plan_is_known(
    given: dict[str, Any], expected: list[Plan]
) -> None:
    now = turn(lives=True, **given)
    act("wait", now)
    assert of(commands.Stage, now.commands) == [commands.Stage(plan, urgent=False) for plan in expected]


@pytest.mark.parametrize(("urgent", "pause"), [(True, STAGE_URGENT), (False, STAGE_AGAIN)])
def test_staging_is_asked_for_again_only_after_a_while(urgent: bool, pause: float) -> None:
    def asked(last: tuple[Plan, float] | None) -> bool:
        now = turn(staging=last)
        acting.stage(now, PLAN, urgent=urgent)
        assert now.m.staging == ((PLAN, NOW) if now.commands else last)
        assert now.commands in ([], [commands.Stage(PLAN, urgent)])
        return bool(now.commands)

    assert asked(None)
    assert asked((LATER, NOW))
    assert asked((PLAN, NOW - pause))
    assert not asked((PLAN, NOW - pause + 0.1))
    assert (STAGE_URGENT, STAGE_AGAIN) == (5.0, 300.0)


# -- due -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("do", ["upgrade", "hold"])
def test_a_halt_is_saved_with_its_evidence_before_anything_else(do: str, proven: bool) -> None:
    now = turn(lives=True, seen=seen(ready=False))
    assert not act(do, now, plan=PLAN, version=V2, proven=proven)
    first = now.commands[0]
    assert isinstance(first, commands.Save)
    assert first.state.records == (PlanRecord(PLAN, halt_seen=True, inferred=not proven),)


@pytest.mark.parametrize("do", ["upgrade", "hold", "arm again"])
def test_a_decision_about_no_plan_changes_no_record(do: Any) -> None:
    now = turn(lives=True)
    act(do, now)
    assert now.m.state == SAME_DATA
    assert of(commands.Stage, now.commands) == []


def test_an_upgrade_asks_the_node_to_stop_and_remembers_its_goal() -> None:
    now = turn(lives=True, after_exit=True)
    act("upgrade", now, plan=PLAN, version=V2)
    assert (now.m.phase, now.m.why, now.m.after_exit) == ("stopping", "upgrade", False)
    assert now.m.goal is not None
    assert (now.m.goal.plan, now.m.goal.version) == (PLAN, V2)


def test_a_hold_under_a_living_node_has_no_limit_and_is_asked_again_each_second() -> None:
    now = turn(lives=True, seen=seen(ready=False), after_exit=True, give_up_at=NOW + 1.0)
    act("hold", now, plan=PLAN, version=V2)
    assert (now.m.phase, now.m.waiting, now.m.next_at) == ("holding", "reason", NOW + 1.0)
    assert (now.m.give_up_at, now.m.after_exit) == (NEVER, False)
    assert of(commands.Stage, now.commands) == [commands.Stage(PLAN, urgent=True)]
    assert of(commands.SignalNode, now.commands) == []


def test_a_hold_without_a_node_ends_at_a_limit_that_does_not_move() -> None:
    now = turn(policy={"hold_limit": 600.0})
    act("hold", now, plan=PLAN, version=V2)
    assert now.m.give_up_at == NOW + 600.0
    later = Turn(now.m, NOW + 50.0)
    act("hold", later, plan=PLAN, version=V2)
    assert later.m.give_up_at == NOW + 600.0


def test_the_old_way_of_a_missing_binary_is_said_and_stages_nothing() -> None:
    now = turn(lives=True, policy={"exit_on_missing": True})
    act("hold", now, plan=PLAN, version=V2)
    assert (now.m.phase, now.m.why, levels(now.commands)) == ("stopping", "missing", ["error"])
    assert of(commands.Stage, now.commands) == []
    dead = turn(policy={"exit_on_missing": True})
    act("hold", dead, plan=PLAN, version=V2)
    assert of(commands.Exit, dead.commands) == [commands.Exit(1)]


def test_going_back_stops_the_node_first() -> None:
    now = turn(lives=True, after_exit=True)
    assert not act("go back", now, plan=PLAN, version=V1, proven=False)
    assert (now.m.phase, now.m.why, now.m.after_exit) == ("stopping", "go back", False)


def test_a_program_that_halts_before_its_height_is_armed_again_and_that_is_remembered() -> None:
    state = replace(SAME_DATA, schedule=(ScheduleEntry(PLAN, V2, exact=True),))
    alive = turn(lives=True, state=state, after_exit=True)
    assert not act("arm again", alive, plan=PLAN)
    assert alive.m.state == state, "it is remembered when the node has gone"
    assert (alive.m.phase, alive.m.why, alive.m.after_exit) == ("stopping", "arm again", False)
    dead = turn(state=state, after_exit=True)
    assert act("arm again", dead, plan=PLAN), "the table is asked again at once"
    assert dead.m.state.schedule[0].halts_before
    assert not dead.m.after_exit


# -- an ordinary exit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "level"), [(0, "info"), (1, "warn"), (137, "warn")])
def test_an_ordinary_exit_is_told_saved_and_passed_on(status: int, level: str) -> None:
    now = turn(status=status, run=begun(status=status), after_exit=True)
    assert not act("exit", now, passed=PLAN)
    assert [type(one) for one in now.commands] == [commands.Save, commands.Say, commands.Exit]
    assert (levels(now.commands), now.commands[-1]) == ([level], commands.Exit(status))
    assert now.commands[1] == commands.Say(level, ended(status)[0], fix=ended(status)[1])
    assert now.m.state.records == (PlanRecord(PLAN, passed=True),)
    assert not now.m.after_exit


@pytest.mark.parametrize("stage", ["switched", "pre-upgraded"])
def test_an_exit_of_the_new_program_makes_the_next_launch_not_the_first(stage: str) -> None:
    state = replace(SAME_DATA, records=(switched(stage),))
    now = turn(state=state, run=begun(V2, exited_at=NOW))
    act("exit", now)
    assert [one.launched for one in now.m.state.records] == [True]
    other = turn(state=state, run=begun(V1, exited_at=NOW))
    act("exit", other)
    assert [one.launched for one in other.m.state.records] == [False]
    proven = turn(state=replace(SAME_DATA, records=(switched("proven"),)), run=begun(V2, exited_at=NOW))
    act("exit", proven)
    assert [one.launched for one in proven.m.state.records] == [False]


@pytest.mark.parametrize(
    ("status", "more", "launched"),
    [
        (-9, {}, False),
        (-1, {}, False),
        (-9, {"ever_up": True}, True),
        (-9, {"progressed": True}, True),
        (0, {}, True),
        (1, {}, True),
        (137, {}, True),
        (None, {}, True),
    ],
)
def test_a_launch_that_is_killed_before_it_was_up_has_told_nothing(
    status: int | None, more: dict[str, Any], launched: bool
) -> None:
    last = begun(V2, exited_at=NOW, status=status, **more)
    now = turn(state=replace(SAME_DATA, records=(switched(),)), run=last)
    act("exit", now)
    assert [one.launched for one in now.m.state.records] == [launched]


@pytest.mark.parametrize(
    ("failures", "run", "pause", "counted"),
    [
        (0, begun(), 1.0, 1),
        (1, begun(), 2.0, 2),
        (5, begun(), 32.0, 6),
        (6, begun(), 60.0, 7),
        (5, begun(progressed=True), 1.0, 1),
        (5, None, 1.0, 1),
    ],
)
def test_a_restart_waits_twice_as_long_each_time_until_a_run_has_made_progress(
    failures: int, run: Any, pause: float, counted: int
) -> None:
    now = turn(policy={"restart": True}, failures=failures, run=run, status=3)
    act("exit", now)
    assert (now.m.phase, now.m.next_at, now.m.failures) == ("back-off", NOW + pause, counted)
    assert now.m.waiting == "the next start of the node"
    assert levels(now.commands) == ["warn"]


# -- launching -----------------------------------------------------------------------------------------------


def test_a_launch_begins_a_run_and_starts_the_program_after_the_save() -> None:
    now = turn(
        seen=look(b=exact(9)),
        after_exit=True,
        give_up_at=1.0,
        next_at=1.0,
        why="upgrade",
        goal=Decision("upgrade", "", ""),
        run=begun(V3),
    )
    assert not act("launch", now, version=V2, passed=PLAN)
    assert [type(one) for one in now.commands] == [commands.Save, commands.Spawn]
    assert now.commands[-1] == commands.Spawn(V2, 0)
    assert now.m.run == begun(V2, NOW, exact(9))
    assert (now.m.phase, now.m.waiting) == ("launching", "the start of the node's program")
    assert (now.m.after_exit, now.m.give_up_at, now.m.next_at, now.m.why, now.m.goal) == (
        False,
        NEVER,
        NEVER,
        "",
        None,
    )
    assert now.m.state.records == (PlanRecord(PLAN, passed=True),)


@pytest.mark.parametrize(
    ("record", "first"),
    [
        (switched("switched"), True),
        (switched("pre-upgraded"), True),
        (switched("proven"), False),
        (switched("pre-upgraded", launched=True), False),
        (PlanRecord(PLAN, V3, "pre-upgraded"), False),
    ],
)
def test_only_the_first_launch_after_a_switch_is_a_first_one(record: PlanRecord, first: bool) -> None:
    now = turn(state=replace(SAME_DATA, records=(record,)))
    act("launch", now, version=V2)
    assert now.m.run is not None
    assert now.m.run.first_launch is first


def test_an_exact_entry_arms_the_launch() -> None:
    now = turn(state=replace(SAME_DATA, schedule=(ScheduleEntry(PLAN, V2, exact=True),)))
    act("launch", now, version=V1)
    assert now.commands[-1] == commands.Spawn(V1, H - 1)
    assert now.m.run is not None
    assert now.m.run.armed == H - 1


SIGNED = replace(SAME_DATA, sign_states=(SignState("chain-1", "key", 50, 0, 1),))


def test_a_sign_state_that_has_fallen_refuses_the_launch_unless_the_gate_is_off() -> None:
    at_stake = {"seen": look(sign_key=("chain-1", "key")), "state": SIGNED}
    now = turn(**at_stake)
    act("launch", now, version=V1)
    assert of(commands.Spawn, now.commands) == []
    assert levels(now.commands) == ["error"]
    assert now.commands[-1] == commands.Exit(1)
    assert now.m.decision is not None
    assert now.m.decision.row == "sign-state"
    off = turn(**at_stake, policy={"sign_gate": False})
    act("launch", off, version=V1)
    assert of(commands.Spawn, off.commands) == [commands.Spawn(V1)]


@pytest.mark.parametrize("field", ["version", "seen"])
def test_a_launch_of_nothing_is_a_defect_and_no_start(field: str) -> None:
    now = turn()
    facts = now.facts()
    version = V1 if field == "seen" else None
    if field == "seen":
        now.set(seen=None)
    with pytest.raises(AssertionError):
        acting._launch(now, Decision("launch", "row", "reason", version=version), facts)


def test_a_refusal_ends_the_supervisor_but_never_touches_a_living_node() -> None:
    dead = turn()
    assert not act("refuse", dead)
    assert dead.commands == [commands.Save(SAME_DATA), commands.Exit(1)]
    alive = turn(lives=True, phase="starting")
    assert not act("refuse", alive)
    assert (alive.m.phase, alive.m.waiting, alive.m.next_at) == ("running", "", NOW + 5.0)
    assert alive.commands == []


# -- steps that were cut -------------------------------------------------------------------------------------


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("proven", [True, False])
def test_pre_upgrade_runs_again_as_a_step_with_what_is_known(ready: bool, proven: bool) -> None:
    now = turn(seen=seen(ready=ready, at=77.0), state=replace(SAME_DATA, records=(switched("switched"),)))
    assert not act("pre-upgrade", now, plan=PLAN, version=V2, proven=proven)
    step = Step(
        "pre-upgrade", PLAN, V2, V1, inferred=not proven, since=77.0, staged=staged() if ready else None
    )
    assert of(commands.RunStep, now.commands) == [commands.RunStep(step)]
    assert (now.m.phase, now.m.state.step) == ("pre-upgrade", step)


@pytest.mark.parametrize("missing", ["plan", "version"])
def test_pre_upgrade_needs_a_plan_and_a_version(missing: str) -> None:
    now = turn()
    assert not act("pre-upgrade", now, **{"plan": PLAN, "version": V2, missing: None})
    assert now.commands == []


def test_a_step_is_resumed_with_its_first_attempt() -> None:
    step = Step("pre-upgrade", PLAN, V2, V1, attempt=3)
    now = turn(state=replace(SAME_DATA, step=step))
    assert not act("resume", now)
    assert of(commands.RunStep, now.commands) == [commands.RunStep(replace(step, attempt=1))]
    nothing = turn()
    assert not act("resume", nothing)
    assert nothing.commands == []


# -- failures ------------------------------------------------------------------------------------------------


def failed(what: str, **more: Any) -> events.Failed:
    return events.Failed(NOW, what, "no space left", "free some", **more)


@pytest.mark.parametrize("phase", ["starting", "backup", "script", "pre-upgrade", "running"])
def test_staging_that_fails_is_told_and_changes_nothing(phase: str) -> None:
    before = machine(lives=phase == "running", phase=phase)
    found, asked = after(before, failed("stage"))
    assert levels(asked) == ["error"]
    assert (found.phase, found.failures, len(asked)) == (phase, 0, 1)


@pytest.mark.parametrize("phase", ["backup", "script", "pre-upgrade"])
def test_file_work_that_fails_beside_a_long_step_leaves_it_alone_but_a_save_has_dropped_it(
    phase: str,
) -> None:
    found, asked = after(machine(phase=phase), failed("write file"))
    assert (found.phase, found.failures, levels(asked)) == (phase, 0, ["error"])
    found, _ = after(machine(phase=phase), failed("save"))
    assert (found.phase, found.failures, found.unsaved) == ("back-off", 1, True)


def test_a_living_node_is_left_alone_when_something_fails() -> None:
    before = machine(
        lives=True,
        phase="stopping",
        kill_at=NOW,
        why="upgrade",
        goal=Decision("upgrade", "", ""),
        undoing=True,
    )
    found, asked = after(before, failed("save"))
    assert (found.phase, found.waiting, found.next_at) == ("running", "no space left", NOW + 5.0)
    assert (found.kill_at, found.why, found.goal, found.undoing, found.unsaved) == (
        NEVER,
        "",
        None,
        False,
        True,
    )
    assert levels(asked) == ["error"]
    other, _ = after(replace(before, undoing=True), failed("write file"))
    assert not other.unsaved
    kept, _ = after(replace(before, unsaved=True), failed("write file"))
    assert kept.unsaved


def test_a_node_that_is_being_stopped_for_good_is_not_taken_up_again_by_a_failure() -> None:
    before = machine(lives=True, phase="stopping", why="end", signals=1, kill_at=NOW + 9.0)
    found, _ = after(before, failed("save"))
    assert (found.phase, found.why, found.kill_at) == ("stopping", "end", NOW + 9.0)


HALT = replace(SAME_DATA, records=(PlanRecord(PLAN, halt_seen=True),))
CUT = replace(SAME_DATA, step=Step("switch", PLAN, V2, V1))


@pytest.mark.parametrize(
    ("fields", "over"),
    [
        ({}, False),
        ({"failures": 1}, False),
        ({"failures": 2}, True),
        ({"failures": 2, "state": HALT}, False),
        ({"failures": 2, "state": CUT}, False),
        ({"failures": 2, "state": replace(SAME_DATA, records=(switched(halt_seen=True),))}, True),
        ({"failures": 2, "state": replace(SAME_DATA, records=(PlanRecord(PLAN, passed=True),))}, True),
        (
            {"failures": 2, "state": replace(HALT, records=(replace(HALT.records[0], passed=True),))},
            True,
        ),
        ({"failures": 2, "state": replace(SAME_DATA, records=(PlanRecord(PLAN, gone_back=True),))}, True),
        ({"signals": 1}, True),
    ],
)
def test_without_a_node_a_failure_is_tried_again_three_times_and_in_an_upgrade_until_the_hold_limit(
    fields: dict[str, Any], over: bool
) -> None:
    found, asked = after(machine(phase="starting", run=begun(), **fields), failed("spawn"))
    assert of(commands.Exit, asked) == ([commands.Exit(1)] if over else [])
    assert found.phase == ("ending" if over else "back-off")
    assert found.failures == fields.get("failures", 0) + 1
    if not over:
        assert (found.run, found.failing_since) == (None, NOW)


@pytest.mark.parametrize(("failures", "pause"), [(0, 1.0), (1, 2.0), (5, 32.0), (6, 60.0), (20, 60.0)])
def test_each_try_after_a_failure_waits_twice_as_long_and_at_most_a_minute(
    failures: int, pause: float
) -> None:
    found, _ = after(machine(phase="starting", state=CUT, failures=failures), failed("spawn"))
    assert found.next_at == NOW + pause


def test_what_cannot_be_helped_by_another_try_ends_at_once() -> None:
    _, asked = after(machine(phase="starting", state=CUT), failed("spawn", retry=False))
    assert of(commands.Exit, asked) == [commands.Exit(1)]


# -- which table ---------------------------------------------------------------------------------------------


def test_the_tables_are_asked_by_what_the_node_does() -> None:
    play = Play().write_plan()
    play.heights(H, H - 1)
    seen_at_halt = look(play, link=V2_LINK)
    waiting = turn(lives=True, seen=seen_at_halt, state=SPAWNED)
    acting.decide(waiting)
    assert waiting.m.decision is not None
    gone = turn(
        seen=seen_at_halt, state=SPAWNED, after_exit=True, run=begun(exited_at=NOW, started_at=NOW - 500.0)
    )
    acting.decide(gone)
    started = turn(seen=seen_at_halt, state=SPAWNED, after_exit=False)
    acting.decide(started)
    other = turn(seen=seen_at_halt, after_exit=True, state=replace(SAME_DATA, data=None))
    acting.decide(other)
    rows = [one.m.decision.row for one in (waiting, gone, started) if one.m.decision is not None]
    assert rows == ["at H, fresh", "fresh, at H", "marker missing"]
    said = of(commands.Say, other.commands)
    assert said[0].row == "no record", "a node that ended on data without a record is a start"


def test_heights_of_other_data_are_not_remembered() -> None:
    there = look(b=exact(9))
    mine = turn(lives=True, seen=there)
    acting.decide(mine)
    assert mine.m.state.b.height == 9
    other = turn(lives=True, seen=replace(there, data=replace(DATA, data=replace(FOLDER, inode=2))))
    acting.decide(other)
    assert other.m.state == SAME_DATA


def test_tables_that_come_to_no_end_are_a_defect_that_ends_the_supervisor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rounds = []

    def again(*given: Any) -> bool:
        rounds.append(given)
        return True

    monkeypatch.setitem(acting._ACTIONS, "launch", again)
    now = turn()
    acting.decide(now)
    assert len(rounds) == 4
    assert (levels(now.commands)[-1], now.commands[-1]) == ("error", commands.Exit(1))


def test_a_conflict_that_has_gone_is_not_told_and_may_be_told_again() -> None:
    now = turn(lives=True, conflict="the operator and the chain")
    act("wait", now)
    assert (levels(now.commands), now.m.conflict) == ([], "")
