"""An operator works beside a running supervisor: schedules, looks, asks why."""

from __future__ import annotations

import json

import pytest
from tests.support.world import World

from cosmovisor.model.plan import Plan
from cosmovisor.plan import batch
from cosmovisor.storage import document


def scheduled(world: World) -> list[tuple[str, int]]:
    state = document.read(str(world.tree / "state.json"))
    return [] if state is None else [(entry.plan.name, entry.plan.height) for entry in state.schedule]


@pytest.mark.complaint(12)
def test_the_schedule_is_changed_through_the_running_supervisor(world):
    world.genesis("v1")
    new = world.place("elsewhere", "elsewhere")
    supervisor = world.run()
    world.until_height(2)

    added = world.command("add-upgrade", "V7", new, "--upgrade-height", 100_000)
    assert added.returncode == 0, added.stderr
    world.wait("the entry", lambda: scheduled(world) == [("v7", 100_000)])
    assert (world.tree / "upgrades/v7/bin/demod").read_bytes() == new.read_bytes()
    assert not world.plan_file.exists()

    again = world.command("add-upgrade", "v7", new, "--upgrade-height", 200_000)
    assert again.returncode == 1
    assert "already scheduled" in again.stderr
    moved = world.command("add-upgrade", "v7", new, "--upgrade-height", 200_000, "--force")
    assert moved.returncode == 0, moved.stderr
    world.wait("the moved entry", lambda: scheduled(world) == [("v7", 200_000)])

    removed = world.command("schedule", "remove", "v7", "-o", "json")
    assert json.loads(removed.stdout)["removed"]["height"] == 200_000
    world.wait("the end of the entry", lambda: scheduled(world) == [])
    assert supervisor.is_alive()
    assert world.started() == ["v1"]


def test_doctor_adopt_and_explain_beside_a_running_node_change_nothing(world):
    world.genesis("v1")
    world.run()
    world.until_height(2)
    world.wait("the record of decisions", (world.tree / "decisions.jsonl").exists)

    healthy = world.command("doctor", "-o", "json")
    findings = json.loads(healthy.stdout)["findings"]
    assert healthy.returncode == 0, [finding for finding in findings if finding["outcome"] == "wrong"]
    assert {"supervisor", "heights", "current"} <= {finding["check"] for finding in findings}
    assert "rpc" in next(finding["text"] for finding in findings if finding["check"] == "heights")

    refused = world.command("adopt", "--fix")
    assert refused.returncode == 1
    assert "a node runs" in refused.stderr

    explained = world.command("explain", "-o", "json", "-n", 1)
    (record,) = json.loads(explained.stdout)
    facts = world.root / "facts.json"
    facts.write_text(json.dumps(record))
    replayed = json.loads(world.command("explain", "--facts", facts, "-o", "json").stdout)
    assert record["row"] in {decision["row"] for decision in replayed}
    assert {record["reason"]} <= {decision["reason"] for decision in replayed}
    assert world.started() == ["v1"]


def test_the_go_tools_batch_file_and_its_configuration_are_taken_over_at_the_first_start(world):
    world.genesis("v1")
    world.run().wait_for_log("running app")
    world.until_height(2)
    assert world.supervisors[0].stop() == 0
    (world.tree / "state.json").unlink()
    (world.data / "upgrade-info.json.batch").write_bytes(batch.dump([Plan("v1", 1), Plan("v9", 900_000)]))
    (world.tree / "config.toml").write_text("daemon_restart_delay = 5000000000\n")
    supervisor = world.run()
    world.wait("the entry", lambda: scheduled(world) == [("v9", 900_000)])
    supervisor.wait_for_log("v9 at height 900000 is taken over")
    supervisor.wait_for_log("an entry of")
    supervisor.wait_for_log("the Go tool would use '0s'")
    world.until_height(1)
    assert supervisor.stop() == 0
    again = world.run()
    again.wait_for_log("running app")
    world.until_height(1)
    assert again.stop() == 0
    assert "the Go tool would use" not in again.log()
