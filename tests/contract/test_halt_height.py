"""What a real wasmd v0.55.1 (SDK 0.50.12) did with `--halt-height`, and the demo daemon does the same.

Recorded on a chain of one validator: the node stays alive and frozen with the block of its halt height saved
and not executed; started again with the same halt height it ends while it replays that block; with the next
one it executes it and halts one block later.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from tests.support.world import World

RECORDED: dict[str, Any] = json.loads(
    (pathlib.Path(__file__).parents[1] / "data" / "halt-height" / "wasmd-v0.55.1.json").read_text()
)


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Any:
    world = World(tmp_path, block_interval=0.02)
    yield world
    world.close()


def test_the_demo_daemon_halts_at_its_halt_height_as_the_real_one_does(world: World) -> None:
    world.genesis("v1", sdk=RECORDED["sdk"][:4])
    output = world.root / "alone.out"
    for run in RECORDED["runs"]:
        written = len(output.read_bytes()) if output.exists() else 0
        node = world.node_alone(None, f"--halt-height={run['halt_height']}")
        if run["exit"] is None:
            told = (run["block_store"], run["application"])
            world.wait(f"the halt at {told}", lambda told=told: world.heights() == told)
        else:
            assert node.wait(30) == run["exit"]
        world.wait("its words", lambda: run["log"].encode() in output.read_bytes()[written:])  # noqa: B023
        assert node.poll() == run["exit"]
        if run["exit"] is None:
            node.terminate()
            assert node.wait(30) == 0
    assert [note["store_height"] for note in world.notes("start")] == [0, 6, 6]
