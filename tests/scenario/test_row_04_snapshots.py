"""Data from elsewhere: the version that fits it runs, or nothing does and the way on is told."""

from __future__ import annotations

import shutil

import pytest

from cosmovisor.demo import ledger

pytestmark = pytest.mark.complaint(4)


@pytest.fixture
def snapshot(make_world):
    """The data of another node of the same chain that has gone through v2 and is above it, and its height."""
    donor = make_world()
    donor.genesis("v1")
    donor.place("v2", adds=(("v2", "epochs"),))
    donor.init(history=[{"at": 3, "plan": {"name": "v2", "height": 12}}])
    cosmovisor = donor.run()
    donor.until_blocks_of("v2", 5)
    assert cosmovisor.stop() == 0
    return donor.data


def restore(world, snapshot) -> None:
    """Unpack a snapshot over the data, as operators do: the key's sign-state stays."""
    for name in ("application.db", "blockstore.db"):
        shutil.rmtree(world.data / name, ignore_errors=True)
        shutil.copytree(snapshot / name, world.data / name)
    shutil.rmtree(world.data / "cs.wal", ignore_errors=True)


def test_a_home_at_genesis_with_a_newer_snapshot_never_loops_on_the_old_binary(world, snapshot):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    world.init()
    restore(world, snapshot)
    cosmovisor = world.run()
    world.wait("a decision", lambda: not cosmovisor.is_alive() or world.blocks_of("v2"))
    if not world.blocks_of("v2"):
        # Nothing on disk tells which version the data is of: one refusal, with the way on, and no loop.
        assert world.started().count("v1") <= 1
        fixed = world.command("adopt", "--fix", "--use", "v2")
        assert fixed.returncode == 0, fixed.stdout + fixed.stderr
        world.run()
        world.until_blocks_of("v2")
    assert world.current() == "upgrades/v2"


def test_a_snapshot_below_the_upgrade_brings_the_old_version_back_and_the_upgrade_is_made_again(world):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    world.init(history=[{"at": 3, "plan": {"name": "v2", "height": 20}}])
    cosmovisor = world.run()
    world.until_height(5)
    assert cosmovisor.stop() == 0
    kept = world.root / "kept"
    shutil.copytree(world.data, kept)
    cosmovisor = world.run()
    world.until_blocks_of("v2")
    assert cosmovisor.stop() == 0
    restore(world, kept)
    (world.data / "upgrade-info.json").unlink()
    before = world.blocks_of("v2")
    world.run()
    world.until_blocks_of("v2", before + 2)
    # Where the file system keeps no birth times and gives an old inode again, the data looks like the same:
    # then the new binary is started once, the chain refuses it, and it gives way.
    assert world.started() in (["v1", "v1", "v2", "v1", "v2"], ["v1", "v1", "v2", "v2", "v1", "v2"])
    assert ledger.conflicts(world.entries()) == []
