"""The link is a convenience: missing, dangling, absolute or relative, the right binary runs."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.complaint(24)


def upgraded(world):
    """A home that has gone through v2 and is stopped."""
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert cosmovisor.stop() == 0


@pytest.mark.parametrize("damage", ["missing", "dangling"])
def test_a_broken_link_is_rebuilt_from_what_was_applied(world, damage):
    upgraded(world)
    (world.tree / "current").unlink()
    if damage == "dangling":
        world.link("upgrades/gone")
    before = world.blocks_of("v2")
    world.run()
    world.until_blocks_of("v2", before + 2)
    assert world.started() == ["v1", "v2", "v2"]
    assert world.current() == "upgrades/v2"
    world.verify()


def test_the_style_of_the_link_is_kept(world):
    world.genesis("v1")
    world.place("v2")
    world.link(str(world.tree / "genesis"))
    world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert os.path.isabs(os.readlink(world.tree / "current"))


def test_a_new_home_gets_a_relative_link_that_can_be_moved(world):
    upgraded(world)
    assert os.readlink(world.tree / "current") == "upgrades/v2"


def test_a_link_set_back_by_hand_does_not_bring_the_old_binary_back(world):
    upgraded(world)
    world.link("genesis")
    before = world.blocks_of("v2")
    world.run()
    world.until_blocks_of("v2", before + 2)
    world.verify()
