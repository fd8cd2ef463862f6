"""Upgrades by height, decided by people and not by the chain."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.complaint(12)


def add(world, name: str, height: int, *words: str) -> str:
    """Build the binary somewhere and hand it over, as in an emergency."""
    path = world.place(name, folder=f"built-{name}", handlers=())
    elsewhere = world.root / f"{name}.bin"
    path.rename(elsewhere)
    path.parent.rmdir()
    path.parent.parent.rmdir()
    done = world.command("add-upgrade", name, str(elsewhere), "--upgrade-height", str(height), *words)
    assert done.returncode == 0, done.stderr
    return str(done.stderr)


def test_a_hot_fix_by_height_runs_at_its_height_and_not_before(world):
    world.genesis("v1")
    world.run()
    world.until_height(2)
    height = world.heights()[0] + 30
    add(world, "fix", height)
    world.until_blocks_of("fix")
    (start,) = [entry for entry in world.notes("start") if entry["version"] == "fix"]
    assert start["app_height"] >= height
    assert world.started() == ["v1", "fix"]


@pytest.mark.parametrize(("sdk", "early"), [("0.47", False), ("0.50", True), ("0.50", False)])
def test_an_exact_height_is_executed_by_the_new_binary(world, sdk, early):
    world.genesis("v1", sdk=sdk, halt_height_early=early)
    cosmovisor = world.run()
    world.until_height(2)
    height = world.heights()[0] + 40
    # The halt height is an argument of the old node: it gets it at its next start, and he is told so.
    assert "restart it before that height" in add(world, "fix", height, "--exact")
    assert cosmovisor.stop() == 0
    world.run()
    world.until_blocks_of("fix")
    (start,) = [entry for entry in world.notes("start") if entry["version"] == "fix"]
    assert start["app_height"] == height - 1
    assert "--halt-height" not in " ".join(start["arguments"])
    assert max(entry["app_height"] for entry in world.notes("start") if entry["version"] == "v1") < height


def test_a_governance_plan_does_not_erase_the_schedule(world):
    world.genesis("v1")
    world.place("v2")
    world.run()
    world.until_height(2)
    height = world.heights()[0] + 60
    add(world, "fix", height)
    world.schedule("v2", blocks=10)
    world.until_blocks_of("v2")
    listed = world.command("schedule", "list")
    assert "fix" in listed.stdout
    assert str(height) in listed.stdout


def test_the_schedule_survives_restarts(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(2)
    height = world.heights()[0] + 50
    add(world, "fix", height)
    cosmovisor.kill_with_node()
    world.run()
    world.until_blocks_of("fix")
    assert world.started() == ["v1", "v1", "fix"]


def test_the_same_program_is_started_at_the_chains_own_height_and_not_at_an_earlier_one_of_the_operator(
    world,
):
    world.variables["COSMOVISOR_SCOUT"] = "on"
    world.genesis("v1")
    path = world.place("v2")
    supervisor = world.run()
    world.until_height(2)
    height = world.schedule("v2", blocks=40)
    world.hold_at(height - 20)  # nothing can be missed while the story is set up
    world.wait("the plan", lambda: json.loads(world.command("status", "-o", "json").stdout)["known_plan"])
    release = world.root / "v2.bin"
    release.write_bytes(path.read_bytes())
    early = ("--upgrade-height", height - 10, "--force")
    done = world.command("add-upgrade", "v2", release, *early)
    assert done.returncode == 0, done.stderr
    supervisor.wait_for_log("refuses to run before the chain's height")
    assert "Conflict:" in world.command("status").stdout
    world.let_go()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert [entry["height"] for entry in world.notes("applied")] == [height]
    (start,) = [entry for entry in world.notes("start") if entry["version"] == "v2"]
    assert start["app_height"] == height - 1
    world.wait(
        "the end of the entry",
        lambda: json.loads(world.command("schedule", "list", "-o", "json").stdout) == [],
    )
    assert supervisor.stop() == 0
    world.verify()
