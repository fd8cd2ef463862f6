"""No launch on a sign-state lower than what this key has already signed for this chain."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.observations import Observations
from cosmovisor.model.state import SignState, State


def refuse_launch(seen: Observations, state: State) -> Decision | None:
    """Return the refusal if the node must not be launched on this sign-state; None if it may."""
    raise NotImplementedError


def highest(records: tuple[SignState, ...], seen: SignState | None) -> tuple[SignState, ...]:
    """Return the records with the one that was seen taken in; a record never becomes lower."""
    raise NotImplementedError
