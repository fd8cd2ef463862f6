"""Sign-state files: signed, zeroed, missing and malformed are four different things."""

from __future__ import annotations

import os
import pathlib

import pytest

from cosmovisor.chain import sign_state
from cosmovisor.chain.sign_state import SignState

FIXTURES = pathlib.Path(__file__).parents[2] / "data" / "fixtures"


@pytest.mark.parametrize("folder", sorted(path.name for path in FIXTURES.iterdir()))
def test_the_file_of_a_real_validator_at_the_halt_is_read(folder):
    found = sign_state.load(str(FIXTURES / folder / "4-halted.priv_validator_state.json"))
    assert found == SignState("signed", 42, 0, 3)


def test_a_file_that_never_signed_is_zeroed_and_a_missing_one_is_missing(tmp_path):
    path = tmp_path / "priv_validator_state.json"
    assert sign_state.load(str(path)).kind == "missing"
    path.write_text('{"height": "0", "round": 0, "step": 0}')
    assert sign_state.load(str(path)) == SignState("zeroed")


@pytest.mark.parametrize(
    "text",
    ["", "  ", "{", "[]", "null", '{"height":"x"}', "{}", '{"height":"5","round":-1,"step":1}', '{"height":"5","round":true}',
     '{"height":"5","round":"1","step":2}', '{"height":"99999999999999999999"}', "[" * 100_000],
)  # fmt: skip
def test_what_the_node_could_not_read_is_malformed_with_a_reason(tmp_path, text):
    path = tmp_path / "state.json"
    path.write_text(text)
    found = sign_state.load(str(path))
    assert found.kind == "malformed"
    assert found.reason


def test_a_folder_a_fifo_and_a_huge_file_are_malformed(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 33)
    for name in ("fifo", "huge", "."):
        assert sign_state.load(str(tmp_path / name)).kind == "malformed"


def test_positions_compare_by_height_then_round_then_step():
    states = [SignState("signed", *position) for position in [(5, 0, 3), (5, 1, 1), (5, 1, 2), (6, 0, 1)]]
    for lower, higher in zip(states, states[1:], strict=False):
        assert lower.is_below(higher)
        assert not higher.is_below(lower)
    assert not states[0].is_below(states[0])
    assert sign_state.highest(*states) is states[-1]
    assert states[1].text() == "height 5, round 1, step 1"
