"""The steps between stop and launch, and what their failures leave behind."""

from __future__ import annotations

import os
import signal

import pytest
from tests.support.world import World


@pytest.mark.complaint(36)
def test_script_backup_and_pre_upgrade_come_in_the_order_of_the_go_tool(world: World) -> None:
    world.genesis("v1")
    world.place("v2", pre_upgrade=(0,))
    trace = world.root / "trace"
    world.variables["COSMOVISOR_CUSTOM_PREUPGRADE"] = "hook"
    hook = world.tree / "hook"
    hook.write_text(
        f'#!/bin/sh\necho "$PWD $@ $(readlink {world.tree}/current) $(ls {world.home} | grep -c data-backup)" >> {trace}\n'
    )
    supervisor = world.run()
    height = world.schedule("v2", blocks=5)
    world.until_blocks_of("v2")
    assert trace.read_text() == f"{world.home} v2 {height} genesis 1\n"
    assert len(world.notes("pre-upgrade")) == 1
    assert supervisor.stop() == 0
    world.verify()


def test_pre_upgrade_is_tried_again_as_often_as_it_may_be(world: World) -> None:
    world.genesis("v1")
    world.place("v2", pre_upgrade=(31, 31, 0))
    world.variables["DAEMON_PREUPGRADE_MAX_RETRIES"] = "2"
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    world.until_blocks_of("v2")
    assert len(world.notes("pre-upgrade")) == 3
    assert supervisor.stop() == 0
    world.verify()


@pytest.mark.parametrize("code", [30, 31])
def test_a_failed_pre_upgrade_ends_with_an_error_and_is_taken_up_again(world: World, code: int) -> None:
    world.genesis("v1")
    world.place("v2", pre_upgrade=(code, 0))
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    assert supervisor.wait() == 1
    assert f"status {code}" in supervisor.log()
    assert world.live_nodes() == []
    second = world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()


def test_a_failed_script_switches_nothing(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.variables["COSMOVISOR_CUSTOM_PREUPGRADE"] = "hook"
    hook = world.tree / "hook"
    hook.write_text("#!/bin/sh\nexit 9\n")
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    assert supervisor.wait() == 1
    assert "status 9" in supervisor.log()
    assert world.current() == "genesis"
    hook.write_text("#!/bin/sh\nexit 0\n")
    second = world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()


def test_without_restart_after_the_upgrade_we_end_well_and_the_next_start_runs_the_new_one(
    world: World,
) -> None:
    world.genesis("v1")
    world.place("v2")
    world.variables["DAEMON_RESTART_AFTER_UPGRADE"] = "false"
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    assert supervisor.wait() == 0
    assert world.current() == "upgrades/v2"
    assert world.started() == ["v1"]
    second = world.run()
    world.until_blocks_of("v2")
    assert second.stop() == 0
    world.verify()


@pytest.mark.parametrize("form", ["={height}", " {height}", "={height},7"])
def test_a_skipped_height_leaves_the_node_running(world: World, form: str) -> None:
    world.genesis("v1")
    world.place("v2")
    height = 12
    flag = f"--unsafe-skip-upgrades{form.format(height=height)}".split(" ")
    supervisor = world.run("start", "--home", str(world.home), *flag)
    world.schedule("v2", height=height)
    world.until_height(height + 3)
    assert world.started() == ["v1"]
    assert supervisor.stop() == 0


def test_an_ordinary_crash_is_passed_on_and_restarted_only_if_asked_to(world: World) -> None:
    world.genesis("v1", crash_at=3)
    supervisor = world.run()
    assert supervisor.wait() == 1
    world.variables["COSMOVISOR_RESTART"] = "on"
    second = world.run()
    world.until_started("v1", 3)
    assert second.stop() == 0 or world.live_nodes() == []


def test_a_node_killed_with_its_supervisor_at_the_halt_is_never_started_again_in_its_old_version(
    world: World,
) -> None:
    world.genesis("v1")
    supervisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    supervisor.wait_for_log("not ready")
    (node,) = world.live_nodes()
    os.kill(supervisor.pid, signal.SIGKILL)
    os.kill(node, signal.SIGKILL)
    supervisor.process.wait(60)
    world.wait("the end of the node", lambda: not world.live_nodes())
    world.place("v2")
    second = world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()
