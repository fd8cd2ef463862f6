"""The operator's schedule: when an entry is due, and how an exact one is armed."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts


def decide_schedule(facts: Facts) -> Decision | None:
    """Return the due entry as a decision; None if no entry is due."""
    raise NotImplementedError
