"""What a real wasmd left on disk at its halt is read as what it was.

`tools/real_chain/capture.py` made the files: `consensus` was alive and frozen at the height and then killed,
`block-sync` exited by itself.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from cosmovisor.chain import sign_state, wal
from cosmovisor.chain.rpc import parse_status
from cosmovisor.model.plan import Plan
from cosmovisor.plan import file as plan_file

HALTS = pathlib.Path(__file__).parents[1] / "data" / "halt"
NAMES = sorted(folder.name for folder in HALTS.iterdir())


def facts(name: str) -> dict:
    return json.loads((HALTS / name / "facts.json").read_text())


def test_both_halts_are_there():
    assert NAMES == ["block-sync", "consensus"]


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_file_of_the_halt_is_a_plan_at_its_height(name):
    plan = plan_file.parse((HALTS / name / "upgrade-info.json").read_bytes())
    assert isinstance(plan, Plan)
    assert (plan.name, plan.height) == ("v0.60", facts(name)["height"])
    assert "linux/amd64" in plan.info


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", range(1, 226, 7))
def test_every_shorter_plan_file_is_incomplete_and_never_another_plan(name, cut):
    data = (HALTS / name / "upgrade-info.json").read_bytes()
    assert isinstance(plan_file.parse(data[: len(data) - cut]), plan_file.Incomplete)


def test_the_write_ahead_log_of_a_node_in_consensus_ends_at_the_height():
    record = wal.last_end_height(str(HALTS / "consensus" / "cs.wal"))
    assert record is not None
    assert (record.height, record.complete) == (facts("consensus")["height"], True)


def test_a_node_in_block_sync_leaves_no_write_ahead_log():
    assert wal.last_end_height(str(HALTS / "block-sync" / "cs.wal")) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_sign_state_of_a_validator_has_signed_and_that_of_a_full_node_has_not(name):
    kind = sign_state.load(str(HALTS / name / "priv_validator_state.json")).kind
    assert kind == ("signed" if facts(name)["in_consensus"] else "zeroed")


def test_the_status_at_the_halt_is_at_the_height():
    answer = json.loads((HALTS / "consensus" / "status.json").read_text())
    assert parse_status(answer.get("result", answer)).height == facts("consensus")["height"]
