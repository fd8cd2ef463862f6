"""The link is a convenience: missing, dangling, absolute or relative, the right binary runs."""

from __future__ import annotations

import os
import shutil

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


@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_what_is_no_link_is_neither_followed_nor_replaced(world, what):
    world.genesis("v1")
    current = world.tree / "current"
    current.unlink(missing_ok=True)
    if what == "a file":
        current.write_text("upgrades/v2")
    else:
        shutil.copytree(world.tree / "genesis", current)
    refused = world.run()
    assert refused.wait() == 78
    assert f"{current}: it is {what}, not a link" in refused.log()
    assert f"mv {current} {current}.old" in refused.log()
    question = world.command("run", "version")
    assert question.returncode == 78
    assert f"it is {what}, not a link" in question.stderr
    seen = world.command("doctor")
    assert seen.returncode != 0
    assert f"✗ current: cannot use {current}: it is {what}" in seen.stdout
    tried = world.command("adopt", "--fix")
    assert tried.returncode == 78, tried.stdout + tried.stderr
    assert not current.is_symlink()
    assert world.started() == []
    current.rename(current.with_suffix(".old"))
    world.run()
    world.until_height(2)
    assert world.current() == "genesis"
