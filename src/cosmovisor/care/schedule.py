"""Changes the operator's schedule: through a running supervisor, else in the state document."""

from __future__ import annotations

import os

from cosmovisor.config.layout import Layout
from cosmovisor.decide.schedule import refuse_entry
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY, ScheduleEntry, State
from cosmovisor.model.value import replace
from cosmovisor.observe import client
from cosmovisor.storage import codec, document, locks

_LATER = "Look at the list: cosmovisor schedule list"


class ScheduleError(CosmovisorError):
    """An entry cannot be added or removed."""

    reference = "schedule"


def read(layout: Layout) -> tuple[ScheduleEntry, ...]:
    """Return the schedule, by height, without touching anything."""
    return state_of(layout).schedule


def state_of(layout: Layout) -> State:
    """Return the state document without touching anything; an empty one where there is none."""
    return document.read(layout.state_file) or EMPTY


def added(state: State, entries: tuple[ScheduleEntry, ...], *, force: bool) -> tuple[ScheduleEntry, ...]:
    """Return the schedule with these entries.

    Args:
        state: What is there.
        entries: What is to be added.
        force: Replace an entry of the same folder.

    Raises:
        ScheduleError: The folder or the height is taken or has passed, or there are too many.
    """
    schedule = state.schedule
    reached = max(state.b.height, state.a.height)
    for entry in entries:
        same = [other for other in schedule if other.version.folder == entry.version.folder]
        if same and not force:
            raise ScheduleError(
                f"{entry.plan.name} is already scheduled at height {same[0].plan.height}",
                "Add --force to replace the entry.",
            )
        schedule = tuple([other for other in schedule if other not in same])
        refusal = refuse_entry(entry, replace(state, schedule=schedule), reached)
        if refusal is not None:
            raise ScheduleError(*refusal)
        schedule = (*schedule, entry)
    return tuple(sorted(schedule, key=lambda entry: entry.plan.height))


def add(layout: Layout, entries: tuple[ScheduleEntry, ...], *, force: bool) -> None:
    """Add entries, all or none.

    Raises:
        ScheduleError: As `added`.
        StateError: The document cannot be used, or a supervisor runs that does not answer.
    """
    before = state_of(layout)
    after = added(before, entries, force=force)
    lock = _lock(layout)
    if lock is None:
        for entry in before.schedule:
            if entry not in after:
                client.ask(layout.socket, {"do": "unschedule", "plan": codec.encode(entry.plan)})
        for entry in entries:
            client.ask(layout.socket, {"do": "schedule", "entry": codec.encode(entry)})
        return
    with lock:
        state = document.load(layout.state_file).state
        document.save(layout.state_file, replace(state, schedule=added(state, entries, force=force)))


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
