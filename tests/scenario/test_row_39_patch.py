"""Row 39: a patch release has no plan; it is put into place beside a running node, runs from the next start on, and
can be taken back in one step."""

from __future__ import annotations

import pytest
from tests.support.world import World

from cosmovisor.demo import binary

pytestmark = pytest.mark.complaint(39)


def patch(world: World, word: str) -> str:
    done = world.command("patch", word)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_patch_release_runs_after_the_restart_and_goes_back_in_one_step(world):
    world.genesis("v1")
    world.place("v2", handlers=("v2",))
    supervisor = world.run()
    world.schedule("v2")
    world.until_blocks_of("v2")
    fixed = world.root / "release" / "demod"
    fixed.parent.mkdir()
    binary.write(str(fixed), world.version("v2 patched", handlers=("v2",)))

    assert "upgrades/v2 is patched" in patch(world, str(fixed))
    before = world.blocks_of("v2")
    world.until_blocks_of("v2", before + 2)
    assert world.started() == ["v1", "v2"], "a running node is not touched"

    assert supervisor.stop() == 0
    supervisor = world.run()
    world.until_blocks_of("v2 patched")
    assert world.current() == "upgrades/v2"

    patch(world, "--undo")
    assert supervisor.stop() == 0
    world.run()
    world.until_blocks_of("v2", world.blocks_of("v2") + 2)
    assert world.started() == ["v1", "v2", "v2 patched", "v2"]
    world.verify()
