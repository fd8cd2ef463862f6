"""The binary is fetched and proven while there is time; at the height the network is not needed."""

from __future__ import annotations

import json

import pytest

ALLOW = {"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true", "COSMOVISOR_SCOUT": "on"}


def info(url: str) -> str:
    return json.dumps({"binaries": {"any": url}})


def staged(world, name: str = "v2"):
    return (world.tree / "upgrades" / name / "bin" / world.prog).exists


@pytest.mark.complaint(7)
@pytest.mark.complaint(11)
def test_the_binary_is_there_before_the_height_and_the_server_may_go(world):
    world.genesis("v1")
    url = world.publish("v2")
    world.run(variables=ALLOW)
    world.until_height(2)
    world.hold_at(10_000)
    height = world.schedule("v2", height=world.heights()[0] + 10_000, info=info(url))
    world.wait("the staged binary", staged(world))
    world.releases.faults = dict.fromkeys(world.releases.files, "missing")
    assert world.heights()[0] < height
    world.schedule("v2", blocks=10, info=info(url))
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.complaint(7)
def test_without_a_scout_the_download_at_the_halt_still_happens_and_the_node_waits_up(world):
    world.genesis("v1")
    url = world.publish("v2")
    world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    world.schedule("v2", info=info(url))
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.complaint(7)
@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_a_server_that_fails_leaves_the_node_up_and_is_asked_again(world, fault):
    world.genesis("v1")
    url = world.publish("v2")
    (path,) = world.releases.files
    world.releases.faults[path] = fault
    cosmovisor = world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    height = world.schedule("v2", info=info(url))
    world.until_halted(height)
    world.wait("an attempt", lambda: world.releases.requests)
    assert cosmovisor.is_alive()
    assert world.heights() == (height, height - 1)
    world.releases.faults.clear()
    if fault == "missing":
        # It would be asked again by itself after half a minute; the operator does not want to wait.
        done = world.command("prepare-upgrade", variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
        assert done.returncode == 0, done.stdout + done.stderr
    world.until_blocks_of("v2", limit=90)
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.complaint(30)
def test_a_wrong_checksum_is_never_run_and_a_right_file_by_hand_goes_on(world):
    world.genesis("v1")
    url = world.publish("v2").split("?")[0] + "?checksum=sha256:" + "ab" * 32
    cosmovisor = world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    height = world.schedule("v2", info=info(url))
    world.until_halted(height)
    cosmovisor.wait_for_log("checksum")
    assert not staged(world)()
    assert len(world.live_nodes()) == 1
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]


@pytest.mark.complaint(15)
def test_what_a_cut_download_left_behind_does_not_block_the_next(world):
    world.genesis("v1")
    url = world.publish("v2")
    (path,) = world.releases.files
    world.releases.faults[path] = "stall"
    cosmovisor = world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    height = world.schedule("v2", info=info(url))
    world.until_halted(height)
    world.wait("a request", lambda: world.releases.requests)
    cosmovisor.kill_with_node()
    world.releases.faults.clear()
    world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    world.until_blocks_of("v2", limit=90)
    world.verify()


@pytest.mark.complaint(16)
@pytest.mark.parametrize("inside", ["bin/demod", "demod", "demod_2.0.0_linux/demod"])
def test_the_daemon_is_found_wherever_the_archive_has_it(world, inside):
    world.genesis("v1")
    url = world.publish("v2", inside=inside)
    world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    world.schedule("v2", info=info(url))
    world.until_blocks_of("v2")
    assert (world.tree / "upgrades" / "v2" / "bin" / "demod").stat().st_mode & 0o111
    world.verify()


@pytest.mark.complaint(7)
def test_downloads_that_are_not_allowed_do_not_happen(world):
    world.genesis("v1")
    url = world.publish("v2")
    world.run()
    height = world.schedule("v2", info=info(url))
    world.until_halted(height)
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.releases.requests == []
