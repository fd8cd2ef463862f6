"""The chain of the model search behaves as four recorded pairs of real programs did around their upgrade.

Height 42 of a recording is height 4 of the model, and what each real program did in each trial the model's must do.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.model.chain import FIRST, Config, Data, File, Moved, Node, node_moves
from tests.support.witness import CHAINS, FIXTURES

#: The data at the halt: block H saved and not executed.
HALTED = Data(FIRST, FIRST - 1)
WRITTEN = HALTED._replace(file=File(2, 5, 5))


@pytest.fixture(params=CHAINS)
def recorded(request: Any) -> dict[str, Any]:
    return json.loads((FIXTURES / request.param / "facts.json").read_text())


def config(recorded: dict[str, Any], **more: Any) -> Config:
    """Return the configuration whose new program refuses early starts as the recorded one did."""
    alive = "alive_after_s" in recorded["trials"]["new-before-height"]
    return Config("recorded", early="hang" if alive else "exit", **more)


def run(config: Config, data: Data, node: Node, most: int = 20) -> tuple[list[str], Data, Node | None]:
    """Let a node do what it does by itself; return what it did, the data, and the node if it still lives."""
    told: list[str] = []
    clock = 10
    living: Node | None = node
    while living is not None and len(told) < most:
        moved: list[Moved] = node_moves(config, data, living, clock)
        if not moved:
            break
        told.append(moved[0].name)
        data, living, clock = moved[0].data, moved[0].node, clock + 1
    return told, data, living


def heights(seen: dict[str, Any], height: int) -> tuple[int, int]:
    """Return recorded heights as those of the model."""
    return (
        int(seen["status_height"]) - height + FIRST,
        int(seen["app_height"]) - height + FIRST,
    )


def test_the_halted_node_stays_alive_with_its_block_saved_and_not_executed(recorded: Any) -> None:
    optimistic = int(recorded["halt"]["when_file_seen"]["status_height"]) < recorded["height"]
    chosen = config(recorded, mode="optimistic" if optimistic else "consensus")
    _, data, node = run(chosen, Data(2, 2), Node(1, "up"))
    assert recorded["halt"]["exit_code_by_itself"] is None
    assert node is not None
    assert (data.b, data.a) == (FIRST, FIRST - 1)
    assert int(recorded["halt"]["status_height_at_end"]) == recorded["height"]
    assert data.file is not None


def test_the_file_comes_when_the_block_is_saved_or_before_that_where_it_is_executed_ahead(
    recorded: Any,
) -> None:
    seen = heights(recorded["halt"]["when_file_seen"], recorded["height"])
    optimistic = seen[0] < FIRST
    chosen = config(recorded, mode="optimistic" if optimistic else "consensus")
    data, node = Data(3, 3), Node(1, "up")
    while data.file is None:
        moved = node_moves(chosen, data, node, 10)[0]
        assert moved.node is not None
        data, node = moved.data, moved.node
    assert (data.b, data.a) == seen


def test_the_old_program_started_again_refuses_and_writes_its_file_anew(recorded: Any) -> None:
    _, data, node = run(config(recorded), WRITTEN, Node(1))
    assert recorded["old_started_again_at_halt"]["exit_code"] != 0
    assert recorded["old_started_again_at_halt"]["plan_file_rewritten"]
    assert node is None
    assert data.file is not None
    assert data.file.changed > 5
    assert (data.b, data.a) == (FIRST, FIRST - 1)


def test_the_new_program_started_too_early_ends_or_hangs_and_executes_nothing(recorded: Any) -> None:
    trial = recorded["trials"]["new-before-height"]
    _, data, node = run(config(recorded), Data(2, 2, file=File(2, 5, 5)), Node(2))
    assert (node is not None) == ("alive_after_s" in trial)
    assert data.a == 2


def test_the_new_program_at_the_halt_without_the_file_does_what_the_real_one_did(recorded: Any) -> None:
    trial = recorded["trials"]["new-at-halt-without-plan-file"]
    _, data, node = run(config(recorded), HALTED, Node(2))
    assert (node is not None) == ("alive_after_s" in trial)
    if node is not None:
        assert int(trial["height"]) > recorded["height"]
        assert data.a > FIRST


def test_the_new_program_at_the_halt_executes_the_block(recorded: Any) -> None:
    _, data, node = run(config(recorded), WRITTEN, Node(2))
    assert node is not None
    assert data.a >= FIRST


def test_the_old_program_refuses_data_of_the_new_one_and_leaves_the_file(recorded: Any) -> None:
    trial = recorded["trials"]["old-after-upgrade"]
    after = Data(FIRST + 1, FIRST + 1, file=File(2, 5, 5))
    _, data, node = run(config(recorded), after, Node(1))
    assert trial["exit_code"] in (1, 2)
    assert trial["plan_file"] == "unchanged"
    assert node is None
    assert data == after


def test_in_block_sync_the_halted_node_ends_by_itself() -> None:
    """`tests/data/halt/block-sync`: a real wasmd that ended with status 2, no write-ahead log at its height."""
    _, data, node = run(Config("sync", mode="sync"), Data(2, 2), Node(1, "up"))
    assert node is None
    assert (data.b, data.a) == (FIRST, FIRST - 1)
    assert data.records == Data().records
