"""Going back: only after an inferred start that is not yet proven, once per plan and data identity."""

from __future__ import annotations

from cosmovisor.decide.words import active_version, heights, named
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.state import PlanRecord

#: Exit statuses of a chain program that refuses its data: an error (1) or a Go panic (2); never a signal.
REFUSALS = frozenset({1, 2})


def unproven(facts: Facts) -> PlanRecord | None:
    """Return the record of the active version if its start was inferred and can still be taken back."""
    for record in facts.records:
        if (
            record.stage in {"switched", "pre-upgraded"}
            and record.inferred
            and not record.gone_back
            and record.back_to is not None
            and record.version is not None
            and record.version == active_version(facts)
        ):
            return record
    return None


def decide_going_back(facts: Facts) -> Decision | None:
    """Return `go back` if the chain has refused the new program; None if nothing says so."""
    record = unproven(facts)
    if record is None:
        return None
    running = facts.node.state == "running"
    found = _running(facts, record) if running else _exited(facts, record)
    if found is None:
        return None
    row, why = found
    return Decision(
        "go back",
        row,
        f"the start of {named(record.plan)} was inferred, and too early: {why}; {heights(facts)}; "
        "the version before it runs again, and this is done once only",
        record.plan,
        record.back_to,
        proven=False,
    )


def _running(facts: Facts, record: PlanRecord) -> tuple[str, str] | None:
    """See whether a new program that lives stands below its height."""
    if facts.node.ever_up and facts.a.is_below(record.plan.height - 1):
        return "back: alive below H-1", "the new program answers and its application is below H-1"
    return None


def _exited(facts: Facts, record: PlanRecord) -> tuple[str, str] | None:
    """See whether a new program that ended has refused its data."""
    node, height = facts.node, record.plan.height
    if node.state != "exited":
        return None
    if not node.progressed:
        if facts.b.is_below(height - 1):
            return "back: ended below H-1", "it ended by itself without progress"
        if facts.b.is_exactly(height - 1) and node.first_launch and node.at_once:
            return "back: first launch ended at H-1", "its first launch ended at once"
    if (
        node.first_launch
        and not node.ever_up
        and node.at_once
        and node.status in REFUSALS
        and not facts.b.reaches(height)
        and facts.file.plan == record.plan
    ):
        return "back: first launch refused", f"its first launch ended at once with code {node.status}"
    return None
