"""The running table: is it time."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts


def decide_running(facts: Facts) -> Decision:
    """Return the first row that fits; the same facts give the same decision."""
    raise NotImplementedError
