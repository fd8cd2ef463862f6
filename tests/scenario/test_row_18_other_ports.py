"""Homes elsewhere, other ports, daemons without a useful `status`: the height is asked where this node answers."""

from __future__ import annotations

import pytest


@pytest.mark.complaint(18)
def test_a_home_elsewhere_and_a_status_that_looks_into_the_default_one(world):
    world.genesis("v1", status="default-home")
    world.place("v2")
    world.node_home = world.root / "disk2" / "node"
    world.run()
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.complaint(18)
def test_two_chains_on_one_machine_are_upgraded_each_at_its_own_height(world, make_world):
    other = make_world()
    for each in (world, other):
        each.genesis("v1")
        each.place("v2")
    other.init(initial_height=5000)
    world.run()
    other.run()
    height = world.schedule("v2", blocks=10)
    other_height = other.schedule("v2", blocks=20)
    world.until_blocks_of("v2")
    other.until_blocks_of("v2")
    assert [entry["height"] for entry in world.notes("applied")] == [height]
    assert [entry["height"] for entry in other.notes("applied")] == [other_height]
    world.verify()
    other.verify()


@pytest.mark.complaint(19)
def test_a_daemon_without_a_status_command_is_upgraded(world):
    world.genesis("v1", status="missing")
    world.place("v2", status="missing")
    world.run()
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    world.verify()


@pytest.mark.complaint(18)
def test_the_address_given_as_an_argument_is_the_one_that_is_asked(world):
    world.genesis("v1")
    world.place("v2")
    world.init()
    real = world.laddr
    config = world.node_home / "config" / "config.toml"
    config.write_text(config.read_text().replace(real, "tcp://127.0.0.1:1"))
    world.run("start", "--home", str(world.node_home), "--rpc.laddr", real)
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    world.verify()
