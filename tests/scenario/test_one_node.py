"""One node per home and per key, also across crashes and reloads."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable

import pytest
from tests.support.world import World

from cosmovisor.supervisor import processes


@pytest.mark.complaint(20)
def test_the_same_key_in_two_homes_is_refused(make_world: Callable[..., World]) -> None:
    first, second = make_world(), make_world()
    first.genesis("v1")
    second.genesis("v1")
    first.init()
    second.init()
    key = "config/priv_validator_key.json"
    shutil.copy(first.home / key, second.home / key)
    one = first.run()
    first.until_height(1)
    two = second.run()
    assert two.wait() == 1
    assert "same key" in two.log() or "with the key" in two.log()
    assert str(first.live_nodes()[0]) in two.log()
    assert second.started() == []
    assert one.stop() == 0
    # The key is free as soon as the node is gone.
    again = second.run()
    second.until_height(1)
    assert again.stop() == 0


def test_the_same_key_is_refused_also_while_the_other_supervisor_is_dead(
    make_world: Callable[..., World],
) -> None:
    first, second = make_world(), make_world()
    first.genesis("v1")
    second.genesis("v1")
    first.init()
    second.init()
    shutil.copy(first.home / "config/priv_validator_key.json", second.home / "config/priv_validator_key.json")
    first.run()
    first.until_height(1)
    first.supervisors[0].kill()
    two = second.run()
    assert two.wait() == 1
    allowed = second.run(variables={"COSMOVISOR_SAME_KEY": "allow"})
    second.until_height(1)
    assert allowed.stop() == 0


@pytest.mark.complaint(20)
def test_an_orphan_is_adopted_if_asked_to_and_upgraded(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.variables["COSMOVISOR_ORPHAN"] = "adopt"
    first = world.run()
    world.until_height(2)
    (node,) = world.live_nodes()
    first.kill()
    second = world.run()
    second.wait_for_log("it is kept")
    assert world.live_nodes() == [node]
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()


def test_a_helper_left_by_a_killed_supervisor_is_ended_before_it_runs_again(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.variables["COSMOVISOR_CUSTOM_PREUPGRADE"] = "hook"
    began, go = world.root / "began", world.root / "go"
    hook = world.tree / "hook"
    hook.write_text(f"#!/bin/sh\necho $$ >> {began}\nwhile ! test -e {go}; do sleep 0.05; done\n")
    hook.chmod(0o755)
    first = world.run()
    world.schedule("v2", blocks=5)
    world.wait("the script", lambda: began.exists() and began.read_text().endswith("\n"))
    first.kill()
    go_on = world.run()
    world.wait("the second run of the script", lambda: len(began.read_text().split()) == 2)
    assert not processes.alive(int(began.read_text().split()[0]))
    go.touch()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert go_on.stop() == 0
    world.verify()


def test_a_reload_changes_settings_and_keeps_the_node(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    world.until_height(2)
    (node,) = world.live_nodes()
    (world.tree / "config.toml").write_text('daemon_shutdown_grace = "7s"\n')
    world.until_answering()
    done = world.command("reload")
    assert done.returncode == 0, done.stderr
    assert "DAEMON_HOME" in done.stdout
    supervisor.wait_for_log("runs on through the reload")
    assert supervisor.is_alive()
    assert world.live_nodes() == [node]
    world.until_answering()
    shown = json.loads(world.command("status", "-o", "json").stdout)
    assert shown["node"]["pid"] == node
    assert shown["supervisor"]["pid"] == supervisor.pid
    world.schedule("v2", blocks=5)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


def test_a_hang_up_of_a_service_reloads_and_the_exit_status_is_not_lost(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run(variables={"INVOCATION_ID": "0123"})
    world.until_height(2)
    supervisor.send_signal(signal.SIGHUP)
    supervisor.wait_for_log("runs on through the reload")
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    assert supervisor.wait() == 137


def test_a_bad_new_configuration_is_refused_and_all_goes_on(world: World) -> None:
    world.genesis("v1")
    config = world.root / "my.toml"
    config.write_text("")
    supervisor = world.run("start", "--home", str(world.home), f"--cosmovisor-config={config}")
    world.until_height(2)
    config.write_text('daemon_shutdown_grace = "soon"\n')
    world.until_answering()
    done = world.command("reload")
    assert done.returncode != 0
    assert "daemon_shutdown_grace" in done.stderr.lower()
    height = world.heights()[1]
    world.until_height(height + 2)
    assert world.started() == ["v1"]
    assert supervisor.stop() == 0


def test_a_file_at_its_place_that_cannot_be_read_is_refused_by_a_reload_too(world: World) -> None:
    """A start takes defaults for it, with a warning; a reload would take away what is in force."""
    world.genesis("v1")
    config = world.tree / "config.toml"
    config.write_text('daemon_shutdown_grace = "7s"\n')
    supervisor = world.run()
    world.until_height(2)
    world.until_answering()
    for text, named in (
        ("daemon_shutdown_grace = ", "config.toml"),
        ("daemon_shutdown_grace = 'soon'", "soon"),
    ):
        config.write_text(text)
        done = world.command("reload")
        assert done.returncode != 0
        assert named in done.stderr
        assert "reload again" in done.stderr
    config.write_text('daemon_shutdown_grace = "8s"\n')
    for _ in range(3):
        # Each one meets a supervisor that has just begun to listen again, or has not yet.
        done = world.command("reload")
        assert done.returncode == 0, done.stderr
    assert world.started() == ["v1"]
    assert supervisor.stop() == 0
