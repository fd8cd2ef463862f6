"""What the scout has told is on the screen of `status`, and nothing that it tells can break that."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.fuzzing import fuzz
from tests.unit.cli.test_confidence_shown import PLAN, screen

from cosmovisor.cli import scouted

NOW = time.time()
ETA = {
    "height": 100,
    "left": 36_000,
    "interval": 6.0,
    "at": NOW + 216_000,
    "earliest": NOW + 210_000,
    "latest": NOW + 220_000,
    "measured": 9000,
    "syncing": False,
}
PROPOSAL = {
    "id": 7,
    "title": "Upgrade to v3\x1b[31m",
    "cancels": False,
    "voting_end": NOW + 90_000,
    "tally": {"yes": "660", "no": "2", "no_with_veto": "0", "abstain": "338"},
    "plans": [{"name": "v3", "height": 5000, "info": "", "binary": "fetched and checked"}],
}


def test_when_the_height_is_expected_is_said_with_its_range():
    shown = screen("digest", scout={"eta": ETA})
    assert "expected in 2 d 1" in shown
    assert "36000 blocks of 6.00 s" in shown
    assert time.strftime("%Y-%m-%d %H:%M", time.localtime(ETA["earliest"])) in shown


def test_an_estimate_for_another_height_or_none_is_not_shown():
    assert "expected" not in screen("digest", scout={"eta": {**ETA, "height": 99}})
    assert "expected" not in screen("digest", scout={"eta": None})
    assert "expected" not in screen("digest")


def test_a_moment_that_has_come_is_said_as_such():
    (line,) = scouted.expected({"scout": {"eta": {**ETA, "at": NOW - 5}}}, PLAN, NOW)
    assert line.startswith("expected at any moment")


def test_proposals_in_voting_stand_there_with_their_votes_and_their_binary():
    shown = screen("digest", scout={"proposals": [PROPOSAL]})
    assert "In voting:      7 (Upgrade to v3?[31m): v3 at height 5000, voting ends in 1 d" in shown
    assert "yes 66.0 %, no 0.2 %, veto 0.0 %, abstain 33.8 %" in shown
    assert "binary: fetched and checked" in shown
    cancels = {**PROPOSAL, "plans": [], "cancels": True, "tally": None}
    assert "cancels the scheduled upgrade" in screen("digest", scout={"proposals": [cancels]})
    fresh = {**PROPOSAL, "tally": dict.fromkeys(PROPOSAL["tally"], "0")}
    assert "no votes yet" in screen("digest", scout={"proposals": [fresh]})


def test_what_was_noticed_and_whom_the_scout_does_not_believe():
    events = [{"at": NOW, "kind": "cancelled", "text": f"event {number}"} for number in range(9)]
    shown = screen("digest", scout={"note": {"events": events, "problems": {"x": "not believed: x"}}})
    assert "event 8" in shown
    assert "event 5" not in shown
    assert "✗ not believed: x" in shown


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*ETA, *PROPOSAL, "events", "problems", "text", "yes", "no", "binary"]), inner, max_size=6),
    max_leaves=15,
)  # fmt: skip


@fuzz(200)
@given(ANY, ANY, ANY)
def test_nothing_that_a_scout_tells_breaks_the_screen(eta, proposals, note):
    shown = screen("digest", scout={"eta": eta, "proposals": proposals, "note": note})
    assert "Next upgrade:" in shown


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e300])
def test_times_out_of_reach_are_no_error(value):
    assert "Next upgrade:" in screen("digest", scout={"eta": {**ETA, "at": value, "latest": value}})
