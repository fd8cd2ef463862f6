"""Broken homes: a clear error with its next step and status, and nothing started or lost."""

from __future__ import annotations

import json
import os

import pytest
from tests.support.world import World


def test_a_corrupt_state_document_is_set_aside_and_rebuilt(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    first = world.run()
    world.schedule("v2", blocks=5)
    world.until_blocks_of("v2")
    assert first.stop() == 0
    (world.tree / "state.json").write_text('{"schema": 1, "records": [')
    second = world.run()
    world.until_started("v2", 2)
    world.until_height(world.heights()[1] + 2)
    assert world.started() == ["v1", "v2", "v2"]
    assert any(name.startswith("state.json.") for name in os.listdir(world.tree))
    assert "state.json" in second.log()
    assert second.stop() == 0
    world.verify()


def test_a_state_document_of_a_newer_version_is_refused(world: World) -> None:
    world.genesis("v1")
    world.init()
    (world.tree / "state.json").write_text(json.dumps({"schema": 999}))
    supervisor = world.run()
    assert supervisor.wait() == 1
    assert "newer cosmovisor" in supervisor.log()
    assert world.started() == []
    assert json.loads((world.tree / "state.json").read_text()) == {"schema": 999}


@pytest.mark.parametrize("logs", ["false", "true"])
def test_a_missing_daemon_is_named_also_without_a_log(world: World, logs: str) -> None:
    (world.tree / "genesis" / "bin").mkdir(parents=True)
    supervisor = world.run(variables={"COSMOVISOR_DISABLE_LOGS": logs})
    assert supervisor.wait() == 1
    assert "genesis" in supervisor.log()
    assert "doctor" in supervisor.log() or "Next:" in supervisor.log() or "fix=" in supervisor.log()


def test_a_home_without_data_or_name_is_a_matter_of_configuration(world: World) -> None:
    world.genesis("v1")
    world.init()
    no_name = world.run(variables={"DAEMON_NAME": ""})
    assert no_name.wait() == 78
    assert "DAEMON_NAME" in no_name.log()
    elsewhere = world.run("start", "--home", str(world.root / "nowhere"))
    assert elsewhere.wait() == 78
    assert str(world.root / "nowhere" / "data") in elsewhere.log()
    assert "Traceback" not in no_name.log() + elsewhere.log()


def test_an_option_without_its_value_is_wrong_usage(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run("start", "--cosmovisor-config")
    assert supervisor.wait() == 64
    assert "requires an argument" in supervisor.log()


def test_a_daemon_that_the_kernel_does_not_execute_is_told_and_not_tried_for_ever(world: World) -> None:
    world.init()
    daemon = world.tree / "genesis" / "bin" / "demod"
    daemon.parent.mkdir(parents=True)
    daemon.write_bytes(b"\x7fELF" + bytes(60))
    daemon.chmod(0o755)
    supervisor = world.run()
    assert supervisor.wait() == 1
    assert "cannot start" in supervisor.log()


def test_links_in_a_loop_end_in_an_error(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.init()
    (world.data / "blockstore.db").mkdir()
    world.link("current")
    supervisor = world.run()
    assert supervisor.wait() == 1
    assert "doctor" in supervisor.log()


def test_a_question_is_answered_by_the_active_binary_and_changes_nothing(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.init()
    (world.tree / "current").unlink(missing_ok=True)
    before = sorted(path.name for path in world.tree.iterdir())
    done = world.command("run", "version")
    assert (done.returncode, done.stdout.strip()) == (0, "1.0.0")
    world.link("upgrades/v2")
    done = world.command("run", "version")
    assert done.stdout.strip() == "2.0.0"
    (world.tree / "current").unlink()
    assert sorted(path.name for path in world.tree.iterdir()) == before


def test_the_old_form_of_the_unit_file_works_with_one_notice(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run("start", "--home", str(world.home), first="")
    world.until_height(1)
    assert supervisor.log().count("old form") == 1
    assert supervisor.stop() == 0
