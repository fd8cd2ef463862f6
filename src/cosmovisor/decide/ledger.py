"""How the document follows the facts and the steps; the only place that changes plan records."""

from __future__ import annotations

from cosmovisor.decide.file_age import instance
from cosmovisor.decide.frozen import LOG, learn_data
from cosmovisor.decide.sign_gate import highest
from cosmovisor.decide.words import active_version, is_above, is_open
from cosmovisor.model.facts import Facts
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import MAX_HISTORY, MAX_RECORDS, Applied, PlanRecord, State
from cosmovisor.model.value import replace


def record_of(state: State, plan: Plan) -> PlanRecord:
    """Return the record of a plan; an empty one if there is none."""
    return next((one for one in state.records if one.plan == plan), PlanRecord(plan))


def put(state: State, record: PlanRecord) -> State:
    """Return the document with a record added or replaced; beyond the bound the lowest plans fall out."""
    others = [one for one in state.records if one.plan != record.plan]
    records = sorted([*others, record], key=lambda one: one.plan.height)[-MAX_RECORDS:]
    return replace(state, records=tuple(records))


def follow(state: State, seen: Observations, facts: Facts) -> State:
    """Return the document after a look at the facts: heights, proofs, refuted halts, sign-state.

    Only for facts of the recorded data.
    """
    state = replace(
        state,
        data=learn_data(state.data, seen.data),
        chain_id=seen.chain_id or state.chain_id,
        b=state.b if _is_only_logged(facts.b) else _at_least(state.b, facts.b),
        a=_at_least(state.a, facts.a),
        log=max(state.log, _log_height(seen)),
        sign_states=highest(state.sign_states, seen.sign_state),
    )
    plan, active = facts.file.plan, active_version(facts)
    if plan is not None and is_open(facts, plan) and is_above(facts, plan.height):
        by_hand = active is not None and active == facts.target(plan)
        if by_hand:
            state = put(state, replace(record_of(state, plan), version=active, stage="proven"))
    moved = facts.node.state != "running" or facts.node.progress == "moving"
    for record in state.records:
        height = record.plan.height
        if record.stage in {"switched", "pre-upgraded"} and record.version == active:
            later = plan is not None and plan.height > height and facts.file.age == "fresh"
            if is_above(facts, height) or later:
                state = put(state, replace(record, stage="proven"))
        elif record.halt_seen and record.stage == "none" and facts.b.is_below(height - 1) and moved:
            state = put(state, replace(record, halt_seen=False, inferred=False))
    for entry in state.schedule:
        # An entry that the node's arguments skip stays skipped when these arguments have gone.
        if entry.plan.height in facts.skip and is_above(facts, entry.plan.height):
            state = passed(state, entry.plan)
    return state


def _log_height(seen: Observations) -> int:
    """Return the height of the last record of the write-ahead log, as far as it was read; 0: not at all."""
    told = seen.b.height if seen.b.source == LOG else 0
    return max([told, *(height for height, _ in seen.record_times)])


def _is_only_logged(b: Evidence) -> bool:
    """Tell whether nothing but the log tells a height: it may have been there before these databases.

    It is read again at each look, and must not outlive what the node itself answers.
    """
    return b.source == LOG and b.strength != "exact"


def _at_least(remembered: Evidence, now: Evidence) -> Evidence:
    """Return the height to remember: never lower, and never more than `at least`."""
    if now.strength == "unknown" or remembered.reaches(now.height):
        return remembered
    return Evidence(now.height, "at least", "own record", now.at)


def halt(state: State, plan: Plan, *, inferred: bool) -> State:
    """Journal that a table has said due; inferred evidence gives way to better, never the reverse."""
    record = record_of(state, plan)
    if record.stage != "none" or (record.halt_seen and not record.inferred):
        return state
    return put(state, replace(record, halt_seen=True, inferred=inferred))


def passed(state: State, plan: Plan) -> State:
    """Journal that a plan is passed on this data."""
    return put(state, replace(record_of(state, plan), passed=True, halt_seen=False))


def remember_ahead(state: State, seen: Observations) -> State:
    """Remember the plan file that lies there as written ahead."""
    return replace(state, ahead=instance(seen))


def switched(state: State, plan: Plan, version: Version, back_to: Version | None, *, inferred: bool) -> State:
    """Journal that link and marker are durable."""
    record = record_of(state, plan)
    return put(state, replace(record, version=version, stage="switched", inferred=inferred, back_to=back_to))


def pre_upgraded(state: State, plan: Plan) -> State:
    """Journal that pre-upgrade has finished."""
    return put(state, replace(record_of(state, plan), stage="pre-upgraded"))


def undone(state: State, plan: Plan) -> State:
    """Journal that a switch was undone before its plan was executed; a halt that was seen stays seen."""
    record = record_of(state, plan)
    if record.stage in {"none", "proven"}:
        return state
    return put(state, replace(record, version=None, stage="none", back_to=None))


def launched_after(state: State, version: Version | None, seconds: float) -> State:
    """Journal how long the node was down, at the first launch of the version that was switched to."""
    last = state.history[-1] if state.history else None
    if last is None or last.version != version or last.downtime or last.note:
        return state
    return replace(state, history=(*state.history[:-1], replace(last, downtime=seconds)))


def gone_back(state: State, plan: Plan, at: float) -> State:
    """Journal that a plan was taken back; its halt was refuted by the chain itself."""
    record = record_of(state, plan)
    if record.version is not None:
        state = add_history(state, Applied(plan, record.version, at, proven=False, note="gone back"))
    back = replace(record, stage="none", gone_back=True, halt_seen=False, inferred=False, version=None)
    return put(state, back)


def add_switch(state: State, line: Applied) -> State:
    """Return the document with the line of a switch; one that is done again has its line already."""
    last = state.history[-1] if state.history else None
    again = last is not None and (last.plan, last.version, last.note) == (line.plan, line.version, "")
    return state if again else add_history(state, line)


def add_history(state: State, line: Applied) -> State:
    """Return the document with one more line; the storage moves out what is beyond the bound."""
    return replace(state, history=(*state.history, line)[-MAX_HISTORY * 2 :])
