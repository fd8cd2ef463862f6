"""A plan of the future is waited for, however often the service is restarted."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.complaint(2)


def write_ahead(world, name: str, height: int) -> None:
    """Write the plan file as the Go tool's `add-upgrade --upgrade-height` does."""
    world.plan_file.write_text(json.dumps({"name": name, "height": height}))
    world.plan_file.chmod(0o600)


def test_a_plan_file_written_ahead_by_the_go_tool_is_followed_at_its_height(world):
    world.genesis("v1")
    world.place("v2", handlers=())
    world.run()
    world.until_height(3)
    height = world.heights()[0] + 25
    write_ahead(world, "v2", height)
    world.until_started("v2")
    (start,) = [entry for entry in world.notes("start") if entry["version"] == "v2"]
    assert start["app_height"] >= height
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]


def test_a_service_restart_before_the_height_keeps_the_old_binary(world):
    world.genesis("v1")
    world.place("v2")
    world.init()
    cosmovisor = world.run()
    world.until_height(3)
    height = world.schedule("v2", blocks=60)
    world.wait("the plan", world.scheduled)
    write_ahead(world, "v2", height)
    for _ in range(2):
        assert cosmovisor.stop() == 0
        cosmovisor = world.run()
        before = world.blocks_of("v1")
        world.wait("blocks of v1", lambda before=before: world.blocks_of("v1") > before)
    assert set(world.started()) == {"v1"}
    world.until_blocks_of("v2")
    world.verify()


def test_nobody_answers_and_the_plan_is_far_away(world):
    world.genesis("v1", rpc="off")
    world.place("v2")
    world.init()
    world.run()
    world.until_blocks_of("v1", 3)
    write_ahead(world, "v2", 1_000_000)
    before = world.blocks_of("v1")
    world.until_blocks_of("v1", before + 30)
    assert world.started() == ["v1"]


def test_another_chain_answers_on_the_port_with_a_great_height(world, make_world):
    other = make_world()
    other.genesis("v1")
    other.init(initial_height=900_000)
    other.node_alone()
    other.until_height(900_000)
    world.genesis("v1", rpc="off")
    world.place("v2")
    world.laddr = other.laddr
    world.init()
    world.run()
    world.until_blocks_of("v1", 3)
    write_ahead(world, "v2", 800_000)
    world.until_blocks_of("v1", world.blocks_of("v1") + 30)
    assert world.started() == ["v1"]
