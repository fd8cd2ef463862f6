"""What each event makes of the machine, phase by phase."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import LATER, PLAN, V1, V2, V3, H, exact, staged
from tests.support.playbook import Play
from tests.support.turns import NOW, SAME_DATA, after, begun, levels, look, machine, of

from cosmovisor.decide import commands, events
from cosmovisor.decide.machine import advance, exit_status
from cosmovisor.decide.turn import NEVER
from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import SeenFile
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NodeStopped
from cosmovisor.model.state import MAX_STAGED, Applied, FileInstance, ScheduleEntry, SignState
from cosmovisor.model.value import replace

DECIDING = ["starting", "running", "holding"]
OTHERS = ["stopping", "backup", "script", "switching", "pre-upgrade", "launching", "back-off"]
STOPPED = NodeStopped(NOW)


def heights(asked: list[Any]) -> list[str]:
    """How the facts were asked for."""
    return [one.heights for one in of(commands.GatherFacts, asked)]


# -- the first event -----------------------------------------------------------------------------------------


def test_a_start_looks_at_everything_on_disk() -> None:
    found, asked = after(machine(seen=None), events.Started(NOW))
    assert (found.phase, found.waiting, heights(asked)) == ("starting", "what is on disk", ["all"])


@pytest.mark.parametrize(
    ("ours", "adopt", "level"), [(True, False, "info"), (True, True, "info"), (False, True, "warn")]
)
def test_a_node_that_is_kept_is_adopted_and_looked_at(ours: bool, adopt: bool, level: str) -> None:
    before = machine(seen=None, policy={"adopt_orphan": adopt})
    found, asked = after(before, events.OrphanFound(NOW, 77, V2, ours=ours))
    assert (found.phase, found.lives, heights(asked), levels(asked)) == ("running", True, ["all"], [level])
    assert found.run is not None
    assert (found.run.version, found.run.adopted, found.run.started_at) == (V2, True, NOW)
    assert not found.run.first_launch
    assert of(commands.SignalNode, asked) == []


@pytest.mark.parametrize(("grace", "kill_at"), [(None, NOW + 60.0), (3.0, NOW + 3.0), (0.0, NOW)])
def test_an_orphan_is_asked_to_stop_and_gets_a_patient_grace(grace: float | None, kill_at: float) -> None:
    before = machine(seen=None, policy={"shutdown_grace": grace})
    found, asked = after(before, events.OrphanFound(NOW, 77))
    assert (found.phase, found.why, found.kill_at, found.lives) == ("stopping", "orphan", kill_at, True)
    assert found.waiting == "the end of the node of an earlier supervisor"
    assert of(commands.SignalNode, asked) == [commands.SignalNode("TERM")]
    assert levels(asked) == ["warn"]
    gone, asked = after(found, events.NodeExited(NOW, None, STOPPED))
    assert (gone.phase, gone.why, gone.run, heights(asked)) == ("starting", "", None, ["all"])
    assert gone.waiting == "what is on disk"


# -- moments -------------------------------------------------------------------------------------------------


def test_a_node_that_was_asked_to_stop_is_killed_when_its_time_is_over_and_only_once() -> None:
    before = machine(lives=True, phase="stopping", kill_at=NOW)
    found, asked = after(before, events.Tick(NOW))
    assert (of(commands.KillNode, asked), levels(asked)) == ([commands.KillNode()], ["warn"])
    assert (found.kill_at, found.phase) == (NEVER, "stopping")
    _, asked = after(before, events.Tick(NOW - 0.1))
    assert asked == []


def test_a_hold_without_a_node_ends_with_75_when_its_time_is_over() -> None:
    before = machine(phase="holding", give_up_at=NOW, next_at=NOW, waiting="a binary")
    found, asked = after(before, events.Tick(NOW))
    assert (found.phase, of(commands.Exit, asked), levels(asked)) == (
        "ending",
        [commands.Exit(75)],
        ["error"],
    )
    assert heights(asked) == []
    found, asked = after(before, events.Tick(NOW - 0.1))
    assert (found.phase, asked) == ("holding", [])


@pytest.mark.parametrize("phase", DECIDING)
def test_at_the_next_look_the_facts_are_asked_for(phase: str) -> None:
    found, asked = after(machine(lives=True, phase=phase, next_at=NOW), events.Tick(NOW))
    assert len(heights(asked)) == 1
    assert found.next_at == NEVER
    _, asked = after(machine(lives=True, phase=phase, next_at=NOW + 0.1), events.Tick(NOW))
    assert heights(asked) == []


@pytest.mark.parametrize("phase", [one for one in OTHERS if one != "back-off"])
def test_nothing_is_looked_at_in_a_phase_that_decides_nothing(phase: str) -> None:
    found, asked = after(machine(phase=phase, next_at=NOW), events.Tick(NOW))
    assert (asked, found.phase, found.next_at) == ([], phase, NEVER)
    assert after(machine(phase=phase), events.Woken(NOW, "folders"))[1] == []


def test_a_delay_is_over_in_its_own_phase_only() -> None:
    found, asked = after(machine(lives=True, phase="running", delayed=True, next_at=NOW), events.Tick(NOW))
    assert (found.phase, len(heights(asked))) == ("running", 1)


def test_after_a_back_off_everything_is_looked_at_anew() -> None:
    found, asked = after(machine(phase="back-off", next_at=NOW, asks=1), events.Tick(NOW))
    assert (found.phase, found.drop, heights(asked)) == ("starting", 1, ["all"])


@pytest.mark.parametrize("phase", DECIDING)
def test_a_change_of_what_is_watched_is_looked_at_at_once(phase: str) -> None:
    idle = machine(lives=True, phase=phase, heights_at=NOW)
    _, asked = after(idle, events.Woken(NOW, "folders"))
    assert heights(asked) == ["quick"]
    if phase == "running":
        _, asked = after(replace(idle, next_at=NOW), events.Tick(NOW))
        assert heights(asked) == ["no"], "an idle machine leaves heights alone"


def test_a_moment_that_has_come_is_ordered_anew_where_it_is_still_awaited() -> None:
    play = Play().running()
    before = play.machine
    found, _ = after(replace(before, wake=NOW, next_at=NOW + 5.0), events.Tick(NOW))
    assert found.wake == NOW + 5.0


def test_a_tick_that_comes_too_early_is_ordered_again() -> None:
    before = machine(lives=True, next_at=NOW, wake=NOW)
    assert advance(before, events.Tick(NOW - 0.1))[1] == (commands.WakeAt(NOW),)


# -- answers -------------------------------------------------------------------------------------------------


def test_an_answer_of_another_moment_is_counted_and_dropped() -> None:
    before = machine(lives=True, asks=2, drop=1)
    found, asked = after(before, events.FactsGathered(NOW, look(b=exact(9))))
    assert (found.asks, found.drop, found.seen, asked) == (1, 0, before.seen, [])
    found, _ = after(found, events.FactsGathered(NOW, look(b=exact(9))))
    assert found.asks == 0
    assert found.seen is not None
    assert found.seen.b == exact(9)


@pytest.mark.parametrize("phase", OTHERS)
def test_a_phase_that_decides_nothing_only_remembers_what_was_seen(phase: str) -> None:
    before = machine(phase=phase, asks=1, again=True)
    found, asked = after(before, events.FactsGathered(NOW, look(b=exact(9))))
    assert (found.phase, asked) == (phase, [])
    assert found.seen == look(b=exact(9))


def test_what_is_seen_of_a_living_node_is_part_of_its_run_and_of_a_dead_one_not() -> None:
    seen = look(b=exact(9))
    alive, _ = after(machine(lives=True, asks=1), events.FactsGathered(NOW, seen))
    assert alive.run is not None
    assert (alive.run.b, alive.run.moved_at) == (9, NOW)
    dead, _ = after(machine(run=begun(), phase="stopping", asks=1), events.FactsGathered(NOW, seen))
    assert dead.run == begun()


@pytest.mark.parametrize("phase", DECIDING)
def test_what_was_reported_meanwhile_is_asked_for_after_the_answer(phase: str) -> None:
    before = machine(lives=True, phase=phase, asks=1, again=True, heights_at=NOW)
    found, asked = after(before, events.FactsGathered(NOW, look(b=exact(9))))
    assert (heights(asked), found.again, found.asks) == (["quick"], False, 1)
    quiet = replace(before, again=False)
    assert heights(after(quiet, events.FactsGathered(NOW, look(b=exact(9))))[1]) == []


def test_what_was_reported_meanwhile_is_asked_for_also_while_nothing_runs_or_a_binary_is_missing() -> None:
    play = Play().write_plan()
    play.ready = False
    play.heights(H, H - 1)
    state = replace(SAME_DATA, ever_spawned=True)
    before = machine(lives=True, state=state, asks=1, again=True)
    holding, asked = after(before, events.FactsGathered(NOW, look(play)))
    assert (holding.phase, len(heights(asked))) == ("holding", 1)
    half_written = look(file=SeenFile("incomplete", writer=True))
    starting, asked = after(machine(asks=1, again=True), events.FactsGathered(NOW, half_written))
    assert (starting.phase, len(heights(asked))) == ("starting", 1)


def test_the_plan_file_that_we_have_written_is_remembered_as_ours_at_the_next_look() -> None:
    seen = Play().write_plan().see(commands.GatherFacts((), node_lives=True))
    before = machine(lives=True, phase="stopping", asks=1, wrote=True)
    found, asked = after(before, events.FactsGathered(NOW, seen))
    assert found.state.written == FileInstance(7, 1)
    assert len(of(commands.Save, asked)) == 1
    assert not found.wrote
    untouched, _ = after(replace(before, wrote=False), events.FactsGathered(NOW, seen))
    assert untouched.state.written is None


# -- the node's life -----------------------------------------------------------------------------------------


def test_a_spawned_node_runs_from_this_moment_and_is_soon_looked_at() -> None:
    play = Play().write_plan()
    seen = play.see(commands.GatherFacts((), node_lives=True))
    before = machine(phase="launching", seen=seen, run=begun(), asks=1, policy={"poll": 5.0})
    found, asked = after(before, events.NodeSpawned(NOW, 42))
    assert found.run is not None
    assert (found.phase, found.waiting, found.lives, found.next_at) == ("running", "", True, NOW + 1.0)
    assert (found.run.started_at, found.run.moved_at, found.drop) == (NOW, NOW, 1)
    assert (found.state.spawned, found.state.ever_spawned) == (FileInstance(7, 1), True)
    assert of(commands.Save, asked) == [commands.Save(found.state)]
    blind, asked = after(replace(before, seen=None, run=None), events.NodeSpawned(NOW, 42))
    assert (blind.phase, blind.state, asked) == ("running", SAME_DATA, [])
    hasty, _ = after(replace(before, policy=replace(before.policy, poll=0.3)), events.NodeSpawned(NOW, 42))
    assert hasty.next_at == NOW + 0.3


@pytest.mark.parametrize(
    ("fields", "downtime"),
    [
        ({}, 7.5),
        ({"ended_at": NEVER}, 0.0),
        ({"ended_at": NOW + 1.0}, 0.0),
        ({"run": begun(V2)}, 0.0),
        ({"run": begun(V3, first_launch=True)}, 0.0),
        ({"run": None}, 0.0),
    ],
)
def test_the_first_launch_after_a_switch_tells_how_long_the_node_was_down(
    fields: dict[str, Any], downtime: float
) -> None:
    state = replace(SAME_DATA, history=(Applied(LATER, V2, 1.0), Applied(PLAN, V2, 2.0)))
    mine = {"run": begun(V2, first_launch=True), "ended_at": NOW - 7.5, **fields}
    before = machine(phase="launching", state=state, **mine)
    found, _ = after(before, events.NodeSpawned(NOW, 42))
    assert [line.downtime for line in found.state.history] == [0.0, downtime]
    assert found.ended_at == NEVER, "the next launch is another stop's"


@pytest.mark.parametrize(("phase", "saved"), [("stopping", True), ("running", False)])
def test_what_the_key_has_signed_is_saved_while_the_node_still_ends(phase: str, saved: bool) -> None:
    signed = SignState("chain-1", "key", 5, 0, 1)
    found, asked = after(machine(lives=True, phase=phase), events.SignStateRead(NOW, signed))
    assert found.state.sign_states == (signed,)
    assert of(commands.Save, asked) == ([commands.Save(found.state)] if saved else [])
    gone, asked = after(machine(phase=phase), events.SignStateRead(NOW, signed))
    assert (gone.state.sign_states, asked) == ((signed,), [])


def test_a_node_that_ends_by_itself_is_judged_by_what_it_left_on_disk() -> None:
    before = machine(lives=True, phase="running", asks=1, kill_at=NOW, next_at=NOW)
    found, asked = after(before, events.NodeExited(NOW, -9, STOPPED))
    assert found.run is not None
    assert (found.run.exited_at, found.run.status) == (NOW, -9)
    assert (found.lives, found.stopped, found.status, found.after_exit) == (False, STOPPED, 137, True)
    assert (found.kill_at, found.drop, found.phase) == (NEVER, 1, "starting")
    assert (found.next_at, found.ended_at) == (NEVER, NOW)
    assert found.waiting == "what the node has left on disk"
    assert heights(asked) == ["all"]
    unknown, _ = after(replace(before, run=None), events.NodeExited(NOW, 3, STOPPED))
    assert (unknown.run, unknown.status, unknown.lives) == (None, 3, False)


def test_the_sign_state_that_an_ended_node_left_is_taken_in() -> None:
    signed = SignState("chain-1", "key", 5, 0, 1)
    found, _ = after(machine(lives=True), events.NodeExited(NOW, 0, STOPPED, signed))
    assert found.state.sign_states == (signed,)
    older = replace(signed, height=4)
    assert after(replace(found, lives=True), events.NodeExited(NOW, 0, STOPPED, older))[
        0
    ].state.sign_states == (signed,)


@pytest.mark.parametrize(("status", "ours"), [(0, 0), (1, 1), (3, 3), (-1, 129), (-9, 137), (None, 1)])
def test_the_status_is_what_a_shell_would_make_of_it(status: int | None, ours: int) -> None:
    assert exit_status(status) == ours


# -- what is done --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["write file", "move file aside", "write marker", "activate"])
@pytest.mark.parametrize("phase", ["starting", "switching"])
def test_after_file_work_the_tables_are_asked_anew(what: str, phase: str) -> None:
    before = machine(phase=phase, asks=1, failures=2, failing_since=7.0)
    found, asked = after(before, events.Done(NOW, what))
    assert (found.phase, heights(asked), found.drop) == ("starting", ["all"], 1)
    assert (found.failures, found.failing_since) == (0, NEVER)
    assert found.wrote is (what == "write file")


@pytest.mark.parametrize("phase", ["running", "holding"])
def test_after_file_work_under_a_living_node_its_phase_goes_on(phase: str) -> None:
    found, asked = after(machine(lives=True, phase=phase), events.Done(NOW, "write file"))
    assert (found.phase, heights(asked), found.wrote) == (phase, ["quick"], True)


@pytest.mark.parametrize("phase", ["stopping", "backup", "script", "pre-upgrade", "launching", "back-off"])
def test_file_work_on_the_way_of_an_upgrade_does_not_turn_it(phase: str) -> None:
    found, asked = after(machine(phase=phase), events.Done(NOW, "write file"))
    assert (found.phase, asked, found.wrote) == (phase, [], True)
    again, _ = after(found, events.Done(NOW, "activate"))
    assert again.wrote


def torn(do: Any = "move file aside", plan: Plan | None = PLAN) -> Decision:
    return Decision(do, "row", "reason", plan)


def test_a_torn_file_that_was_moved_is_written_again_where_its_plan_is_known() -> None:
    _, asked = after(machine(decision=torn()), events.Done(NOW, "move file aside"))
    assert asked == [commands.WriteFile(PLAN)]
    for decision, what in (
        (torn(plan=None), "move file aside"),
        (torn("write file"), "move file aside"),
        (torn(), "write file"),
        (None, "move file aside"),
    ):
        _, asked = after(machine(decision=decision), events.Done(NOW, what))
        assert of(commands.WriteFile, asked) == []
        assert heights(asked) == ["all"]


def test_only_a_marker_that_was_written_finishes_a_switch() -> None:
    goal = Decision("finish switch", "", "", PLAN, V2)
    found, _ = after(machine(phase="switching", goal=goal), events.Done(NOW, "activate"))
    assert found.state.records == ()
    found, _ = after(machine(phase="switching", goal=goal), events.Done(NOW, "write marker"))
    assert [one.stage for one in found.state.records] == ["switched"]


def test_file_work_that_was_done_when_a_stop_was_asked_for_is_the_last() -> None:
    found, asked = after(machine(phase="switching", signals=1), events.Done(NOW, "activate"))
    assert (found.phase, of(commands.Exit, asked), heights(asked)) == ("ending", [commands.Exit(0)], [])
    alive, asked = after(machine(lives=True, signals=1), events.Done(NOW, "write file"))
    assert (alive.phase, heights(asked)) == ("running", ["quick"])


# -- what is asked for ---------------------------------------------------------------------------------------


def asked_for(what: Any, value: object, **fields: Any) -> tuple[Any, list[Any]]:
    return after(machine(lives=True, heights_at=NOW, **fields), events.Asked(NOW, what, value))


def test_the_plan_that_the_scout_knows_is_kept_and_taken_away_again() -> None:
    found, asked = asked_for("known plan", PLAN)
    assert found.state.known_plan == PLAN
    assert of(commands.Save, asked) == [commands.Save(found.state)]
    gone, _ = after(replace(found, asks=0), events.Asked(NOW, "known plan", None))
    assert gone.state.known_plan is None


def test_entries_of_the_schedule_replace_those_of_their_plan_and_stand_by_height() -> None:
    low = ScheduleEntry(Plan("v1", 5), V1)
    mine = (ScheduleEntry(PLAN, V2), ScheduleEntry(LATER, V3))
    state = replace(SAME_DATA, schedule=mine)
    found, _ = asked_for("schedule", low, state=state)
    assert found.state.schedule == (low, *mine)
    exact_one = replace(mine[0], exact=True)
    found, _ = asked_for("schedule", exact_one, state=state)
    assert found.state.schedule == (exact_one, mine[1])
    found, _ = asked_for("unschedule", PLAN, state=state)
    assert found.state.schedule == (mine[1],)


def test_a_staged_binary_replaces_that_of_its_version_and_the_oldest_falls_out() -> None:
    old = [staged(version=replace(V2, name=str(number))) for number in range(MAX_STAGED)]
    state = replace(SAME_DATA, staged=tuple(old))
    new = replace(old[3], source="elsewhere")
    assert asked_for("staged", new, state=state)[0].state.staged == (*old[:3], *old[4:], new)
    other = staged(version=V3)
    assert asked_for("staged", other, state=state)[0].state.staged == (*old[1:], other)


VALUES = {"known plan": PLAN, "schedule": ScheduleEntry(PLAN, V1), "unschedule": PLAN, "staged": staged()}


@pytest.mark.parametrize("what", [*VALUES, "recheck"])
@pytest.mark.parametrize("value", [7, *VALUES.values()])
def test_values_of_the_wrong_kind_are_ignored(what: str, value: object) -> None:
    if value == VALUES.get(what):
        return
    state = replace(SAME_DATA, known_plan=LATER, schedule=(ScheduleEntry(PLAN, V2),))
    found, asked = asked_for(what, value, state=state)
    assert found.state == state
    assert of(commands.Save, asked) == []


@pytest.mark.parametrize("phase", DECIDING)
def test_a_request_is_followed_by_a_look(phase: str) -> None:
    assert heights(asked_for("recheck", None, phase=phase)[1]) == ["quick"]
    assert heights(asked_for("known plan", PLAN, phase=phase)[1]) == ["quick"]


@pytest.mark.parametrize("phase", ["stopping", "backup", "switching", "pre-upgrade", "launching"])
def test_a_request_is_kept_in_a_phase_that_decides_nothing_and_no_look_disturbs_it(phase: str) -> None:
    found, asked = asked_for("known plan", PLAN, phase=phase)
    assert (found.state.known_plan, heights(asked), found.phase) == (PLAN, [], phase)


# -- the reload ----------------------------------------------------------------------------------------------


def test_a_reload_saves_the_document_and_comes_at_once_where_a_node_runs() -> None:
    found, asked = asked_for("reload", None)
    assert asked == [commands.Save(SAME_DATA), commands.Reload()]
    assert not found.reload


@pytest.mark.parametrize("phase", ["starting", "holding", *OTHERS])
def test_a_reload_waits_for_a_node_that_runs(phase: str) -> None:
    found, asked = asked_for("reload", None, phase=phase)
    assert (found.reload, of(commands.Reload, asked)) == (True, [])
    dead, asked = after(machine(phase="running", reload=True), events.Tick(NOW))
    assert (dead.reload, of(commands.Reload, asked)) == (True, [])
