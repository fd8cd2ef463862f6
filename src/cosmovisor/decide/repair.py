"""Decisions that put files and records right before a table is asked again.

Each returns True if the table can be asked again with the same observations, as only the document has
changed.
"""

from __future__ import annotations

from cosmovisor.decide import ledger, rebuild
from cosmovisor.decide.commands import Activate, MoveAside, WriteFile, WriteMarker
from cosmovisor.decide.turn import NEVER, Turn
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.value import replace


def write_file(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Write the plan file for a chain that could not; the halt is journalled first."""
    if decision.plan is not None:
        turn.save(ledger.halt(turn.m.state, decision.plan, inferred=True))
        turn.set(after_exit=False)
        turn.enter(turn.m.phase, decision.reason, next_at=NEVER)
        turn.do(WriteFile(decision.plan))
    return False


def move_aside(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Move the torn plan file away, and write it again where it is known."""
    turn.set(after_exit=False)
    turn.enter(turn.m.phase, decision.reason, next_at=NEVER)
    if decision.plan is not None:
        turn.save(ledger.halt(turn.m.state, decision.plan, inferred=True))
    turn.do(MoveAside())
    return False


def finish_switch(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Write the marker that is missing."""
    if decision.plan is not None and decision.version is not None:
        turn.set(goal=decision)
        turn.enter("switching", decision.reason, next_at=NEVER)
        turn.do(WriteMarker(decision.plan, decision.version))
    return False


def after_marker(turn: Turn) -> None:
    """Journal a switch that was finished."""
    goal = turn.m.goal
    if goal is None or goal.plan is None or goal.version is None:
        return
    back = [one for one in turn.facts().fits if one != goal.version]
    back_to = back[0] if len(back) == 1 else None
    state = ledger.switched(turn.m.state, goal.plan, goal.version, back_to, inferred=not goal.proven)
    turn.save(state)
    turn.set(goal=None)


def record_data(turn: Turn, _decision: Decision, facts: Facts) -> bool:
    """Record the data of a home without a record."""
    if turn.m.seen is not None:
        turn.save(rebuild.record_data(turn.m.state, turn.m.seen, facts))
    return True


def reset_stages(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """Make the fitting version active, then forget what belongs to other data.

    Until the link has moved the document knows that the data is another: what fits it is asked again.
    """
    seen = turn.m.seen
    if seen is None:
        return False
    unmark = rebuild.outdated_markers(seen, facts)
    step = facts.step
    if step is not None and step.version not in {decision.version, *unmark}:
        unmark = (*unmark, step.version)
    if decision.version is None or (decision.version == facts.link.version and not unmark):
        turn.save(rebuild.reset_stages(turn.m.state, seen, facts, decision.version))
        return True
    turn.set(after_exit=False, undoing=True)
    turn.enter("switching", decision.reason, next_at=NEVER)
    turn.do(Activate(decision.version, unmark))
    return False


def relink(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Make another version active."""
    if decision.passed is not None:
        turn.save(ledger.passed(turn.m.state, decision.passed))
    if decision.version is not None:
        turn.enter("switching", decision.reason, next_at=NEVER)
        turn.do(Activate(decision.version))
    return False


def undo(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """Forget the step in flight; if the link was moved already, it is moved back first."""
    step, plan = facts.step, decision.plan
    version = step.version if step is not None else None
    if plan is not None and version is None:
        version = facts.record(plan).version
    begun = step is None or step.kind in {"switch", "pre-upgrade"}
    if version is not None and begun and facts.link.version == version and decision.version is not None:
        turn.set(undoing=True)
        turn.enter("switching", decision.reason, next_at=NEVER)
        turn.do(Activate(decision.version, (version,)))
        return False
    after_undo(turn, decision)
    return True


def after_undo(turn: Turn, decision: Decision) -> None:
    """Journal that a step, a switch that was skipped, or what belongs to other data is undone."""
    turn.set(undoing=False)
    if decision.do == "reset stages" and turn.m.seen is not None:
        turn.save(rebuild.reset_stages(turn.m.state, turn.m.seen, turn.facts(), decision.version))
        return
    state = replace(turn.m.state, step=None)
    if decision.plan is not None:
        state = ledger.undone(state, decision.plan)
    if decision.passed is not None:
        state = ledger.passed(state, decision.passed)
    turn.save(state)
