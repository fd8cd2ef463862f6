"""Takes over what the Go tool has scheduled in `data/upgrade-info.json.batch`; the file stays as it is."""

from __future__ import annotations

import os
import time

from cosmovisor.decide.schedule import refuse_entry
from cosmovisor.model.errors import PlanError
from cosmovisor.model.heights import Evidence
from cosmovisor.model.state import ScheduleEntry, State
from cosmovisor.model.value import replace
from cosmovisor.supervisor.context import Context


def changed_at(path: str) -> float:
    """Return when a file was changed, in seconds since the epoch; 0 where there is none."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def entries(
    context: Context, state: State, height: Evidence, recorded_at: float
) -> tuple[list[ScheduleEntry], list[str]]:
    """Return the entries that are still to come, and what the operator should know.

    Taken over once: when the file is younger than our own document, so that an entry that was removed here
    does not come back. An entry whose height may have passed is never followed by the Go tool either.

    Args:
        context: The home.
        state: The document.
        height: The block-store height, as far as it is known.
        recorded_at: When our document was last written before this start; 0 where there was none.
    """
    path = f"{context.plan_file}.batch"
    if changed_at(path) <= recorded_at:
        return [], []
    from cosmovisor.plan import batch, file, names

    try:
        with open(path, "rb") as opened:
            plans = batch.parse(opened.read(file.LARGEST + 1))
    except (OSError, PlanError) as error:
        cause = error.cause if isinstance(error, PlanError) else f"cannot read it: {error.strerror}"
        return [], [f"the Go tool's {path} is not taken over: {cause}"]
    if not plans:
        return [], []
    if height.strength == "unknown":
        why = "the height of the chain is not known, so its entries may have passed"
        step = "add them with `cosmovisor add-upgrade --upgrade-height`"
        return [], [f"the Go tool's {path} is not taken over: {why}; {step}"]
    found: list[ScheduleEntry] = []
    notes: list[str] = []
    for plan in plans:
        if any(entry.plan == plan for entry in state.schedule):
            continue
        try:
            version = context.layout.version_for(names.check(plan.name), context.settings.recase)
        except PlanError as error:
            notes.append(f"an entry of {path} is left out: {error.cause}")
            continue
        entry = ScheduleEntry(plan, version, source="batch file", added_at=time.time())
        refusal = refuse_entry(entry, state, height.height)
        if refusal is not None:
            notes.append(f"an entry of {path} is left out: {refusal[0]}")
            continue
        state = replace(state, schedule=(*state.schedule, entry))
        found.append(entry)
        notes.append(f"{plan.name} at height {plan.height} is taken over from {path} into the schedule")
    return found, notes
