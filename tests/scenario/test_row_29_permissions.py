"""Modes, owners, full disks: the node is left alone, the message names the place."""

from __future__ import annotations

import json

import pytest


@pytest.mark.complaint(29)
def test_a_binary_without_its_execute_bit_gets_it(world):
    world.genesis("v1")
    world.place("v2").chmod(0o644)
    world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    world.verify()


@pytest.mark.complaint(10)
@pytest.mark.needs("mounts")
def test_a_backup_that_does_not_fit_fails_before_the_switch_and_is_made_when_there_is_room(world):
    world.genesis("v1")
    world.place("v2")
    world.init()
    bulk = world.data / "snapshots"
    bulk.mkdir()
    (bulk / "chunk").write_bytes(b"x" * 400_000)
    full, roomy = world.root / "full", world.root / "roomy"
    full.mkdir()
    roomy.mkdir()
    mount = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=64k none {full} && exec "$@"', "sh"]
    cosmovisor = world.run(prefix=mount, variables={"DAEMON_DATA_BACKUP_DIR": str(full)})
    world.schedule("v2", blocks=6)
    cosmovisor.wait_for_log(str(full))
    world.wait("the end", lambda: not cosmovisor.is_alive() or "free" in cosmovisor.log())
    assert world.started() == ["v1"]
    assert world.current() == "genesis"
    if cosmovisor.is_alive():
        cosmovisor.stop()
    world.run(variables={"DAEMON_DATA_BACKUP_DIR": str(roomy)})
    world.until_blocks_of("v2")
    (backup,) = roomy.iterdir()
    assert (backup / "data" / "snapshots" / "chunk").exists() or (backup / "snapshots" / "chunk").exists()
    world.verify()


@pytest.mark.complaint(29)
@pytest.mark.needs("mounts")
def test_a_read_only_tree_is_said_at_the_start(world):
    world.genesis("v1")
    world.init()
    mount = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f'mount --bind {world.tree} {world.tree} && mount -o remount,ro,bind {world.tree} && exec "$@"',
        "sh",
    ]
    cosmovisor = world.run(prefix=mount)
    world.wait("a word", lambda: not cosmovisor.is_alive() or world.blocks_of("v1"))
    assert str(world.tree) in cosmovisor.log()
    assert "Traceback" not in cosmovisor.log()


@pytest.mark.complaint(29)
@pytest.mark.needs("mounts")
def test_a_full_disk_at_the_halt_leaves_the_node_up(world):
    """The tree has no block left: the download fails, the halted node stays, and goes on by hand."""
    world.genesis("v1")
    url = world.publish("v2")
    world.init()
    staging = world.tree / "staging"
    staging.mkdir()
    mount = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f'mount -t tmpfs -o size=4k,nr_inodes=3 none {staging} && exec "$@"',
        "sh",
    ]
    info = json.dumps({"binaries": {"any": url}})
    cosmovisor = world.run(prefix=mount, variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    height = world.schedule("v2", blocks=8, info=info)
    world.until_halted(height)
    cosmovisor.wait_for_log("space")
    assert len(world.live_nodes()) == 1
    assert world.heights() == (height, height - 1)
