"""What a real wasmd left on disk at its halt is read as what it was.

`tools/real_chain/capture.py` made the files: `consensus` was alive and frozen at the height and then killed,
`block-sync` exited by itself.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from cosmovisor.chain import block_store, rpc, sign_state, wal
from cosmovisor.model.plan import Plan
from cosmovisor.plan import file as plan_file

HALTS = pathlib.Path(__file__).parents[1] / "data" / "halt"
NAMES = sorted(folder.name for folder in HALTS.iterdir())


def facts(name: str) -> dict:
    return json.loads((HALTS / name / "facts.json").read_text())


def fingerprint(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    log = str(HALTS / "consensus" / "cs.wal")
    last = wal.last_end_height(log)
    assert last is not None
    assert (last.height, last.complete) == (facts("consensus")["height"], True)
    assert wal.time_of(log, last.height - 1) < wal.time_of(log, last.height)


def test_a_node_that_never_left_block_sync_has_no_write_ahead_log():
    assert wal.last_end_height(str(HALTS / "block-sync" / "cs.wal")) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_block_store_holds_the_block_of_the_height(name, tmp_path):
    before = fingerprint(HALTS / name)
    found = block_store.height(str(HALTS / name), str(tmp_path))
    assert (found.height, found.strength) == (facts(name)["height"], "exact")
    assert fingerprint(HALTS / name) == before


@pytest.mark.parametrize(("name", "kind", "step"), [("consensus", "signed", 3), ("block-sync", "zeroed", 0)])
def test_the_validator_has_signed_the_height_and_the_full_node_nothing(name, kind, step):
    state = sign_state.load(str(HALTS / name / "priv_validator_state.json"))
    assert (state.kind, state.height, state.step) == (kind, facts(name)["height"] if step else 0, step)


def test_the_halted_node_answers_with_the_height_and_an_application_one_below():
    status = rpc.parse_status(rpc.result_of((HALTS / "consensus" / "status.json").read_bytes(), "status"))
    info = rpc.result_of((HALTS / "consensus" / "abci_info.json").read_bytes(), "abci_info")["response"]
    assert (status.height, status.catching_up) == (facts("consensus")["height"], False)
    assert int(info["last_block_height"]) == facts("consensus")["application"] == status.height - 1
