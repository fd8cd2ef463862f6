"""The night is played through beforehand, and a rehearsal fails where the night would."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.complaint(42)


def outcome(done) -> dict:
    return json.loads(done.stdout)


def test_a_home_that_is_ready_gets_a_forecast(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    world.until_height(3)
    done = world.command("rehearse", "v2", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcome(done)
    assert found["ok"]
    assert 0 <= found["seconds"]["switch"] < 60
    assert found["seconds"]["backup"] >= 0
    assert {check["subject"] for check in found["checks"]} >= {"binary", "stand-in", "backup"}
    assert world.started() == ["v1"]
    assert cosmovisor.stop() == 0
    world.verify()


def test_a_missing_binary_fails_the_rehearsal_with_the_fix(world):
    world.genesis("v1")
    world.init()
    done = world.command("rehearse", "v2")
    assert done.returncode == 1
    assert "✗ binary" in done.stdout
    assert str(world.tree / "upgrades" / "v2" / "bin" / world.prog) in done.stdout
    assert "would fail" in done.stdout


def test_without_a_plan_the_name_is_asked_for(world):
    world.genesis("v1")
    world.init()
    done = world.command("rehearse")
    assert done.returncode == 64
    assert "cosmovisor rehearse NAME" in done.stderr


def test_the_real_binary_applies_the_upgrade_on_a_copy_of_the_halted_data(world):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    world.init(history=[{"at": 2, "plan": {"name": "v2", "height": 8}}])
    node = world.node_alone()
    world.until_halted(8)
    node.terminate()
    node.wait(30)
    before = {path: path.read_bytes() for path in world.data.rglob("*") if path.is_file()}
    done = world.command("rehearse", "--trial", "--full-backup", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome(done)["seconds"]["start"] >= 0
    assert [entry["home"] for entry in world.notes("applied")] != [str(world.node_home)]
    assert {path: path.read_bytes() for path in world.data.rglob("*") if path.is_file()} == before
    assert [
        path.name for path in world.home.iterdir() if path.name.startswith((".rehearsal", "data-backup"))
    ] == []


def test_a_binary_that_cannot_open_the_data_fails_the_rehearsal(world):
    world.genesis("v1")
    world.place("v2", crash_start=3)
    world.init(history=[{"at": 2, "plan": {"name": "v2", "height": 8}}])
    node = world.node_alone()
    world.until_halted(8)
    node.terminate()
    node.wait(30)
    done = world.command("rehearse", "v2", "--trial")
    assert done.returncode == 1
    assert "ended with status 3" in done.stdout


def test_a_binary_that_is_too_early_is_in_order(world):
    world.genesis("v1")
    world.place("v2", adds=(("v2", "epochs"),))
    node = world.node_alone()
    world.until_height(5)
    node.terminate()
    node.wait(30)
    done = world.command("rehearse", "v2", "--trial")
    assert done.returncode == 0, done.stdout
    assert "the height is not reached" in done.stdout
