"""The running table: is it time."""

from __future__ import annotations

from cosmovisor.decide.going_back import decide_going_back
from cosmovisor.decide.schedule import decide_schedule
from cosmovisor.decide.words import due, heights, is_above, is_open, may_be_just_before, named, wait
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan


def decide_running(facts: Facts) -> Decision:
    """Return the first row that fits a running node; the same facts give the same decision."""
    if facts.data == "no record":
        return Decision(
            "record data",
            "no record",
            "the document was lost while the node ran: the data's identity is recorded and the history "
            "rebuilt from folders and markers; nothing is removed",
        )
    if facts.data != "same":
        return wait("other data", "the data was replaced under the running node; the next start looks at it")
    back = decide_going_back(facts)
    if back is not None:
        return back
    decision = _by_the_plan(facts)
    if decision.do == "wait":
        scheduled = decide_schedule(facts)
        if scheduled is not None:
            return scheduled
    return decision


def _by_the_plan(facts: Facts) -> Decision:
    """Answer by what the chain has written, or should have written."""
    file = facts.file
    plan = file.plan
    if plan is None:
        return _without_a_plan(facts)
    record = facts.record(plan)
    if plan.height in facts.skip:
        return wait("skipped", f"{named(plan)} is skipped by the node's arguments", plan)
    if record.passed:
        return wait("already passed", f"{named(plan)} is passed on this data", plan)
    if record.stage != "none":
        return wait("switched", f"{named(plan)} was switched to; {heights(facts)}", plan)
    return _by_heights(facts, plan)


def _without_a_plan(facts: Facts) -> Decision:
    """No plan can be read: only the plan that the scout knows can be due."""
    known, file = facts.known, facts.file
    frozen = facts.node.progress != "moving"
    if (
        known is not None
        and is_open(facts, known)
        and not file.writer
        and facts.b.is_exactly(known.height)
        and facts.a.is_exactly(known.height - 1)
        and frozen
    ):
        return Decision(
            "write file",
            "not written at H",
            f"the chain stands at the height of its {named(known)} and could not write its plan file; "
            f"{heights(facts)}; it is written for it, with the same fields",
            known,
        )
    if file.kind == "incomplete":
        return wait("incomplete", "the plan file is incomplete; it is read again when it changes")
    if known is not None and is_open(facts, known):
        return wait("plan known", f"the chain has {named(known)}; {heights(facts)}", known)
    return wait("no plan", f"no plan is pending; {heights(facts)}")


def _log_is_below(facts: Facts, height: int) -> bool:
    """Tell whether the write-ahead log of a living node speaks against a halt.

    A node that lives at its halt is in consensus (in block sync it would have ended), and then the log has
    the record of H, or of H-1 under optimistic execution.
    """
    return facts.b.source == "cs.wal" and facts.b.height < height - 1


def _log_ends_at(facts: Facts, height: int) -> bool:
    """Tell whether the write-ahead log of a living node ends with H, and the plan file is not older.

    Only the chain writes its file between the records of H and H+1, so one settle time is enough to see that
    nothing follows.
    """
    logged = facts.b.source == "cs.wal" and facts.b.height == height
    return logged and facts.file.not_older_than_block is True


def _by_heights(facts: Facts, plan: Plan) -> Decision:
    """Weigh the heights against H, top-down as the design has it."""
    b, a, age = facts.b, facts.a, facts.file.age
    height, progress = plan.height, facts.node.progress
    still, still_longer = progress != "moving", progress == "still longer"
    if is_above(facts, height):
        if age == "ahead":
            why = "the file was written ahead, as a schedule, and its height is executed"
            return due(facts, plan, "above H, ahead", why, proven=True)
        return Decision(
            "wait",
            "above H, passed",
            f"{named(plan)} is passed: the chain went on above its height without it "
            f"(cancelled, brought in with a copy of the data, or applied by hand); {heights(facts)}",
            plan,
            passed=plan,
        )
    if b.is_exactly(height) and may_be_just_before(facts, height) and age == "fresh":
        why = "the chain has written the file in this run and the block is saved"
        return due(facts, plan, "at H, fresh", why, proven=True)
    if b.is_exactly(height) and still and a.is_exactly(height - 1) and age in {"old", "ahead"}:
        why = "the node stands still with the block saved and not executed"
        return due(facts, plan, "at H, still", why, proven=True)
    if b.is_exactly(height) and still_longer and a.strength != "exact" and age == "old":
        why = "the node has stood still for long with the block saved"
        return due(facts, plan, "at H, still longer, a unknown", why, proven=False)
    if b.is_exactly(height - 1) and still and may_be_just_before(facts, height) and age == "fresh":
        why = "the chain has written the file in this run and stands still just below (optimistic execution)"
        return due(facts, plan, "at H-1, fresh", why, proven=True)
    if facts.node.hushed and age == "fresh" and _log_ends_at(facts, height):
        why = "its log ends at the height, the file was written after that, and nothing moves below data/"
        return due(facts, plan, "silent, log at H", why, proven=False)
    silent = b.strength != "exact" and facts.node.quiet and not _log_is_below(facts, height)
    if silent and age == "fresh":
        why = "the file was written in this run, nobody tells the height, and nothing moves below data/"
        return due(facts, plan, "silent, fresh", why, proven=False)
    if b.is_below(height) and not still:
        # An answer that was given before the file was looked at may be one of before the file was written.
        ahead = age in {"fresh", "old"} and height > b.height + 1 and b.at >= facts.at
        said = "; the file was written ahead, as a schedule" if ahead or age == "ahead" else ""
        return Decision(
            "wait",
            "below H, moving",
            f"{named(plan)} is ahead{said}; {heights(facts)}",
            plan,
            remember_ahead=ahead,
        )
    if b.is_below(height - 1):
        return wait("below H, still", f"the node stands still below {named(plan)}; {heights(facts)}", plan)
    return wait("not named", f"nothing is proven about {named(plan)} yet; {heights(facts)}", plan)
