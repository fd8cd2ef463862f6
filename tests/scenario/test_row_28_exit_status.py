"""The node's end is told as it was: its status, its signal, its last words."""

from __future__ import annotations

import os
import signal

import pytest

pytestmark = pytest.mark.complaint(28)


@pytest.mark.parametrize("code", [0, 1, 2, 7])
def test_the_status_of_the_node_is_ours(world, code):
    world.genesis("v1", crash_start=code)
    assert world.run().wait() == code
    assert world.started() == ["v1"]


def test_a_killed_node_is_told_as_128_and_the_signal(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(2)
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    assert cosmovisor.wait() == 128 + signal.SIGKILL


def test_a_crash_in_the_middle_is_no_upgrade(world):
    world.genesis("v1", crash_at=15)
    world.place("v2")
    cosmovisor = world.run()
    world.schedule("v2", height=100)
    assert cosmovisor.wait() == 1
    assert world.started() == ["v1"]


def test_a_restart_after_a_crash_happens_where_it_is_asked_for(world):
    world.genesis("v1", crash_at=12)
    world.run(variables={"COSMOVISOR_RESTART": "on"})
    world.until_started("v1", times=2)
