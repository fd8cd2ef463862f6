"""Pieces of the sentences that the operator reads, and the questions that several tables ask."""

from __future__ import annotations

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import PlanRecord


def heights(facts: Facts) -> str:
    """Say both heights with their sources."""
    return f"block store {facts.b.text()}, application {facts.a.text()}"


def named(plan: Plan) -> str:
    """Name a plan with its height."""
    return f'plan "{plan.name}" for height {plan.height}'


def is_above(facts: Facts, height: int) -> bool:
    """Tell whether block `height` is known to be executed: b > H, or a >= H."""
    return facts.b.reaches(height + 1) or facts.a.reaches(height)


def contradicted(facts: Facts, height: int) -> bool:
    """Tell whether the data is known not to stand at the halt of height H: below H-1, or above it."""
    return facts.b.is_below(height - 1) or is_above(facts, height)


def may_be_just_before(facts: Facts, height: int) -> bool:
    """Tell whether the application height is H-1 or unknown (only exact evidence can exclude that)."""
    if facts.a.strength == "exact":
        return facts.a.height == height - 1
    return not facts.a.reaches(height)


def rests_just_before(facts: Facts, height: int) -> bool:
    """Tell whether the application of a stopped node is known to have come to H-1 and not to H."""
    return facts.a.reaches(height - 1) and not facts.a.reaches(height)


def active_version(facts: Facts) -> Version | None:
    """Return the version that runs, or would run: the node's own while it lives, else that of the link."""
    if facts.node.state != "never started" and facts.node.version is not None:
        return facts.node.version
    return facts.link.version


def is_settled(record: PlanRecord) -> bool:
    """Tell whether nothing more can become due of a plan: its binary is in place, or it is passed."""
    return record.passed or record.stage != "none"


def is_open(facts: Facts, plan: Plan | None) -> bool:
    """Tell whether a plan can still become due on this data: known, not skipped, not switched, not passed."""
    return plan is not None and plan.height not in facts.skip and not is_settled(facts.record(plan))


def is_pending(facts: Facts, plan: Plan) -> bool:
    """Tell whether a plan can still become due, and is not known to be behind."""
    return is_open(facts, plan) and not (is_above(facts, plan.height) and facts.file.age != "ahead")


def due(facts: Facts, plan: Plan, row: str, why: str, *, proven: bool) -> Decision:
    """Return `upgrade` if the binary of a due plan is ready, else `hold`; with twins, `hold` or `refuse`."""
    said = "is due" if proven else "is taken as due (inferred: the chain's own guards correct an error)"
    reason = f"{named(plan)} {said}: {why}; {heights(facts)}"
    if facts.twins:
        names = " and ".join(twin.folder for twin in facts.twins)
        reason += f"; but {names} differ only in case and hold different programs"
        step = f"remove the wrong one of {names}"
        lives = facts.node.state == "running"
        return Decision("hold" if lives else "refuse", row, reason, plan, None, proven, step)
    staged = facts.staged(plan)
    if isinstance(staged, StagedBinary):
        return Decision("upgrade", row, f"{reason}; its binary is ready", plan, staged.version, proven)
    return Decision(
        "hold",
        row,
        f"{reason}; its binary is not ready: {staged.reason}",
        plan,
        facts.target(plan),
        proven,
        staged.fix,
    )


def wait(row: str, reason: str, plan: Plan | None = None) -> Decision:
    """Return the decision to keep what runs and to ask again."""
    return Decision("wait", row, reason, plan)
