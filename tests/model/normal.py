"""Brings a state into its normal form: times as distances from now, counters as ranks, texts left out.

Two states that can do the same must look the same, or the search would not end. Distances are cut to the classes
that the machine's rules can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosmovisor.decide.machine import Machine
from cosmovisor.model.state import FileInstance, State
from cosmovisor.model.value import replace

if TYPE_CHECKING:
    from tests.model.world import World

NOW = 1000.0
#: How far time goes in one step: more than one settle time, and two of them are the longer one.
STEP = 30.0
#: No rule looks further back than the longer settle time.
FAR = 2 * STEP
INFINITE = float("inf")


def normal(world: World, now: float) -> World:
    """Return the normal form of a world, in which it is `NOW` again."""
    world = _ranked(_without_downtimes(world))
    if world.machine is None:
        return world
    return world._replace(machine=_machine(world.machine, now))


def _past(at: float, now: float) -> float:
    """Return a past moment, cut to steps and to the furthest that counts."""
    distance = min(now - at, FAR)
    return NOW - STEP * (distance // STEP)


def _future(at: float, now: float, most: float) -> float:
    """Return a future moment, at most `most` ahead and at least a little."""
    if at == INFINITE:
        return at
    return NOW + min(max(STEP * -(-(at - now) // STEP), STEP), most)


def _machine(machine: Machine, now: float) -> Machine:
    run = machine.run
    if run is not None:
        run = replace(
            run,
            started_at=_past(run.started_at, now),
            moved_at=_past(run.moved_at, now),
            interval=0.0,
            silent_since=None if run.silent_since is None else _past(run.silent_since, now),
            data_moved_at=_past(run.data_moved_at, now),
            exited_at=None if run.exited_at is None else _past(run.exited_at, now),
        )
    decision = machine.decision
    if decision is not None:
        decision = replace(decision, reason="", next_step="")
    goal = machine.goal
    if goal is not None:
        goal = replace(goal, reason="", next_step="")
    changes: dict[str, Any] = {
        "waiting": "",
        "since": NOW,
        "run": run,
        "decision": decision,
        "goal": goal,
        "kill_at": _future(machine.kill_at, now, STEP),
        "next_at": _future(machine.next_at, now, STEP),
        "give_up_at": _future(machine.give_up_at, now, 2 * STEP),
        "heights_at": NOW,
        "staging": None,
        "saved_at": NOW,
        "ended_at": INFINITE,
        "failing_since": INFINITE,
        "failures": min(machine.failures, 3),
    }
    changes["wake"] = min(changes["kill_at"], changes["next_at"], changes["give_up_at"])
    return replace(machine, **changes)


def _without_downtimes(world: World) -> World:
    """Leave out how long a node was down: no rule looks at it, and it would tell equal states apart."""
    machine = world.machine
    documents = [world.doc] + ([] if machine is None else [machine.state])
    documents += [one.state for one in world.commands if hasattr(one, "state")]
    if not any(line.downtime for state in documents for line in state.history):
        return world
    return world._replace(
        doc=_no_downtime(world.doc),
        machine=None if machine is None else replace(machine, state=_no_downtime(machine.state)),
        commands=tuple(
            replace(one, state=_no_downtime(one.state)) if hasattr(one, "state") else one
            for one in world.commands
        ),
    )


def _no_downtime(state: State) -> State:
    return replace(state, history=tuple(replace(line, downtime=0.0) for line in state.history))


# -- logical times -----------------------------------------------------------------------------------------


def _ranked(world: World) -> World:
    """Replace every logical time by its rank among those that are still told from each other."""
    times = {at for _, at in world.data.records}
    file = world.data.file
    if file is not None:
        times |= {file.changed, file.modified}
    states = [world.doc] + ([] if world.machine is None else [world.machine.state])
    states += [one.state for one in world.commands if hasattr(one, "state")]
    for state in states:
        for name in ("spawned", "ahead", "stale", "written"):
            instance = getattr(state, name)
            if instance is not None:
                times.add(instance.ctime_ns)
    seen = [] if world.machine is None or world.machine.seen is None else [world.machine.seen]
    seen += [one.seen for one in world.events if hasattr(one, "seen")]
    for look in seen:
        times |= {int(at) // 10 for _, at in look.record_times}
        if look.file.identity is not None:
            times |= {look.file.identity.ctime_ns, look.file.identity.mtime_ns // 10**10}
    ranks = {at: rank for rank, at in enumerate(sorted(times), 1)}
    if all(at == rank for at, rank in ranks.items()) and world.clock == len(ranks) + 1:
        return world
    data = world.data._replace(
        records=tuple((height, ranks[at]) for height, at in world.data.records),
        file=None
        if file is None
        else file._replace(changed=ranks[file.changed], modified=ranks[file.modified]),
    )
    machine = world.machine
    if machine is not None:
        machine = replace(machine, state=_state(machine.state, ranks), seen=_seen(machine.seen, ranks))
    return world._replace(
        data=data,
        clock=len(ranks) + 1,
        doc=_state(world.doc, ranks),
        machine=machine,
        commands=tuple(
            replace(one, state=_state(one.state, ranks)) if hasattr(one, "state") else one
            for one in world.commands
        ),
        events=tuple(
            replace(one, seen=_seen(one.seen, ranks)) if hasattr(one, "seen") else one for one in world.events
        ),
    )


def _state(state: State, ranks: dict[int, int]) -> State:
    changes = {}
    for name in ("spawned", "ahead", "stale", "written"):
        instance = getattr(state, name)
        if instance is not None:
            changes[name] = FileInstance(instance.inode, ranks[instance.ctime_ns])
    return replace(state, **changes) if changes else state


def _seen(seen: Any, ranks: dict[int, int]) -> Any:
    if seen is None:
        return None
    file = seen.file
    if file.identity is not None:
        identity = replace(
            file.identity,
            ctime_ns=ranks[file.identity.ctime_ns],
            mtime_ns=ranks[file.identity.mtime_ns // 10**10] * 10**10,
        )
        file = replace(file, identity=identity)
    records = tuple((height, float(ranks[int(at) // 10] * 10)) for height, at in seen.record_times)
    return replace(seen, file=file, record_times=records)
