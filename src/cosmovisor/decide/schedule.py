"""The operator's schedule: when an entry is due, how an exact one is armed, which can be accepted."""

from __future__ import annotations

from cosmovisor.decide.going_back import REFUSALS
from cosmovisor.decide.words import due, heights, is_above, is_open, is_settled, named
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import MAX_SCHEDULE, ScheduleEntry, State
from cosmovisor.model.value import replace

#: How a node ends that has reached its halt height: up to SDK 0.47 it sends itself an interrupt.
CLEAN = frozenset({0, 130, 143, -2, -15})


def next_entry(facts: Facts) -> ScheduleEntry | None:
    """Return the lowest entry that is not done.

    Left out are heights that the operator skips, a program that the chain has planned for another height, and
    what a switch for the same or a greater height has overtaken: its program would be older than what runs.
    """
    return next((entry for entry in _open_entries(facts) if chains_own(facts, entry) is None), None)


def _open_entries(facts: Facts) -> list[ScheduleEntry]:
    """Return the entries that are neither done nor skipped, by height."""
    entries = sorted(facts.schedule, key=lambda entry: entry.plan.height)
    return [
        entry
        for entry in entries
        if entry.plan.height not in facts.skip
        and not is_settled(facts.record(entry.plan))
        and not _is_overtaken(facts, entry)
    ]


def _is_overtaken(facts: Facts, entry: ScheduleEntry) -> bool:
    """Tell whether another plan was switched to for the height of an entry or a greater one, on this data."""
    return any(
        record.stage != "none" and record.plan != entry.plan and record.plan.height >= entry.plan.height
        for record in facts.records
    )


def halt_height(facts: Facts) -> int:
    """Return the halt height that the next launch needs for an exact entry; 0 where none is armed.

    Up to early SDK 0.50 a node with halt height N-1 commits N-1 and executes nothing more. Later ones save
    the block of their halt height without executing it, and need N for the same: which kind this one is shows
    when it halts.
    """
    entry = next_entry(facts)
    if entry is None or not entry.exact or is_above(facts, entry.plan.height - 1):
        return 0
    return _armed(entry)


def _armed(entry: ScheduleEntry) -> int:
    """Return the halt height of an exact entry: the new binary executes N, the old one everything below."""
    return entry.plan.height if entry.halts_before else entry.plan.height - 1


def decide_schedule(facts: Facts) -> Decision | None:
    """Return the due entry as a decision; None if no entry is due.

    Due at application height >= N, as the Go tool has it. An exact one is due as soon as N-1 is executed and
    the node, which was started with its halt height, stands still or has ended.
    """
    entry = next_entry(facts)
    if entry is None or facts.node.state == "never started":
        return None
    plan, node = entry.plan, facts.node
    if is_above(facts, plan.height):
        why = "the operator's schedule has reached its height"
        return due(facts, plan, "schedule", why, proven=True)
    if not entry.exact or node.armed != _armed(entry):
        return None
    if _halted_before(facts, entry):
        return Decision(
            "arm again",
            "schedule, exact, again",
            f"the node halts before it executes its halt height {node.armed} (SDK 0.50 and later): it is "
            f"started again with {plan.height}, so that {named(plan)} is met exactly; {heights(facts)}",
            plan,
            node.version,
        )
    stands = node.state == "exited" or node.progress != "moving"
    clean = node.state == "exited" and node.status in CLEAN and not entry.halts_before
    if (clean and facts.b.reaches(plan.height - 1)) or (stands and is_above(facts, plan.height - 1)):
        why = "the node has halted just before the height of an exact schedule"
        return due(facts, plan, "schedule, exact", why, proven=True)
    return None


def _halted_before(facts: Facts, entry: ScheduleEntry) -> bool:
    """Tell whether a node that is armed with N-1 has refused to execute N-1."""
    node, b, below = facts.node, facts.b, entry.plan.height - 1
    if entry.halts_before or is_above(facts, below):
        return False
    if node.state == "running":
        frozen = node.progress != "moving" and b.is_exactly(below) and facts.a.is_exactly(below - 1)
        return frozen or (node.quiet and b.strength != "exact" and b.reaches(below))
    # One that is replayed at its start ends at once, and nobody may tell its height.
    replayed = node.at_once and not node.ever_up and not b.is_below(below)
    return node.status in REFUSALS and (b.reaches(below) or replayed)


def halting_before(state: State, plan: Plan) -> State:
    """Return the document that remembers how the program of an exact entry halts."""
    entries = tuple(
        replace(entry, halts_before=True) if entry.plan == plan else entry for entry in state.schedule
    )
    return replace(state, schedule=entries)


def due_at_start(facts: Facts) -> Decision | None:
    """Return an exact entry that is due before any launch: the old program would execute its height."""
    entry = next_entry(facts)
    if entry is None or not entry.exact or not is_above(facts, entry.plan.height - 1):
        return None
    why = "the data stands just before the height of an exact schedule"
    return due(facts, entry.plan, "schedule, exact", why, proven=True)


def last_commit(facts: Facts, *, orderly: bool = False) -> int | None:
    """Return the height that the application of a stopped node has committed; None where nothing tells it.

    Args:
        facts: Of the stopped node.
        orderly: It is known from its end that it has executed what it had saved.
    """
    a, b, node = facts.a, facts.b, facts.node
    if a.strength == "exact" or b.strength == "unknown":
        return None if a.strength == "unknown" else a.height
    orderly = orderly or (node.state == "exited" and node.status in CLEAN)
    if b.strength == "exact" and orderly:
        return max(a.height, b.height)  # an orderly end comes after the execution of what was saved
    return max(a.height, b.height - 1)


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
    """Say how the operator's entries and the chain's plans stand to each other; empty if they are apart.

    With different programs the lower height is followed first, and the chain's plan wins at its own height:
    its program is the only one that the chain lets pass. With the same program the chain's height counts.
    """
    for entry in _open_entries(facts):
        same = chains_own(facts, entry)
        if same is not None:
            return (
                f"the operator has scheduled {named(entry.plan)}, and the chain has {named(same)} with the "
                "same program: it refuses to run before the chain's height, so that this height is followed"
            )
        for plan in _chains_plans(facts):
            if entry.plan.height <= plan.height and facts.target(plan) != entry.version:
                return (
                    f"the operator has scheduled {named(entry.plan)} and the chain has {named(plan)}: the "
                    "lower height is followed first, and the chain's plan is followed at its own height "
                    "whatever runs then"
                )
    return ""


def chains_own(facts: Facts, entry: ScheduleEntry) -> Plan | None:
    """Return the chain's open plan for the program of an entry, where the chain has another height for it."""
    for plan in _chains_plans(facts):
        if plan.height != entry.plan.height and facts.target(plan) == entry.version:
            return plan
    return None


def _chains_plans(facts: Facts) -> list[Plan]:
    """Return what the chain itself has decided and has not come to: a file written ahead is no decision."""
    file = facts.file.plan if facts.file.age in {"fresh", "old"} else None
    plans = [plan for plan in (file, facts.known) if plan is not None and is_open(facts, plan)]
    return [plan for plan in plans if not is_above(facts, plan.height)]
