"""What the document says after the data's identity was recorded, for the first time or anew."""

from __future__ import annotations

from cosmovisor.decide.file_age import instance
from cosmovisor.model.facts import Facts
from cosmovisor.model.heights import UNKNOWN
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.state import MAX_HISTORY, Applied, FileInstance, PlanRecord, State
from cosmovisor.model.value import replace


def record_data(state: State, seen: Observations, facts: Facts) -> State:
    """Record the data of a home without a record, and rebuild the history from markers.

    The plan file that lies there is stale from now on: it may belong to a snapshot. One exception: a home
    that the Go tool has kept (it has a link), whose data is known to be well below the file's height, carries
    the Go tool's own schedule, and that is followed where it lies. Under a node that runs it is what the node
    lives with.
    """
    history = state.history or _history(seen)
    record = _rebuilt(facts, _marker_of(seen, facts.link.version), facts.link.version, inferred=False)
    plan = seen.file.plan
    taken_over = seen.link.kind in {"genesis", "version"}
    schedule = taken_over and plan is not None and facts.b.is_below(plan.height - 1)
    schedule = schedule or facts.node.state == "running"
    return replace(
        _bound(state, seen, None if schedule else instance(seen)),
        history=history,
        records=() if record is None else (record,),
    )


def reset_stages(state: State, seen: Observations, facts: Facts, version: Version | None) -> State:
    """Forget what was recorded about upgrades on other data; `version` is what shall be active now.

    A start of a version above genesis counts as inferred until its height is seen. On the same folders (an
    older copy put into its place) a plan that was taken back once is not taken back again, and what is passed
    stays so.
    """
    plan = _plan_of(state, seen, version)
    record = _rebuilt(facts, plan, version, inferred=True)
    if record is not None and record.stage == "pre-upgraded" and _is_unfinished(state, version):
        record = replace(record, stage="switched")
    kept: tuple[PlanRecord, ...] = ()
    if facts.data == "same":
        if record is not None:
            back = any(one.gone_back and one.plan == record.plan for one in state.records)
            record = replace(record, gone_back=back)
        kept = tuple(
            PlanRecord(one.plan, gone_back=one.gone_back, passed=one.passed and not _is_below(facts, one))
            for one in state.records
            if one.gone_back or one.passed
        )
        kept = tuple(one for one in kept if record is None or one.plan != record.plan)
    records = kept if record is None else (*kept, record)
    stale = state.stale if facts.data == "same" else instance(seen)
    ahead = state.ahead if facts.data == "same" else None
    return replace(_bound(state, seen, stale), records=records, ahead=ahead)


def _is_unfinished(state: State, version: Version | None) -> bool:
    """Tell whether the pre-upgrade of a version was cut, or never begun."""
    step = state.step
    if step is not None and step.version == version and step.kind in {"switch", "pre-upgrade"}:
        return True
    return any(one.version == version and one.stage == "switched" for one in state.records)


def outdated_markers(seen: Observations, facts: Facts) -> tuple[Version, ...]:
    """Return the versions whose markers say an upgrade that this data has certainly not seen."""
    return tuple(
        folder.version
        for folder in seen.folders
        if folder.marker is not None
        and folder.version != GENESIS_VERSION
        and facts.b.is_below(folder.marker.height - 1)
    )


def _bound(state: State, seen: Observations, stale: FileInstance | None) -> State:
    """Return the document bound to the data that was seen; what was recorded of plans is the caller's."""
    return replace(
        state,
        data=seen.data,
        step=None,
        b=UNKNOWN,
        a=UNKNOWN,
        log=0,
        ahead=None,
        stale=stale,
        spawned=None,
        ever_spawned=False,
        written=None,
    )


def _history(seen: Observations) -> tuple[Applied, ...]:
    """Return the applied history as the markers tell it; when it happened is not known."""
    lines = [
        Applied(folder.marker, folder.version, 0.0, note="from marker")
        for folder in seen.folders
        if folder.marker is not None and folder.version != GENESIS_VERSION
    ]
    lines.sort(key=lambda line: line.plan.height)
    return tuple(lines[-MAX_HISTORY:])


def _marker_of(seen: Observations, version: Version | None) -> Plan | None:
    """Return the plan of a version's marker; where the file means the same its plan, which has the info."""
    marker = next((folder.marker for folder in seen.folders if folder.version == version), None)
    plan = seen.file.plan
    if marker is None or plan is None or marker.height != plan.height:
        return marker
    if marker.name.casefold() == plan.name.casefold():
        return plan
    return marker


def _plan_of(state: State, seen: Observations, version: Version | None) -> Plan | None:
    """Return the plan that made a version active, by marker or history."""
    marker = _marker_of(seen, version)
    if marker is not None:
        return marker
    lines = [line for line in state.history if line.version == version and not line.note]
    return lines[-1].plan if lines else None


def _rebuilt(
    facts: Facts, plan: Plan | None, version: Version | None, *, inferred: bool
) -> PlanRecord | None:
    """Return the record of the version that shall be active, as far as its plan and the heights tell it.

    Above H it is proven. At H its pre-upgrade may not have finished and runs again. With the heights unknown
    its steps count as done, as the Go tool has it.
    """
    if plan is None or version == GENESIS_VERSION:
        return None
    back = [one for one in facts.fits if one != version]
    back_to = back[0] if back else GENESIS_VERSION if GENESIS_VERSION in facts.usable else None
    if facts.b.reaches(plan.height + 1) or facts.a.reaches(plan.height):
        return PlanRecord(plan, version, "proven", back_to=back_to)
    if facts.b.reaches(plan.height):
        return PlanRecord(plan, version, "switched", inferred, back_to=back_to)
    return PlanRecord(plan, version, "pre-upgraded", inferred=True, back_to=back_to)


def _is_below(facts: Facts, record: PlanRecord) -> bool:
    """Tell whether the data is known to be below the block before a plan's height."""
    return facts.b.is_below(record.plan.height - 1)
