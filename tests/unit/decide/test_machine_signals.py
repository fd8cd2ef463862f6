"""The signals table of the design, phase by phase."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import H
from tests.support.playbook import Play
from tests.support.turns import NOW, after, levels, machine, of

from cosmovisor.decide import commands, events
from cosmovisor.decide.turn import NEVER


def halted(**policy: object) -> Play:
    play = Play(**policy).running()
    play.heights(H, H - 1).write_plan()
    return play


@pytest.mark.parametrize(("name", "passed"), [("TERM", "TERM"), ("INT", "TERM"), ("QUIT", "QUIT")])
def test_running_a_stop_is_passed_on_and_the_status_becomes_ours(name: str, passed: str) -> None:
    play = Play().running().signal(name)
    assert play.take() == [f"Signal {passed}"]
    assert play.wait(100_000.0).take() == []
    assert play.exit(7).take() == ["Exit 7"]


def test_running_the_second_is_passed_on_again_and_the_third_kills() -> None:
    play = Play().running().signal()
    play.take()
    assert play.signal().take() == ["Signal TERM"]
    assert play.signal().take() == ["KillNode"]
    assert play.signal().take() == ["KillNode"]
    assert play.exit(-9).status == 137


def test_running_a_hang_up_reloads_a_service_and_ends_a_terminal() -> None:
    assert Play().running().signal("HUP").take() == ["Reload"]
    assert Play().running().signal("HUP", terminal=True).take() == ["Signal TERM"]


def test_stopping_for_an_upgrade_the_stop_is_finished_and_nothing_new_is_started() -> None:
    play = halted().look()
    assert play.take() == ["Signal TERM"]
    assert play.signal().take() == []
    assert play.exit(0).take() == ["Exit 0"]


def test_stopping_for_an_upgrade_more_signals_have_more_force() -> None:
    play = halted().look().signal()
    play.take()
    assert play.signal().take() == ["Signal TERM"]
    assert play.signal().take() == ["KillNode"]


@pytest.mark.parametrize("phase", ["backup", "script", "pre-upgrade"])
def test_a_long_step_is_cancelled_then_killed_and_resumed_at_the_next_start(phase: str) -> None:
    play = halted(script=True)
    play.slow.add(phase)
    play.look().exit(0)
    assert play.machine.phase == phase
    play.take()
    assert play.signal().take() == ["CancelStep"]
    assert play.signal().take() == ["KillStep"]
    play.put(events.Failed(play.now, phase, "it was ended", cancelled=True))
    assert play.take() == ["Exit 0"]
    again = Play(play.saved, script=True)
    again.file, again.changes, again.link, again.markers = play.file, play.changes, play.link, play.markers
    assert again.heights(H, H - 1).start().take()[0] == phase


@pytest.mark.parametrize("phase", ["backup", "script"])
def test_a_long_step_that_ends_well_after_the_signal_starts_nothing_new(phase: str) -> None:
    play = halted(script=True)
    play.slow.add(phase)
    play.look().exit(0)
    play.signal()
    play.take()
    assert play.done(phase).take() == ["Exit 0"]


def test_a_hang_up_during_a_long_step_waits_for_the_phase() -> None:
    play = halted()
    play.slow.add("backup")
    play.look().exit(0)
    play.take()
    assert play.signal("HUP").take() == []
    play.slow.clear()
    assert play.done("backup").take() == ["switch", "pre-upgrade", "Spawn v2", "Reload"]


def test_a_switch_is_finished_first() -> None:
    play = halted()
    play.slow.add("switch")
    play.look().exit(0)
    play.take()
    assert play.signal().take() == []
    assert play.done("switch").take() == ["Exit 0"]
    assert play.saved.step is not None
    assert play.saved.step.kind == "pre-upgrade"
    assert play.saved.records[0].stage == "switched"


def test_holding_a_living_node_is_stopped_and_its_status_becomes_ours() -> None:
    play = halted()
    play.ready = False
    play.look()
    play.take()
    assert play.signal().take() == ["Signal TERM"]
    assert play.exit(0).take() == ["Exit 0"]


def test_holding_without_a_node_a_stop_ends_at_once() -> None:
    play = halted()
    play.ready = False
    play.exit(2)
    play.take()
    assert play.machine.phase == "holding"
    assert play.signal().take() == ["Exit 0"]


def test_holding_a_hang_up_looks_again() -> None:
    play = halted()
    play.ready = False
    play.look()
    play.take()
    play.ready = True
    assert play.signal("HUP").take() == ["Signal TERM"]


def test_launching_the_stop_comes_as_soon_as_the_node_runs() -> None:
    play = Play()
    play.slow.add("spawn")
    play.heights(5, 5).start()
    play.take()
    assert play.signal().take() == []
    assert play.put(events.NodeSpawned(play.now, 1)).take() == ["Signal TERM"]
    assert play.exit(143).status == 143


@pytest.mark.parametrize("slow", ["facts"])
def test_starting_a_stop_ends_at_once(slow: str) -> None:
    play = Play()
    play.slow.add(slow)
    play.start().take()
    assert play.signal().take() == ["Exit 0"]


def test_back_off_a_stop_ends_at_once() -> None:
    play = Play(restart=True).running().exit(1)
    assert play.machine.phase == "back-off"
    play.take()
    assert play.signal().take() == ["Exit 0"]


def test_after_the_end_nothing_is_done_any_more() -> None:
    play = Play().running().exit(0)
    assert play.status == 0
    play.status = None
    play.take()
    assert play.signal().look().wait(10.0).take() == []


def test_a_stop_over_the_socket_is_a_signal() -> None:
    play = Play().running()
    assert play.put(events.Asked(play.now, "stop")).take() == ["Signal TERM"]


def test_after_five_upgrades_in_one_life_the_first_signal_still_reaches_the_node() -> None:
    from cosmovisor.model.plan import Plan

    play = Play().running()
    for number in range(1, 6):
        height = H * number
        play.heights(height, height - 1).write_plan(Plan("v2", height)).look()
        play.exit(0)
        play.heights(height, height).look()
    play.take()
    assert play.signal().take() == ["Signal TERM"]
    assert play.exit(0).status == 0


# -- one signal, one answer ----------------------------------------------------------------------------------


def signal(name: Any = "TERM", **fields: Any) -> tuple[Any, list[Any]]:
    return after(machine(**fields), events.SignalCame(NOW, name))


def test_a_stop_ends_every_other_wait_for_the_node() -> None:
    waits = {"kill_at": NOW + 9.0, "next_at": NOW + 9.0, "give_up_at": NOW + 9.0}
    found, asked = signal(lives=True, **waits)
    assert (found.phase, found.waiting, found.why, found.signals) == (
        "stopping",
        "the end of the node",
        "end",
        1,
    )
    assert (found.kill_at, found.next_at, found.give_up_at) == (NEVER, NEVER, NEVER)
    assert asked == [commands.SignalNode("TERM")]


def test_a_stop_for_an_upgrade_keeps_its_reason_and_its_time_when_the_operator_wants_the_end_too() -> None:
    stopping = {"lives": True, "phase": "stopping", "why": "upgrade", "kill_at": NOW + 9.0}
    found, asked = signal(**stopping)
    assert (found.why, found.kill_at, found.phase, levels(asked)) == (
        "upgrade",
        NOW + 9.0,
        "stopping",
        ["info"],
    )
    assert of(commands.SignalNode, asked) == []
    again, asked = signal(**stopping, signals=1)
    assert (again.why, again.kill_at, of(commands.SignalNode, asked)) == (
        "upgrade",
        NOW + 9.0,
        [commands.SignalNode("TERM")],
    )


@pytest.mark.parametrize(
    ("before", "told", "kind"),
    [
        (0, [], commands.SignalNode),
        (1, ["warn"], commands.SignalNode),
        (2, ["warn"], commands.KillNode),
        (3, ["warn"], commands.KillNode),
    ],
)
def test_more_force_is_told(before: int, told: list[str], kind: Any) -> None:
    _, asked = signal(lives=True, signals=before)
    assert levels(asked) == told
    assert len(of(kind, asked)) == 1


@pytest.mark.parametrize(("phase", "lives"), [("switching", False), ("launching", False), ("holding", True)])
def test_what_is_finished_or_looked_at_first_is_told(phase: str, lives: bool) -> None:
    name = "HUP" if phase == "holding" else "TERM"
    found, asked = signal(name, phase=phase, lives=lives)
    assert (levels(asked), found.phase) == (["info"], phase)
    questions = [one.heights for one in of(commands.GatherFacts, asked)]
    assert questions == (["all"] if phase == "holding" else [])


@pytest.mark.parametrize("phase", ["backup", "script", "pre-upgrade"])
def test_a_cut_is_told_with_its_force(phase: str) -> None:
    assert levels(signal(phase=phase)[1]) == ["info"]
    assert levels(signal(phase=phase, signals=1)[1]) == ["warn"]
    assert levels(signal(phase=phase, signals=2)[1]) == ["warn"]


def test_a_quit_that_came_before_the_node_ran_is_passed_on_as_a_plain_stop() -> None:
    _, asked = after(machine(phase="launching", signals=1), events.NodeSpawned(NOW, 7))
    assert of(commands.SignalNode, asked) == [commands.SignalNode("TERM")]
