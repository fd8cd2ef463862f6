"""A restart between halt and switch never brings the old binary back."""

from __future__ import annotations

import signal

import pytest

pytestmark = pytest.mark.complaint(3)


def test_a_service_restart_at_the_halt_starts_the_new_binary_at_once(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2")
    world.until_halted(height)
    assert cosmovisor.stop() == 0
    world.place("v2")
    world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_the_machine_goes_down_at_the_halt_and_nobody_had_seen_it(world):
    world.genesis("v1")
    world.place("v2")
    node = world.node_alone()
    height = world.schedule("v2")
    world.until_halted(height)
    node.kill()
    node.wait(30)
    world.run()
    world.until_blocks_of("v2")
    world.verify(old_starts=1)


def test_twenty_restarts_in_the_window_start_the_old_binary_never(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2")
    world.until_halted(height)
    for turn in range(6):
        if turn % 2:
            cosmovisor.kill_with_node()
        else:
            cosmovisor.stop(signal.SIGINT)
        cosmovisor = world.run()
        cosmovisor.wait_for_log("v2")
    world.place("v2")
    world.until_blocks_of("v2")
    world.verify()


def test_a_kill_in_the_optimistic_gap_loses_nothing(world):
    world.genesis("v1", optimistic=True, optimistic_gap=5)
    cosmovisor = world.run()
    world.schedule("v2")
    world.wait("the plan file", world.plan_file.exists)
    cosmovisor.kill_with_node()
    world.place("v2")
    world.run()
    world.until_blocks_of("v2")
    world.verify(old_starts=1)
