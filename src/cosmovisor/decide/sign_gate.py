"""No launch on a sign-state lower than what this key has already signed for this chain."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import Observations
from cosmovisor.model.state import MAX_SIGN_STATES, SignState, State


def refuse_launch(seen: Observations, state: State) -> Decision | None:
    """Return the refusal if the node must not be launched on this sign-state; None if it may.

    A key that has never signed for this chain, a node without a local key and a new chain id never stop a
    launch.
    """
    if seen.sign_key is None:
        return None
    chain_id, key = seen.sign_key
    known = _known(state.sign_states, chain_id, key)
    if known is None:
        return None
    at = f"{known.height}/{known.round}/{known.step}"
    found = seen.sign_state
    if found is not None and _order(found) >= _order(known):
        return None
    if found is None:
        what = seen.sign_problem or "the sign-state file is missing or says height 0"
    else:
        what = f"the sign-state file says {found.height}/{found.round}/{found.step}"
    return Decision(
        "refuse",
        "sign-state",
        f"{what}, but this key has signed up to {at} for {known.chain_id or 'this chain'}: signing again "
        "below "
        "that is a double sign, which is slashed and cannot be undone",
        next_step=f"put the file of height {at} back (data/priv_validator_state.json); if this key must sign "
        "from here, and nothing else signs with it, set COSMOVISOR_SIGN_GATE=off for one start",
    )


def highest(records: tuple[SignState, ...], seen: SignState | None) -> tuple[SignState, ...]:
    """Return the records with the one that was seen taken in; a record never becomes lower.

    Height 0 has never signed and is no evidence. Beyond the bound the oldest of other keys falls out.
    """
    if seen is None or seen.height <= 0:
        return records
    same = [one for one in records if (one.chain_id, one.key) == (seen.chain_id, seen.key)]
    if same and _order(same[0]) >= _order(seen):
        return records
    others = [one for one in records if (one.chain_id, one.key) != (seen.chain_id, seen.key)]
    others.sort(key=lambda one: one.at)
    return (*others[-(MAX_SIGN_STATES - 1) :], seen)


def _known(records: tuple[SignState, ...], chain_id: str, key: str) -> SignState | None:
    """Return the highest record of a key on a chain; a chain id that is not known matches every chain."""
    fitting = [one for one in records if one.key == key and (not chain_id or one.chain_id in {chain_id, ""})]
    return max(fitting, key=_order, default=None)


def _order(state: SignState) -> tuple[int, int, int]:
    """Return what the sign-state is compared by."""
    return (state.height, state.round, state.step)
