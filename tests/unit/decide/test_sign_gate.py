"""The sign-state gate: what a key has signed is never signed below, and nobody else is stopped."""

from __future__ import annotations

import pytest
from tests.support.playbook import Play

from cosmovisor.decide import commands
from cosmovisor.decide.sign_gate import highest, refuse_launch
from cosmovisor.model.observations import Observations
from cosmovisor.model.state import MAX_SIGN_STATES, SignState, State
from cosmovisor.model.value import replace

CHAIN, KEY = "evmos_9001-2", "AB12"
SIGNED = SignState(CHAIN, KEY, 100, 1, 2, at=5.0)


def seen(
    state: SignState | None, key: tuple[str, str] | None = (CHAIN, KEY), problem: str = ""
) -> Observations:
    found = Play().see(commands.GatherFacts((), node_lives=False))
    return replace(found, sign_state=state, sign_key=key, sign_problem=problem)


@pytest.mark.parametrize(
    "found",
    [
        SIGNED,
        replace(SIGNED, height=101, round=0, step=1),
        replace(SIGNED, round=2, step=1),
        replace(SIGNED, step=3),
    ],
)
def test_a_state_that_is_not_lower_is_launched(found: SignState) -> None:
    assert refuse_launch(seen(found), State(sign_states=(SIGNED,))) is None


@pytest.mark.parametrize(
    "found",
    [replace(SIGNED, height=99, round=9, step=3), replace(SIGNED, round=0, step=3), replace(SIGNED, step=1)],
)
def test_a_lower_state_is_refused_with_what_is_at_stake(found: SignState) -> None:
    decision = refuse_launch(seen(found), State(sign_states=(SIGNED,)))
    assert decision is not None
    assert (decision.do, decision.row) == ("refuse", "sign-state")
    assert f"says {found.height}/{found.round}/{found.step}" in decision.reason
    assert "up to 100/1/2" in decision.reason
    assert CHAIN in decision.reason
    assert "COSMOVISOR_SIGN_GATE=off" in decision.next_step


def test_a_missing_or_unreadable_state_of_a_key_that_has_signed_is_refused() -> None:
    for problem in ("", "priv_validator_state.json is missing"):
        decision = refuse_launch(seen(None, problem=problem), State(sign_states=(SIGNED,)))
        assert decision is not None
        assert (problem or "missing or says height 0") in decision.reason


def test_nobody_else_is_stopped() -> None:
    known = State(sign_states=(SIGNED,))
    assert refuse_launch(seen(None, key=None), known) is None
    assert refuse_launch(seen(None, key=("evmos_9001-3", KEY)), known) is None
    assert refuse_launch(seen(None, key=(CHAIN, "CD34")), known) is None
    assert refuse_launch(seen(None), State()) is None


def test_an_unknown_chain_id_matches_every_chain_and_the_highest_counts() -> None:
    lower = replace(SIGNED, chain_id="other-1", height=50)
    known = State(sign_states=(lower, SIGNED))
    found = replace(SIGNED, chain_id="", height=60)
    assert refuse_launch(seen(found, key=("", KEY)), known) is not None
    assert refuse_launch(seen(found, key=("other-1", KEY)), known) is None
    nameless = State(sign_states=(replace(SIGNED, chain_id=""),))
    decision = refuse_launch(seen(None), nameless)
    assert decision is not None
    assert "this chain" in decision.reason


def test_a_record_never_becomes_lower() -> None:
    assert highest((), SIGNED) == (SIGNED,)
    assert highest((SIGNED,), None) == (SIGNED,)
    assert highest((), replace(SIGNED, height=0)) == ()
    assert highest((), replace(SIGNED, height=1)) != ()
    higher, lower = replace(SIGNED, step=3), replace(SIGNED, round=0, step=3)
    assert highest((SIGNED,), higher) == (higher,)
    assert highest((SIGNED,), lower) == (SIGNED,)
    assert highest((SIGNED,), replace(SIGNED, at=9.0)) == (SIGNED,)


def test_other_keys_and_chains_keep_their_records() -> None:
    other_key, other_chain = replace(SIGNED, key="CD34", height=7), replace(SIGNED, chain_id="x", height=8)
    found = highest((other_key, SIGNED, other_chain), replace(SIGNED, height=101))
    assert set(found) == {other_key, other_chain, replace(SIGNED, height=101)}


def test_beyond_the_bound_the_oldest_falls_out() -> None:
    many = tuple(
        replace(SIGNED, key=str(number), at=float(number)) for number in range(MAX_SIGN_STATES, 0, -1)
    )
    found = highest(many, SIGNED)
    assert len(found) == MAX_SIGN_STATES
    assert found[-1] == SIGNED
    assert "1" not in {one.key for one in found}
    assert "2" in {one.key for one in found}


def test_the_machine_records_at_every_look_and_refuses_at_the_launch() -> None:
    play = Play()
    play.sign_key, play.sign_state = (CHAIN, KEY), SIGNED
    play.heights(5, 5).start()
    assert play.take() == ["Spawn genesis"]
    play.exit(0)
    assert play.saved.sign_states == (SIGNED,)
    again = Play(play.saved)
    again.sign_key = (CHAIN, KEY)
    again.heights(5, 5).start()
    assert again.take() == ["Exit 1"]
    off = Play(play.saved, sign_gate=False)
    off.sign_key = (CHAIN, KEY)
    assert off.heights(5, 5).start().take() == ["Spawn genesis"]
