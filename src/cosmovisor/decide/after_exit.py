"""The exit table: the node has ended by itself, whatever its exit code."""

from __future__ import annotations

from cosmovisor.decide.going_back import REFUSALS, decide_going_back
from cosmovisor.decide.schedule import decide_schedule
from cosmovisor.decide.words import contradicted, due, heights, is_above, is_open, named, rests_just_before
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import PlanRecord


def decide_after_exit(facts: Facts) -> Decision:
    """Return the first row that fits a node that has ended; the same facts give the same decision."""
    if facts.data != "same":
        return _ordinary(
            "other data", "the data was replaced while the node ran; the next start looks at it", None
        )
    back = decide_going_back(facts)
    if back is not None:
        return back
    decision = _by_the_plan(facts)
    if decision.do == "exit":
        scheduled = decide_schedule(facts)
        if scheduled is not None:
            return scheduled
    return decision


def _by_the_plan(facts: Facts) -> Decision:
    """Answer by what the chain has written, or should have written."""
    plan = facts.file.plan
    if plan is None:
        return _without_a_plan(facts)
    if not is_open(facts, plan):
        return _ordinary("plan is settled", f"{named(plan)} is skipped, passed or already switched to", plan)
    return _by_heights(facts, plan)


def _without_a_plan(facts: Facts) -> Decision:
    """No plan can be read: the scout's plan, or a halt that was journalled, can still be due."""
    file = facts.file
    if file.kind == "incomplete":
        seen = torn_plan(facts)
        if seen is None or file.writer:
            return _ordinary("incomplete", f"the plan file is incomplete; {heights(facts)}", None)
        return Decision(
            "move file aside",
            "incomplete, halt known",
            f"the plan file is torn and every program refuses to start on it; it is moved aside, and "
            f"{named(seen)} is written again with the same fields; {heights(facts)}",
            seen,
        )
    known = unwritten_plan(facts)
    if known is not None:
        return Decision(
            "write file",
            "absent, at known H",
            f"the node ended at the height of the chain's {named(known)} without writing its plan file; "
            f"it is written for it, with the same fields; {heights(facts)}",
            known,
        )
    return _ordinary("no plan", f"no plan is pending; {heights(facts)}", None)


def _waits_for_its_file(facts: Facts, record: PlanRecord) -> bool:
    """Tell whether the new program has still to read the plan file, if its height is not executed yet.

    A chain does not flush the file that it writes: a power cut after the switch can take it away again.
    """
    unproven = record.stage in {"switched", "pre-upgraded"} and not record.passed
    return unproven and record.plan.height not in facts.skip


def unwritten_plan(facts: Facts) -> Plan | None:
    """Return the plan whose file is missing: switched to, of a halt seen, or refused by the chain itself."""
    for record in facts.records:
        height = record.plan.height
        at_halt = facts.b.is_exactly(height - 1) and rests_just_before(facts, height)
        there = record.halt_seen or facts.b.reaches(height) or at_halt
        open_halt = record.halt_seen and is_open(facts, record.plan)
        if contradicted(facts, height) or not there:
            continue
        if open_halt or _waits_for_its_file(facts, record):
            return record.plan
    known = facts.known
    if known is None or not is_open(facts, known) or is_above(facts, known.height):
        return None
    return known if _refused_at(facts, known.height) else None


def _refused_at(facts: Facts, height: int) -> bool:
    """Tell whether a program has refused block H: ended with an error at b = H.

    That the data stands at H is not enough for a plan that only the scout has told: it may have been moved or
    cancelled while nobody could see it, and the node may be down at the old height by chance. At a true halt
    the old program refuses before it is up, so one start of it tells the two apart; at the wrong height it
    goes on. How long that takes says nothing: a large state is loaded for minutes before a block is replayed.
    """
    node, b = facts.node, facts.b
    if node.status not in REFUSALS:
        return False
    started = node.start_b.height == height
    never_up = not node.ever_up and not node.progressed
    return b.is_exactly(height) or (never_up and started and b.height == height)


def torn_plan(facts: Facts) -> Plan | None:
    """Return the plan that a torn file held: switched to, of a halt seen, or the scout's at H = b."""
    for record in facts.records:
        open_halt = record.halt_seen and is_open(facts, record.plan)
        if contradicted(facts, record.plan.height):
            continue
        if open_halt or _waits_for_its_file(facts, record):
            return record.plan
    known = facts.known
    if known is not None and is_open(facts, known) and facts.b.reaches(known.height):
        return None if is_above(facts, known.height) else known
    return None


def _by_heights(facts: Facts, plan: Plan) -> Decision:
    """Weigh the heights against H, top-down as the design has it."""
    b, file, height = facts.b, facts.file, plan.height
    record = facts.record(plan)
    if is_above(facts, height):
        if file.age == "ahead":
            why = "its height is executed, and the schedule is followed after the restart"
            return _ordinary("above H, ahead", f"{named(plan)}: {why}; {heights(facts)}", plan)
        return _ordinary("above H", f"{named(plan)} is passed; {heights(facts)}", plan, passed=plan)
    if b.is_below(height - 1):
        return _ordinary("below H-1", f"{named(plan)} is still ahead; {heights(facts)}", plan)
    if file.age == "fresh":
        if b.is_exactly(height):
            why = "the file was written in this run and the block is saved"
            return due(facts, plan, "fresh, at H", why, proven=not file.ours)
        if b.is_exactly(height - 1):
            known = rests_just_before(facts, height)
            why = "the file was written in this run and the node ended just below its height"
            return due(facts, plan, "fresh, at H-1", why, proven=known and not file.ours)
        why = "the file was written in this run and nobody tells the height of a node that ended"
        return due(facts, plan, "fresh, not exact", why, proven=False)
    if record.halt_seen:
        why = "the halt was seen before"
        proven = b.is_exactly(height) or not record.inferred
        return due(facts, plan, "halt seen", why, proven=proven and not file.ours)
    if file.age == "old" and facts.node.at_once and facts.node.started_at_halt:
        why = "the node was started at the height and ended at once"
        return due(facts, plan, "old, ended at once at H", why, proven=False)
    return _ordinary(
        "anything else",
        f"nothing proves that {named(plan)} was met; if it was, the next start makes that sure; "
        f"{heights(facts)}",
        plan,
    )


def _ordinary(row: str, reason: str, plan: Plan | None, passed: Plan | None = None) -> Decision:
    """Return an ordinary exit: the node's status is passed on, or it is restarted if asked to."""
    return Decision("exit", row, reason, plan, passed=passed)
