"""A working node is never stopped for a binary that is not there."""

from __future__ import annotations

import time

import pytest

from cosmovisor.demo import binary

pytestmark = pytest.mark.complaint(8)


def test_the_halted_node_stays_up_until_the_binary_is_placed(world):
    world.genesis("v1")
    world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    time.sleep(0.5)
    assert world.heights() == (height, height - 1)
    assert len(world.live_nodes()) == 1
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_a_binary_that_arrives_by_slow_copy_is_taken_when_it_is_complete(world):
    world.genesis("v1")
    world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    content = binary.script(world.version("v2"))
    path = world.tree / "upgrades" / "v2" / "bin" / world.prog
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        path.chmod(0o755)
        step = len(content) // 8
        for at in range(0, len(content), step):
            file.write(content[at : at + step])
            file.flush()
            time.sleep(0.25)
        assert world.started() == ["v1"]
    closed = time.time()
    world.until_blocks_of("v2")
    (start,) = [entry for entry in world.notes("start") if entry["version"] == "v2"]
    assert start["at"] - closed < 5
    assert world.started() == ["v1", "v2"]


def test_an_empty_file_is_no_binary(world):
    world.genesis("v1")
    world.run()
    path = world.tree / "upgrades" / "v2" / "bin" / world.prog
    path.parent.mkdir(parents=True)
    path.touch(0o755)
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    time.sleep(0.5)
    assert len(world.live_nodes()) == 1
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]


def test_without_a_node_the_wait_has_a_limit_and_its_own_exit_status(world):
    world.genesis("v1", halt="exit", halt_code=1)
    cosmovisor = world.run(variables={"COSMOVISOR_HOLD_LIMIT": "1s"})
    world.schedule("v2", blocks=6)
    assert cosmovisor.wait() == 75
    assert world.started() == ["v1"]


def test_the_old_way_is_there_for_those_who_want_it(world):
    world.genesis("v1")
    cosmovisor = world.run(variables={"COSMOVISOR_ON_MISSING_BINARY": "exit"})
    world.schedule("v2", blocks=6)
    assert cosmovisor.wait() not in (0, 75)
    assert world.live_nodes() == []
