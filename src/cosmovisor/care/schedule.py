"""Changes the operator's schedule: through a running supervisor, else in the state document."""

from __future__ import annotations

import os

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import MAX_SCHEDULE, ScheduleEntry, State
from cosmovisor.model.value import replace
from cosmovisor.observe import client
from cosmovisor.storage import codec, document, locks

_LATER = "Look at the list: cosmovisor schedule list"


class ScheduleError(CosmovisorError):
    """An entry cannot be added or removed."""

    reference = "schedule"


def read(layout: Layout) -> tuple[ScheduleEntry, ...]:
    """Return the schedule, by height, without touching anything."""
    state = document.read(layout.state_file)
    return () if state is None else state.schedule


def added(
    schedule: tuple[ScheduleEntry, ...], entries: tuple[ScheduleEntry, ...], *, force: bool
) -> tuple[ScheduleEntry, ...]:
    """Return the schedule with these entries.

    Args:
        schedule: What is there.
        entries: What is to be added.
        force: Replace an entry of the same folder.

    Raises:
        ScheduleError: The folder or the height is taken, or there are too many.
    """
    for entry in entries:
        same = [other for other in schedule if other.version.folder == entry.version.folder]
        if same and not force:
            raise ScheduleError(
                f"{entry.plan.name} is already scheduled at height {same[0].plan.height}",
                "Add --force to replace the entry.",
            )
        schedule = tuple([other for other in schedule if other not in same])
        taken = [other for other in schedule if other.plan.height == entry.plan.height]
        if taken:
            raise ScheduleError(
                f"height {entry.plan.height} is already taken by {taken[0].plan.name}",
                f"Remove that one first: cosmovisor schedule remove {taken[0].plan.name}",
            )
        schedule = (*schedule, entry)
    if len(schedule) > MAX_SCHEDULE:
        raise ScheduleError(f"the schedule has room for {MAX_SCHEDULE} entries", _LATER)
    return tuple(sorted(schedule, key=lambda entry: entry.plan.height))


def add(layout: Layout, entries: tuple[ScheduleEntry, ...], *, force: bool) -> None:
    """Add entries, all or none.

    Raises:
        ScheduleError: As `added`.
        StateError: The document cannot be used, or a supervisor runs that does not answer.
    """
    before = read(layout)
    after = added(before, entries, force=force)
    lock = _lock(layout)
    if lock is None:
        for entry in before:
            if entry not in after:
                client.ask(layout.socket, {"do": "unschedule", "plan": codec.encode(entry.plan)})
        for entry in entries:
            client.ask(layout.socket, {"do": "schedule", "entry": codec.encode(entry)})
        return
    with lock:
        state = document.load(layout.state_file).state
        document.save(layout.state_file, replace(state, schedule=added(state.schedule, entries, force=force)))


def remove(layout: Layout, name: str) -> ScheduleEntry:
    """Take one entry out.

    Args:
        layout: The folder tree.
        name: The name of its plan, in any letter case.

    Raises:
        ScheduleError: There is no such entry.
        StateError: As `add`.
    """
    entry = _named(read(layout), name)
    lock = _lock(layout)
    if lock is None:
        client.ask(layout.socket, {"do": "unschedule", "plan": codec.encode(entry.plan)})
        return entry
    with lock:
        state: State = document.load(layout.state_file).state
        entry = _named(state.schedule, name)
        left = tuple([other for other in state.schedule if other != entry])
        document.save(layout.state_file, replace(state, schedule=left))
    return entry


def _named(schedule: tuple[ScheduleEntry, ...], name: str) -> ScheduleEntry:
    found = [entry for entry in schedule if entry.plan.name == name]
    found = found or [entry for entry in schedule if entry.plan.name.casefold() == name.casefold()]
    if not found:
        raise ScheduleError(f"{name} is not scheduled", _LATER)
    return found[0]


def _lock(layout: Layout) -> locks.Lock | None:
    """Take the supervisor's lock; None where a supervisor has it and must be asked."""
    try:
        return locks.hold(layout.supervisor_lock)
    except locks.LockHeld:
        if not os.path.exists(layout.socket):
            raise
        return None


def plan_of(name: str, height: int, *, recase: bool) -> Plan:
    """Make the plan of an entry; its name is written as the Go tool would."""
    from cosmovisor.config.folders import recased

    return Plan(recased(name) if recase else name, height)
