"""The order of an upgrade, step by step, each from what was journalled before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V1, V2, V3, H, exact, staged, switched
from tests.support.playbook import Play
from tests.support.turns import NOW, SAME_DATA, after, begun, levels, look, machine, of, turn

from cosmovisor.decide import commands, events, steps
from cosmovisor.decide.turn import NEVER, Turn
from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import Link, Prospect
from cosmovisor.model.plan import Version
from cosmovisor.model.receipts import BackupReceipt, BackupWaived, NodeStopped, NotStaged
from cosmovisor.model.state import MAX_BACKUPS, Applied, Backup, PlanRecord, ScheduleEntry, Step
from cosmovisor.model.value import replace

UPGRADE = Decision("upgrade", "at H, fresh", "reason", PLAN, V2)
BACK = Decision("go back", "back: ended below H-1", "reason", PLAN, V1, proven=False)
STOPPED = NodeStopped(NOW)
TAKEN = BackupReceipt("/b", "copy", 1, 1.0)
STEP = Step("backup", PLAN, V2, V1, since=70.0, staged=staged(), stopped=STOPPED)


def seen(*, ready: bool = True, **changes: Any) -> Any:
    told = staged() if ready else NotStaged("not there", "put it there")
    return look(Play().write_plan(), **{"prospects": (Prospect(PLAN, V2, told),), "at": 77.0, **changes})


def run(asked: list[Any]) -> list[Step]:
    return [one.step for one in of(commands.RunStep, asked)]


def questions(asked: list[Any]) -> list[str]:
    return [one.heights for one in of(commands.GatherFacts, asked)]


def done(step: Step, receipt: Any = None, **fields: Any) -> tuple[Any, list[Any]]:
    """What follows when the step in flight has succeeded."""
    fields = {"state": replace(SAME_DATA, step=step), "phase": steps._PHASES[step.kind], **fields}
    return after(machine(**{"seen": seen(), **fields}), events.Done(NOW, step.kind, receipt))


# -- the stop ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proven", "row", "setting", "grace"),
    [
        (True, "at H, fresh", None, 10.0),
        (False, "at H, fresh", None, 60.0),
        (False, "silent, log at H", None, 10.0),
        (True, "schedule", None, 60.0),
        (True, "schedule, exact", None, 60.0),
        (True, "above H, ahead", None, 60.0),
        (True, "at H, fresh", 3.0, 3.0),
        (False, "schedule", 0.0, 0.0),
    ],
)
def test_a_node_at_a_proven_halt_gets_a_short_grace_and_one_that_may_work_a_patient_one(
    proven: bool, row: str, setting: float | None, grace: float
) -> None:
    now = turn(lives=True, policy={"shutdown_grace": setting}, give_up_at=1.0, next_at=1.0)
    decision = replace(UPGRADE, proven=proven, row=row)
    steps.stop_for(now, decision, "upgrade")
    assert (now.m.phase, now.m.waiting) == ("stopping", "the end of the node, for upgrade")
    assert (now.m.kill_at, now.m.next_at, now.m.give_up_at) == (NOW + grace, NEVER, NEVER)
    assert (now.m.why, now.m.goal) == ("upgrade", decision)
    assert now.commands == [commands.SignalNode("TERM")]


def test_a_stop_for_the_end_says_so() -> None:
    now = turn(lives=True)
    steps.stop_for(now, UPGRADE, "")
    assert now.m.waiting == "the end of the node, for the end"


def stopped(**fields: Any) -> Turn:
    now = turn(**{"phase": "stopping", "stopped": STOPPED, "seen": seen(), **fields})
    steps.after_stop(now)
    return now


@pytest.mark.parametrize("why", ["upgrade", "go back", "missing", "orphan", "", "end"])
def test_where_the_operator_wants_the_end_nothing_new_is_started_and_the_document_is_saved(why: Any) -> None:
    for fields in ({"why": why, "signals": 1}, {"why": "end"}):
        now = stopped(goal=UPGRADE, status=3, **fields)
        assert now.commands == [commands.Save(SAME_DATA), commands.Exit(3)]
        assert now.m.phase == "ending"


def test_a_node_that_was_stopped_for_a_missing_binary_ends_the_supervisor_with_1() -> None:
    assert stopped(why="missing", goal=UPGRADE).commands == [commands.Exit(1)]


@pytest.mark.parametrize(
    ("why", "goal"),
    [
        ("orphan", None),
        ("arm again", UPGRADE),
        ("upgrade", None),
        ("upgrade", replace(UPGRADE, plan=None)),
        ("upgrade", replace(UPGRADE, version=None)),
        ("go back", None),
        ("go back", replace(BACK, plan=None)),
        ("go back", replace(BACK, version=None)),
    ],
)
def test_after_any_other_stop_the_tables_are_asked_as_at_a_start(why: Any, goal: Decision | None) -> None:
    now = stopped(why=why, goal=goal, run=begun(), asks=1)
    assert (now.m.phase, now.m.waiting, now.m.why, now.m.run) == ("starting", "what is on disk", "", None)
    assert (questions(now.commands), now.m.drop) == (["all"], 1)


def test_how_a_program_halts_is_remembered_when_it_has_gone_to_be_armed_again() -> None:
    entry = ScheduleEntry(PLAN, V2, exact=True)
    state = replace(SAME_DATA, schedule=(entry,))
    now = stopped(why="arm again", goal=UPGRADE, run=begun(), state=state)
    assert now.m.state.schedule == (replace(entry, halts_before=True),)
    assert of(commands.Save, now.commands) == [commands.Save(now.m.state)]
    for why, goal in (("orphan", UPGRADE), ("arm again", None), ("arm again", replace(UPGRADE, plan=None))):
        assert stopped(why=why, goal=goal, run=begun(), state=state).m.state == state


@pytest.mark.parametrize("version", [V2, V3])
def test_going_back_is_a_step_whose_version_is_the_one_that_is_left(version: Version) -> None:
    record = PlanRecord(PLAN, version, "switched", back_to=V1)
    now = stopped(why="go back", goal=BACK, state=replace(SAME_DATA, records=(record,)))
    assert run(now.commands) == [Step("go back", PLAN, version, V1, inferred=True, since=77.0)]
    assert now.m.phase == "switching"
    bare = stopped(why="go back", goal=BACK)
    assert run(bare.commands) == [Step("go back", PLAN, V1, V1, inferred=True, since=77.0)]


# -- the first step ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "back_to"),
    [
        (Link("genesis", V1), V1),
        (Link("version", V3), V3),
        (Link("dangling", V3), None),
        (Link("missing"), None),
        (Link("foreign"), None),
    ],
)
@pytest.mark.parametrize("proven", [True, False])
def test_an_upgrade_begins_with_the_backup_and_the_version_to_go_back_to(
    link: Link, back_to: Version | None, proven: bool
) -> None:
    now = stopped(why="upgrade", goal=replace(UPGRADE, proven=proven), seen=seen(link=link))
    step = replace(STEP, back_to=back_to, inferred=not proven, since=77.0)
    assert now.commands == [commands.Save(replace(SAME_DATA, step=step)), commands.RunStep(step)]
    assert (now.m.phase, now.m.waiting) == ("backup", 'the step backup for plan "v2" for height 100')


@pytest.mark.parametrize(("script", "kind"), [(False, "switch"), (True, "script")])
def test_a_waived_backup_is_left_out_and_the_receipt_says_by_what(script: bool, kind: Any) -> None:
    policy = {"backup_waived": "COSMOVISOR_BACKUP=off", "script": script}
    now = stopped(why="upgrade", goal=UPGRADE, policy=policy)
    waived = BackupWaived("COSMOVISOR_BACKUP=off")
    assert run(now.commands) == [replace(STEP, kind=kind, since=77.0, backup=waived)]


def test_a_binary_that_has_gone_meanwhile_sends_the_upgrade_back_to_the_tables() -> None:
    now = stopped(why="upgrade", goal=UPGRADE, seen=seen(ready=False))
    assert (run(now.commands), now.m.phase, questions(now.commands)) == ([], "starting", ["all"])


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("backup", "backup"),
        ("script", "script"),
        ("switch", "switching"),
        ("pre-upgrade", "pre-upgrade"),
        ("go back", "switching"),
    ],
)
def test_each_step_is_saved_before_it_runs_and_has_its_phase(kind: Any, phase: str) -> None:
    now = turn(next_at=1.0, give_up_at=1.0)
    step = replace(STEP, kind=kind)
    steps.run_step(now, step)
    assert now.commands == [commands.Save(replace(SAME_DATA, step=step)), commands.RunStep(step)]
    assert (now.m.phase, now.m.next_at, now.m.give_up_at) == (phase, NEVER, NEVER)


# -- from step to step ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "kind"), [(False, "switch"), (True, "script")])
@pytest.mark.parametrize("receipt", [TAKEN, BackupWaived("x")])
def test_after_the_backup_comes_the_script_if_there_is_one_else_the_switch(
    script: bool, kind: Any, receipt: Any
) -> None:
    found, asked = done(replace(STEP, attempt=4), receipt, policy={"script": script})
    assert run(asked) == [replace(STEP, kind=kind, backup=receipt, attempt=1)]
    assert found.state.backups == ((Backup(PLAN, TAKEN, 77.0),) if receipt is TAKEN else ())
    assert of(commands.Save, asked)[-1].state == found.state


def test_the_list_of_backups_is_bounded_and_the_oldest_falls_out() -> None:
    old = tuple(Backup(PLAN, TAKEN, float(at)) for at in range(MAX_BACKUPS))
    found, _ = done(STEP, TAKEN, state=replace(SAME_DATA, step=STEP, backups=old))
    assert found.state.backups == (*old[1:], Backup(PLAN, TAKEN, 77.0))


def test_after_the_script_comes_the_switch_with_its_first_attempt() -> None:
    _, asked = done(replace(STEP, kind="script", attempt=3))
    assert run(asked) == [replace(STEP, kind="switch", attempt=1)]


@pytest.mark.parametrize("inferred", [True, False])
def test_after_the_switch_it_is_journalled_and_pre_upgrade_runs(inferred: bool) -> None:
    step = replace(STEP, kind="switch", inferred=inferred, attempt=2)
    found, asked = done(step)
    assert found.state.records == (PlanRecord(PLAN, V2, "switched", inferred=inferred, back_to=V1),)
    assert found.state.history == (Applied(PLAN, V2, 77.0, proven=not inferred),)
    assert run(asked) == [replace(step, kind="pre-upgrade", attempt=1)]
    assert of(commands.Save, asked)[-1].state == found.state


def test_a_binary_without_pre_upgrade_is_in_place_after_the_switch() -> None:
    step = replace(STEP, kind="switch", staged=staged(no_pre_upgrade=True))
    found, asked = done(step)
    assert (run(asked), [one.stage for one in found.state.records]) == ([], ["pre-upgraded"])
    assert (found.state.step, questions(asked)) == (None, ["no"])
    _, asked = done(replace(step, staged=None))
    assert [one.kind for one in run(asked)] == ["pre-upgrade"], "what is not known is asked"


def test_a_stop_that_came_during_the_switch_ends_before_pre_upgrade_which_is_journalled() -> None:
    found, asked = done(replace(STEP, kind="switch", attempt=2), signals=1)
    assert found.state.step == replace(STEP, kind="pre-upgrade", attempt=1)
    assert [type(one) for one in asked] == [commands.Save, commands.Exit]
    assert asked[-1] == commands.Exit(0)


@pytest.mark.parametrize("kind", ["backup", "script"])
def test_a_stop_that_came_during_a_long_step_ends_with_the_step_in_the_journal(kind: Any) -> None:
    step = replace(STEP, kind=kind)
    found, asked = done(step, TAKEN, signals=1)
    assert (asked, found.state.step) == ([commands.Exit(0)], step)


def test_after_pre_upgrade_everything_is_in_place_and_its_entry_leaves_the_schedule() -> None:
    step = replace(STEP, kind="pre-upgrade")
    entries = (ScheduleEntry(PLAN, V2), ScheduleEntry(LATER, V3))
    state = replace(SAME_DATA, step=step, records=(switched("switched"),), schedule=entries)
    found, asked = done(step, state=state, run=begun(), why="upgrade", goal=UPGRADE)
    assert (found.state.step, found.state.schedule) == (None, (entries[1],))
    assert found.state.records == (switched("pre-upgraded"),)
    assert (found.phase, found.waiting) == ("starting", "the facts before the launch")
    assert (found.run, found.why, found.goal) == (None, "", None)
    assert (questions(asked), levels(asked)) == (["no"], ["info"])
    assert asked[0] == commands.Save(found.state)


def test_where_no_restart_is_wanted_the_supervisor_ends_with_0_and_says_so() -> None:
    found, asked = done(replace(STEP, kind="pre-upgrade"), policy={"restart_after_upgrade": False})
    assert (found.phase, asked[-1], levels(asked)) == ("ending", commands.Exit(0), ["info", "info"])


def test_a_stop_that_came_during_pre_upgrade_starts_no_node() -> None:
    found, asked = done(replace(STEP, kind="pre-upgrade"), signals=1)
    assert (found.phase, asked[-1], questions(asked)) == ("ending", commands.Exit(0), [])


@pytest.mark.parametrize("delay", [30.0, 0.5])
def test_the_delay_of_the_operator_stands_between_the_stop_and_the_first_step(delay: float) -> None:
    policy = {"restart_delay": delay}
    now = stopped(why="upgrade", goal=UPGRADE, policy=policy)
    assert now.commands == []
    assert (now.m.phase, now.m.next_at, now.m.delayed) == ("back-off", NOW + delay, True)
    assert now.m.waiting == f"DAEMON_RESTART_DELAY of {delay:g} s"
    begun_late, asked = after(now.m, events.Tick(NOW + delay))
    assert [one.kind for one in run(asked)] == ["backup"]
    assert not begun_late.delayed
    back = stopped(why="go back", goal=BACK, policy=policy, state=replace(SAME_DATA, records=(switched(),)))
    assert [one.kind for one in run(back.commands)] == ["go back"], "only an upgrade is delayed"


def test_a_binary_that_vanishes_during_the_delay_ends_it() -> None:
    now = stopped(
        why="upgrade", goal=UPGRADE, delayed=True, seen=seen(ready=False), policy={"restart_delay": 30.0}
    )
    assert (run(now.commands), now.m.delayed) == ([], False), "a later back-off is not taken for the delay"


def test_a_back_off_of_a_failure_is_no_delay_of_the_operator() -> None:
    found, asked = after(
        machine(phase="back-off", next_at=NOW, goal=UPGRADE, why="upgrade"), events.Tick(NOW)
    )
    assert (found.phase, run(asked), questions(asked)) == ("starting", [], ["all"])


def test_the_delay_of_the_operator_is_over_when_the_steps_are() -> None:
    found, asked = done(replace(STEP, kind="pre-upgrade"), policy={"restart_delay": 30.0})
    assert (found.phase, found.next_at) == ("starting", NEVER)
    assert questions(asked) == ["no"]


def test_an_answer_that_is_on_its_way_is_too_old_for_the_launch() -> None:
    assert done(replace(STEP, kind="pre-upgrade"), asks=1)[0].drop == 1


def test_after_going_back_the_plan_is_taken_back_and_the_old_program_starts() -> None:
    step = replace(STEP, kind="go back")
    found, asked = done(step, state=replace(SAME_DATA, step=step, records=(switched(inferred=True),)))
    assert found.state.step is None
    assert found.state.records == (PlanRecord(PLAN, gone_back=True, back_to=V1),)
    assert found.state.history == (Applied(PLAN, V2, 77.0, proven=False, note="gone back"),)
    assert (asked[0], questions(asked)) == (commands.Save(found.state), ["no"])


@pytest.mark.parametrize("kind", ["backup", "pre-upgrade"])
def test_an_answer_to_a_step_that_is_not_in_flight_is_nothing(kind: Any) -> None:
    for step in (None, replace(STEP, kind="switch")):
        before = machine(state=replace(SAME_DATA, step=step), phase="switching")
        assert after(before, events.Done(NOW, kind, TAKEN))[1] == []


def test_before_anything_was_seen_the_time_of_a_step_is_not_known() -> None:
    step = replace(STEP, kind="go back")
    state = replace(SAME_DATA, step=step, records=(switched(),))
    found, _ = done(step, state=state, seen=None)
    assert [line.at for line in found.state.history] == [0.0]


# -- the plan file of a schedule -----------------------------------------------------------------------------

SCHEDULED = replace(SAME_DATA, step=replace(STEP, kind="switch"), schedule=(ScheduleEntry(PLAN, V2),))


def written(state: Any = SCHEDULED, **changes: Any) -> tuple[Any, list[Any]]:
    """The plan file that is written after the switch of a scheduled plan."""
    known = {"file": Play().file, "a": exact(H - 1), **changes}
    found, asked = done(state.step, state=state, seen=seen(**known))
    return found, [one.plan for one in of(commands.WriteFile, asked)]


def test_a_scheduled_program_finds_a_plan_file_of_the_next_height() -> None:
    found, plans = written()
    assert plans == [PLAN]
    assert [(one.plan, one.passed) for one in found.state.records] == [(PLAN, False)]
    found, plans = written(a=exact(H + 4))
    late = replace(PLAN, height=H + 5)
    assert plans == [late]
    assert found.state.records[-1] == PlanRecord(late, passed=True), "it is never due a second time"


def test_a_schedule_is_written_for_the_height_at_which_the_node_has_really_stopped() -> None:
    goal = Decision("upgrade", "schedule", "reason", PLAN, V2)
    before, asked = done(
        SCHEDULED.step,
        state=SCHEDULED,
        seen=seen(a=exact(H - 1)),
        goal=goal,
        asks=1,  # type: ignore[arg-type]
    )
    assert (run(asked), of(commands.WriteFile, asked), questions(asked)) == ([], [], ["all"])
    assert (before.phase, before.at_rest, before.drop) == ("switching", True, 1)
    assert before.waiting == "the heights that the stopped node has left"
    at_rest = replace(before, drop=0)
    found, asked = after(at_rest, events.FactsGathered(NOW, seen(file=Play().file, a=exact(H + 2))))
    assert [one.plan.height for one in of(commands.WriteFile, asked)] == [H + 3]
    assert (run(asked), found.at_rest, found.waiting) == ([], False, "the plan file of the schedule")
    _, asked = after(found, events.Done(NOW, "write file"))
    assert [one.kind for one in run(asked)] == ["pre-upgrade"]
    lost, asked = after(
        replace(at_rest, state=replace(before.state, step=None)), events.FactsGathered(NOW, seen())
    )
    assert (run(asked), lost.at_rest) == ([], False)


@pytest.mark.parametrize("goal", [None, UPGRADE, Decision("upgrade", "schedule, exact", "", PLAN, V2)])
def test_where_the_height_of_the_stop_is_known_no_look_is_needed(goal: Decision | None) -> None:
    found, asked = done(SCHEDULED.step, state=SCHEDULED, seen=seen(), goal=goal)  # type: ignore[arg-type]
    assert ([one.kind for one in run(asked)], found.at_rest, questions(asked)) == (["pre-upgrade"], False, [])


@pytest.mark.parametrize(
    ("orderly", "halts_before", "height"),
    [(True, False, H + 1), (False, False, H), (True, True, H), (False, True, H)],
)
def test_an_orderly_end_has_executed_what_was_saved_unless_the_program_halts_before(
    orderly: bool, halts_before: bool, height: int
) -> None:
    step = replace(STEP, kind="switch", stopped=replace(STOPPED, orderly=orderly))
    entry = ScheduleEntry(PLAN, V2, exact=True, halts_before=halts_before)
    state = replace(SAME_DATA, step=step, schedule=(entry,))
    assert [plan.height for plan in written(state, a=look().a, b=exact(H))[1]] == [height]


def test_without_a_schedule_or_a_height_no_plan_file_is_written() -> None:
    assert written(replace(SCHEDULED, schedule=()))[1] == []
    assert written(replace(SCHEDULED, schedule=(ScheduleEntry(LATER, V3),)))[1] == []
    assert written(replace(SCHEDULED, schedule=(ScheduleEntry(LATER, V3), *SCHEDULED.schedule)))[1] == [PLAN]
    found, plans = written(a=look().a, b=look().b)
    assert plans == []
    assert [one.plan for one in found.state.records] == [PLAN]


def test_the_plan_file_of_the_chain_is_the_chains_until_its_plan_is_settled() -> None:
    of_chain = Play().write_plan(LATER).file
    assert written(file=of_chain)[1] == []
    settled = replace(SCHEDULED, records=(PlanRecord(LATER, passed=True),))
    assert written(settled, file=of_chain)[1] == [PLAN]


def test_before_anything_was_seen_no_plan_file_is_written() -> None:
    _, asked = done(SCHEDULED.step, state=SCHEDULED, seen=None)  # type: ignore[arg-type]
    assert of(commands.WriteFile, asked) == []


# -- failures ------------------------------------------------------------------------------------------------


def fail(step: Step | None, what: str = "", **fields: Any) -> tuple[Any, list[Any]]:
    more = {key: fields.pop(key) for key in ("retry", "cancelled") if key in fields}
    event = events.Failed(NOW, what or (step or STEP).kind, "no space left", "free some", **more)
    fields = {"state": replace(SAME_DATA, step=step), "phase": "backup", **fields}
    return after(machine(**fields), event)


@pytest.mark.parametrize("fields", [{"cancelled": True}, {"signals": 1}])
@pytest.mark.parametrize("kind", ["backup", "script", "pre-upgrade"])
def test_a_step_that_was_ended_on_request_stays_in_the_journal_and_ends_with_0(
    kind: Any, fields: dict[str, Any]
) -> None:
    step = replace(STEP, kind=kind)
    found, asked = fail(step, **fields)
    assert (found.state.step, found.phase, asked[-1]) == (step, "ending", commands.Exit(0))
    assert levels(asked) == ["info"]


@pytest.mark.parametrize("kind", ["backup", "switch", "go back"])
def test_a_step_that_fails_is_tried_again_after_ten_seconds(kind: Any) -> None:
    step = replace(STEP, kind=kind)
    found, asked = fail(step)
    assert (found.phase, found.next_at, found.state.step) == ("back-off", NOW + 10.0, step)
    assert found.waiting == f"another try of the step {kind}: no space left"
    assert (levels(asked), asked[0].fix) == (["error"], "free some")


@pytest.mark.parametrize("kind", ["backup", "script", "switch", "pre-upgrade"])
def test_what_another_try_cannot_help_ends_with_1(kind: Any) -> None:
    found, asked = fail(replace(STEP, kind=kind), retry=False, policy={"pre_upgrade_tries": 9})
    assert (found.phase, asked[-1], levels(asked)) == ("ending", commands.Exit(1), ["error"])


def test_a_failure_of_no_step_ends_with_1() -> None:
    assert fail(None)[1][-1] == commands.Exit(1)


def test_a_script_that_fails_is_the_operators_and_is_not_tried_again() -> None:
    found, asked = fail(replace(STEP, kind="script"))
    assert (found.phase, asked[-1], levels(asked)) == ("ending", commands.Exit(1), ["error"])


@pytest.mark.parametrize(("attempt", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_pre_upgrade_is_tried_at_once_as_often_as_the_operator_allows(attempt: int, again: bool) -> None:
    step = replace(STEP, kind="pre-upgrade", attempt=attempt)
    _, asked = fail(step, policy={"pre_upgrade_tries": 3})
    if again:
        assert run(asked) == [replace(step, attempt=attempt + 1)]
        assert levels(asked) == ["error"]
    else:
        assert (run(asked), asked[-1], levels(asked)) == ([], commands.Exit(1), ["error", "error"])
