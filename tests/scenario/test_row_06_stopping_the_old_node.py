"""The old node is asked to stop, waited for, and gone before the new one touches the data."""

from __future__ import annotations

import pytest


@pytest.mark.complaint(6)
def test_a_node_that_needs_its_time_to_flush_gets_it(world):
    world.genesis("v1", slow_stop=1.0)
    world.place("v2")
    world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    (end,) = [entry for entry in world.notes("exit") if entry["version"] == "v1"]
    assert end["code"] == 0
    world.verify()


@pytest.mark.complaint(6)
def test_a_node_that_ignores_the_request_is_killed_after_the_grace(world):
    world.genesis("v1", ignore_sigterm=True)
    world.place("v2")
    world.run(variables={"DAEMON_SHUTDOWN_GRACE": "1s"})
    world.schedule("v2")
    world.until_blocks_of("v2")
    assert [entry for entry in world.notes("exit") if entry["version"] == "v1"] == []
    world.verify()


@pytest.mark.complaint(22)
def test_the_new_node_never_finds_the_database_locked(world):
    world.genesis("v1", slow_stop=0.7)
    world.place("v2")
    world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    times = {
        (entry["what"], entry["version"]): entry["at"]
        for entry in world.entries()
        if entry["what"] in ("start", "exit")
    }
    assert times["exit", "v1"] <= times["start", "v2"]
    assert world.started() == ["v1", "v2"]
