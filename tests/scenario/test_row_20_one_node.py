"""Never two nodes: not on one home, not beside an orphan, not with one key in two homes."""

from __future__ import annotations

import shutil

import pytest

pytestmark = pytest.mark.complaint(20)


def test_a_second_supervisor_is_refused_and_told_who_is_there(world):
    world.genesis("v1")
    first = world.run()
    world.until_height(2)
    second = world.run()
    assert second.wait() != 0
    assert str(first.pid) in second.log()
    assert "Traceback" not in second.log()
    world.until_height(world.heights()[1] + 3)
    assert world.started() == ["v1"]


def test_an_orphan_is_stopped_before_another_node_starts(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(3)
    cosmovisor.kill()
    (orphan,) = world.live_nodes()
    world.run()
    world.until_started("v1", times=2)
    world.until_height(world.heights()[1] + 2)
    assert orphan not in world.live_nodes()
    world.verify()


def test_an_orphan_is_adopted_where_the_operator_wants_it(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    world.until_height(3)
    cosmovisor.kill()
    (orphan,) = world.live_nodes()
    adopter = world.run(variables={"COSMOVISOR_ORPHAN": "adopt"})
    world.until_height(world.heights()[1] + 3)
    assert world.live_nodes() == [orphan]
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert adopter.stop() == 0
    world.verify()


def test_an_orphan_at_the_halt_does_not_lead_to_two_nodes(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2")
    world.until_halted(height)
    cosmovisor.kill()
    world.place("v2")
    world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_one_key_in_two_homes_is_refused(world, make_world):
    world.genesis("v1")
    world.run()
    world.until_height(3)
    copy = make_world()
    copy.ledger_path = world.ledger_path
    copy.genesis("v1")
    copy.init()
    for name in ("priv_validator_key.json", "genesis.json"):
        shutil.copy(world.node_home / "config" / name, copy.node_home / "config" / name)
    second = copy.run()
    assert second.wait() != 0
    assert "priv_validator_key.json" in second.log() or "key" in second.log()
    world.verify()
