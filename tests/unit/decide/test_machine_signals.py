"""The signals table of the design, phase by phase."""

from __future__ import annotations

import pytest
from tests.support.facts import H
from tests.support.playbook import Play

from cosmovisor.decide import events


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
