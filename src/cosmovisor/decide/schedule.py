"""The operator's schedule: when an entry is due, how an exact one is armed, which can be accepted."""

from __future__ import annotations

from cosmovisor.decide.words import due, heights, is_above, is_settled, named
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.state import MAX_SCHEDULE, ScheduleEntry, State

#: How a node ends that has reached its halt height: up to SDK 0.47 it sends itself an interrupt.
CLEAN = frozenset({0, 130, 143, -2, -15})


def next_entry(facts: Facts) -> ScheduleEntry | None:
    """Return the lowest entry that is not done; entries of heights that the operator skips are left out."""
    for entry in sorted(facts.schedule, key=lambda entry: entry.plan.height):
        if entry.plan.height not in facts.skip and not is_settled(facts.record(entry.plan)):
            return entry
    return None


def halt_height(facts: Facts) -> int:
    """Return the halt height that the next launch needs for an exact entry; 0 where none is armed.

    A node with halt height N-1 commits N-1 and executes nothing more, so that the new binary executes N.
    """
    entry = next_entry(facts)
    if entry is None or not entry.exact or is_above(facts, entry.plan.height - 1):
        return 0
    return entry.plan.height - 1


def decide_schedule(facts: Facts) -> Decision | None:
    """Return the due entry as a decision; None if no entry is due.

    Due at application height >= N, as the Go tool has it. An exact one is due as soon as N-1 is executed and
    the node, which was started with that halt height, stands still or has ended.
    """
    entry = next_entry(facts)
    if entry is None or facts.node.state == "never started":
        return None
    plan, node = entry.plan, facts.node
    if is_above(facts, plan.height):
        why = "the operator's schedule has reached its height"
        return due(facts, plan, "schedule", why, proven=True)
    if not entry.exact or node.armed != plan.height - 1:
        return None
    stands = node.state == "exited" or node.progress != "moving"
    ended = node.state == "exited" and node.status in CLEAN and facts.b.reaches(plan.height - 1)
    if ended or (stands and is_above(facts, plan.height - 1)):
        why = "the node has halted just before the height of an exact schedule"
        return due(facts, plan, "schedule, exact", why, proven=True)
    return None


def refuse_entry(entry: ScheduleEntry, state: State, chain_height: int) -> tuple[str, str] | None:
    """Return cause and next step if an entry cannot be accepted; None if it can.

    Args:
        entry: The new entry.
        state: The document.
        chain_height: The highest height known, 0 where none is.
    """
    plan = entry.plan
    if plan.height <= chain_height:
        return (
            f"cannot schedule {named(plan)}: the chain is already at {chain_height}",
            f"choose a height above {chain_height}",
        )
    if entry.exact and plan.height <= chain_height + 1:
        return (
            f"cannot schedule {named(plan)} exactly: the halt before it would be at {chain_height}",
            f"choose a height above {chain_height + 1}, or leave out --exact",
        )
    for other in state.schedule:
        if other.plan.height == plan.height and other.plan != plan:
            return (
                f"cannot schedule {named(plan)}: {named(other.plan)} is scheduled there already",
                f"cosmovisor schedule remove {other.plan.name}",
            )
    known = state.known_plan
    if known is not None and known.height == plan.height and known.name != plan.name:
        return (
            f"cannot schedule {named(plan)}: the chain itself has {named(known)}",
            "leave this height to the chain's plan, or choose another",
        )
    if len(state.schedule) >= MAX_SCHEDULE:
        return (f"cannot schedule more than {MAX_SCHEDULE} upgrades", "remove some first")
    return None


def conflict(facts: Facts) -> str:
    """Say how a plan of the chain and the operator's next entry stand to each other; empty if apart.

    The chain's plan wins at its height: its program is the only one that the chain lets pass.
    """
    entry, plan = next_entry(facts), facts.file.plan or facts.known
    if entry is None or plan is None or entry.plan.name == plan.name:
        return ""
    if entry.plan.height > plan.height or is_settled(facts.record(plan)):
        return ""
    return (
        f"the operator has scheduled {named(entry.plan)} and the chain has {named(plan)}: the lower height "
        "is followed first, and the chain's plan is followed at its own height whatever runs then; "
        f"{heights(facts)}"
    )
