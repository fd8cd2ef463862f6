"""Whatever way the old program halts, the new one runs next, and the old one never again."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(1)


def test_a_node_that_hangs_at_the_height_is_switched(world):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    cosmovisor = world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert world.current() == "upgrades/v2"
    assert cosmovisor.stop() == 0
    world.verify()


def test_a_proposal_passes_and_the_node_is_switched(world):
    world.genesis("v1")
    world.place("v2")
    world.run()
    height = world.propose("v2")
    world.until_blocks_of("v2")
    assert [entry["height"] for entry in world.notes("applied")] == [height]
    world.verify()


@pytest.mark.parametrize("sdk", ["0.45", "0.47"])
def test_a_node_of_an_older_generation_is_switched(world, sdk):
    world.genesis("v1", sdk=sdk)
    world.place("v2", sdk="0.47")
    world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_a_node_in_block_sync_that_exits_at_the_height_is_switched(world):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    world.init(sync_to=120, sync_rate=100, history=[{"at": 5, "plan": {"name": "v2", "height": 60}}])
    world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_a_fork_that_exits_at_the_height_is_switched(world):
    world.genesis("v1", halt="exit", halt_code=1)
    world.place("v2")
    world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_optimistic_execution_that_writes_the_file_one_block_early_is_switched(world):
    world.genesis("v1", optimistic=True, optimistic_gap=0.3)
    world.place("v2")
    world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.slow
def test_a_node_whose_rpc_is_silent_is_switched(world):
    world.genesis("v1", rpc="silent")
    world.place("v2")
    world.init(history=[{"at": 3, "plan": {"name": "v2", "height": 15}}])
    world.run()
    # Nobody tells a height but the node's own log: one settle time shows that nothing follows.
    world.until_blocks_of("v2", limit=150)
    world.verify()


def test_three_upgrades_follow_each_other_in_one_life(world):
    world.genesis("v1")
    for name in ("v2", "v3", "v4"):
        world.place(name)
    cosmovisor = world.run()
    for name in ("v2", "v3", "v4"):
        world.schedule(name, blocks=6)
        world.until_blocks_of(name)
    assert world.started() == ["v1", "v2", "v3", "v4"]
    assert cosmovisor.stop() == 0
    world.verify()


def test_the_halted_node_and_its_supervisor_are_killed_together(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2")
    world.until_halted(height)
    cosmovisor.kill_with_node()
    world.place("v2")
    world.run()
    world.until_blocks_of("v2")
    world.verify(old_starts=1)


def test_the_supervisor_alone_is_killed_and_the_node_halts_without_it(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    height = world.schedule("v2", blocks=8)
    world.wait("the plan", world.scheduled)
    cosmovisor.kill()
    world.until_halted(height)
    world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_the_plan_file_is_missing_since_the_chain_could_not_write_it(world):
    world.genesis("v1", plan_write="fails")
    world.place("v2", adds=(("v2", "epochs"),))
    world.run(variables={"COSMOVISOR_SCOUT": "on"})
    world.schedule("v2", blocks=60)
    world.until_blocks_of("v2")
    world.verify()
