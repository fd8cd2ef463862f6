"""Versions and settings are told as they are."""

from __future__ import annotations

import json

import pytest


@pytest.mark.complaint(32)
def test_its_own_version_is_known_without_any_setting(world):
    done = world.command("version", variables={"DAEMON_HOME": "", "DAEMON_NAME": ""})
    assert done.stdout.startswith("cosmovisor version: ")
    assert any(letter.isdigit() for letter in done.stdout)


@pytest.mark.complaint(33)
def test_the_running_supervisor_answers_for_itself_whatever_the_shell_has(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run(variables={"COSMOVISOR_ORPHAN": "adopt"})
    world.until_height(2)
    shown = json.loads(world.command("status", "-o", "json").stdout)
    assert str(cosmovisor.pid) in json.dumps(shown)
    explained = world.command("config", "--explain")
    assert explained.returncode == 0
    assert "environment" in explained.stdout
    assert "default" in explained.stdout


@pytest.mark.complaint(34)
def test_a_home_of_the_node_unlike_ours_is_said_and_its_plan_is_seen(world):
    world.genesis("v1")
    world.place("v2")
    world.node_home = world.root / "other" / "node"
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert str(world.node_home) in cosmovisor.log()
    assert "DAEMON_HOME" in cosmovisor.log()
    world.verify()


@pytest.mark.complaint(35)
@pytest.mark.parametrize(("word", "backups"), [("true", 0), ("false", 1)])
def test_the_double_negative_of_the_go_tool_means_what_it_says(world, word, backups):
    world.genesis("v1")
    world.place("v2")
    world.run(variables={"UNSAFE_SKIP_BACKUP": word})
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert len([path for path in world.home.iterdir() if path.name.startswith("data-backup-")]) == backups


@pytest.mark.complaint(35)
def test_a_misspelt_setting_is_said(world):
    world.genesis("v1")
    cosmovisor = world.run(variables={"DAEMON_ALLOW_DOWNLOAD_BINARY": "true"})
    world.until_height(1)
    cosmovisor.wait_for_log("DAEMON_ALLOW_DOWNLOAD_BINARIES")
