"""A skipped upgrade leaves the old node running, in every form of the flag."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(41)


@pytest.mark.parametrize(
    "words",
    [["--unsafe-skip-upgrades", "20"], ["--unsafe-skip-upgrades=20"], ["--unsafe-skip-upgrades=3,20"]],
)
def test_the_old_node_passes_the_height_and_is_never_touched(world, words):
    world.genesis("v1")
    world.place("v2")
    world.init(history=[{"at": 3, "plan": {"name": "v2", "height": 20}}])
    cosmovisor = world.run("start", "--home", str(world.node_home), *words)
    world.until_height(26)
    assert world.started() == ["v1"]
    assert cosmovisor.stop() == 0


def test_a_skip_decided_at_the_halt_brings_the_old_node_on(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    assert cosmovisor.stop() == 0
    world.run("start", "--home", str(world.node_home), "--unsafe-skip-upgrades", str(height))
    world.until_height(height + 3)
    assert world.started() == ["v1", "v1"]
