"""A step in flight at start-up: do it again or undo it, by the journal alone, never by the link."""

from __future__ import annotations

from cosmovisor.decide.words import heights, is_above, named
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import Step


def decide_resume(facts: Facts) -> Decision | None:
    """Return `resume` or `undo` for the step in flight; None if there is none."""
    step = facts.step
    if step is None:
        return None
    cause = _contradiction(facts, step)
    if cause is None:
        return Decision(
            "resume",
            f"resume {step.kind}",
            f"the step {step.kind} for {named(step.plan)} was cut: it is done again; {heights(facts)}",
            step.plan,
            step.version,
            not step.inferred,
        )
    return Decision(
        "undo",
        f"undo {step.kind}",
        f"the step {step.kind} for {named(step.plan)} was cut and is undone: {cause}; {heights(facts)}",
        step.plan,
        step.back_to,
    )


def _contradiction(facts: Facts, step: Step) -> str | None:
    """Say why a step must not be done again; None if nothing speaks against it."""
    plan = step.plan
    if step.kind == "go back":
        return None if step.back_to is not None else "the version to go back to is not known"
    if plan.height in facts.skip and not is_above(facts, plan.height):
        return "its plan is skipped by the node's arguments"
    if step.kind == "pre-upgrade":
        return None  # the switch is durable; data below it was caught before
    if facts.b.is_below(plan.height - 1) and not _scheduled(facts, step):
        return "the data is below its height"
    if facts.file.kind == "plan" and facts.file.plan != plan and not _scheduled(facts, step):
        return "the plan file holds another plan now"
    if facts.file.kind != "plan" and not _scheduled(facts, step):
        return "the plan file does not hold it any more"
    if is_above(facts, plan.height) and facts.file.age != "ahead" and not _scheduled(facts, step):
        return "the data is above its height already"
    if not isinstance(facts.staged(plan), StagedBinary):
        return "its binary is not ready any more"
    return None


def _scheduled(facts: Facts, step: Step) -> bool:
    """Tell whether the step belongs to the operator's schedule, which needs no plan file."""
    return any(entry.plan == step.plan for entry in facts.schedule)
