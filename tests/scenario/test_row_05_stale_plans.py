"""A plan file that is left over, cancelled or passed is reported and ignored, never followed and never touched."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.complaint(5)


def plan(world, name: str, height: int) -> bytes:
    data = json.dumps({"name": name, "time": "0001-01-01T00:00:00Z", "height": height}).encode()
    world.plan_file.write_bytes(data)
    return data


def test_a_file_that_came_with_a_snapshot_is_no_plan(world):
    world.genesis("v1")
    world.place("v2")
    world.init(initial_height=500)
    data = plan(world, "v2", 300)
    world.run()
    world.until_height(510)
    assert world.started() == ["v1"]
    assert world.plan_file.read_bytes() == data


def test_a_cancelled_plan_changes_nothing(world):
    world.genesis("v1")
    world.place("v2")
    world.run()
    height = world.schedule("v2", blocks=20)
    world.wait("the plan", world.scheduled)
    world.cancel()
    world.until_height(height + 5)
    assert world.started() == ["v1"]


def test_a_plan_cancelled_after_its_file_was_written_ahead_is_passed_once_and_reported(world):
    world.genesis("v1")
    world.init()
    cosmovisor = world.run()
    world.until_height(3)
    plan(world, "v9", world.heights()[0] - 1)
    world.until_height(world.heights()[0] + 10)
    assert cosmovisor.stop() == 0
    world.run()
    world.until_height(world.params.get("initial_height", 1) + 15)
    assert set(world.started()) == {"v1"}
    assert len(world.started()) == 2


def test_a_replaced_plan_is_the_one_that_counts(world):
    world.genesis("v1")
    world.version("v2")
    world.place("v2-fixed", handlers=("v2-fixed",))
    world.run()
    first = world.schedule("v2", blocks=40)
    world.wait("the plan", world.scheduled)
    second = world.schedule("v2-fixed", height=first + 10)
    world.until_halted(second)
    world.until_blocks_of("v2-fixed")
    assert world.started() == ["v1", "v2-fixed"]
    world.verify()


def test_an_applied_plan_is_not_applied_again_after_any_number_of_restarts(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    before = world.plan_file.read_bytes()
    for _ in range(2):
        assert cosmovisor.stop() == 0
        cosmovisor = world.run()
        count = world.blocks_of("v2")
        world.until_blocks_of("v2", count + 2)
    assert world.started() == ["v1", "v2", "v2", "v2"]
    assert world.plan_file.read_bytes() == before
    world.verify()
