"""The daemon's `pre-upgrade` command: asked once per attempt, with the new binary, its word counts."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(36)


def asked(world) -> list[int]:
    return [entry["code"] for entry in world.notes("pre-upgrade-end")]


def test_it_runs_once_before_the_new_node_starts(world):
    world.genesis("v1")
    world.place("v2", pre_upgrade=(0,))
    world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    order = [
        (entry["what"], entry["version"])
        for entry in world.entries()
        if entry["what"] in ("start", "pre-upgrade")
    ]
    assert order == [("start", "v1"), ("pre-upgrade", "v2"), ("start", "v2")]
    world.verify()


def test_a_failure_that_may_be_repeated_is_repeated(world):
    world.genesis("v1")
    world.place("v2", pre_upgrade=(31, 31, 0))
    world.run(variables={"DAEMON_PREUPGRADE_MAX_RETRIES": "5"})
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert asked(world) == [31, 31, 0]
    world.verify()


def test_a_final_failure_starts_nothing(world):
    world.genesis("v1")
    world.place("v2", pre_upgrade=(30,))
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    assert cosmovisor.wait() != 0
    assert world.started() == ["v1"]


def test_a_kill_in_the_middle_runs_it_again(world):
    world.genesis("v1")
    world.place("v2", pre_upgrade=(0,), pre_upgrade_seconds=1.0)
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    world.wait("pre-upgrade", lambda: world.notes("pre-upgrade"))
    cosmovisor.kill()
    world.run()
    world.until_blocks_of("v2")
    assert len(world.notes("pre-upgrade")) == 2
    world.verify()
