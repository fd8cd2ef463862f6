"""The upgrade itself: a plan passes, the node halts, the new binary makes blocks."""

from __future__ import annotations

import os
import pathlib
import signal

from tests.support.world import World


def test_a_hand_placed_binary_takes_over_at_the_height(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    height = world.schedule("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert world.current() == "upgrades/v2"
    assert world.answering_version() == "2.0.0"
    assert f'"height":{height}' in (world.tree / "upgrades" / "v2" / "upgrade-info.json").read_text()
    assert supervisor.stop() == 0
    assert world.live_nodes() == []
    world.verify()


def test_two_upgrades_in_one_life(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.place("v3")
    supervisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    world.schedule("v3", blocks=6)
    world.until_blocks_of("v3")
    assert world.started() == ["v1", "v2", "v3"]
    assert supervisor.stop(signal.SIGINT) == 0
    world.verify()


def test_a_binary_placed_at_the_halt_continues_at_once_and_the_node_stays_up_until_then(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    supervisor.wait_for_log("its binary is not ready")
    assert len(world.live_nodes()) == 1
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


def test_the_exit_status_of_the_node_is_ours(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run()
    world.until_height(2)
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    assert supervisor.wait() == 137


def test_a_second_supervisor_refuses_and_names_the_first(world: World) -> None:
    world.genesis("v1")
    first = world.run()
    world.until_height(1)
    second = world.run()
    assert second.wait() == 1
    assert str(first.pid) in second.log()
    assert "genesis/bin/demod" in second.log()
    assert first.stop() == 0
    assert world.started() == ["v1"]


def test_an_orphan_of_a_killed_supervisor_is_stopped_before_anything_starts(world: World) -> None:
    world.genesis("v1")
    first = world.run()
    world.until_height(2)
    first.kill()
    assert len(world.live_nodes()) == 1
    second = world.run()
    world.until_started("v1", 2)
    world.wait("one node", lambda: len(world.live_nodes()) == 1)
    assert "earlier supervisor" in second.log()
    assert second.stop() == 0
    world.verify()


def test_an_upgrade_that_came_while_nobody_watched_is_made_at_the_start(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    first = world.run()
    world.until_height(1)
    height = world.schedule("v2", blocks=8)
    first.kill()
    world.until_halted(height)
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    world.wait("the end of the node", lambda: not world.live_nodes())
    second = world.run()
    world.until_blocks_of("v2")
    assert world.started()[-1] == "v2"
    assert second.stop() == 0
    world.verify(old_starts=1)


def test_status_shows_the_running_node_and_what_is_left_of_it(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run()
    world.until_height(2)
    world.until_answering()
    shown = world.command("status")
    assert shown.returncode == 0, shown.stderr
    assert f"process {supervisor.pid}" in shown.stdout
    assert f"process {world.live_nodes()[0]}" in shown.stdout
    title = pathlib.Path(f"/proc/{supervisor.pid}/cmdline")
    if title.exists():
        world.wait("the title", lambda: title.read_bytes().startswith(b"cosmovisor: demod genesis, height "))
    assert supervisor.stop() == 0
    shown = world.command("status")
    assert shown.returncode == 3
    assert "not running" in shown.stdout


def test_the_data_is_backed_up_before_the_switch(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    (folder,) = [path for path in world.home.iterdir() if path.name.startswith("data-backup-")]
    assert folder.name.endswith(f"-v2-{height}")
    assert supervisor.stop() == 0
