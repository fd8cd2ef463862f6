"""A step in flight at start-up: do it again or undo it."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts


def decide_resume(facts: Facts) -> Decision | None:
    """Return `resume` or `undo` for the step in flight; None if there is none."""
    raise NotImplementedError
