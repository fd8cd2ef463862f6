"""Every move of the world: the node, the machine and its shell, the operator, and what may go wrong.

`moves` returns (what happens, the next world, whether it is a fault); where a law is broken on the way the break
stands in the place of the world, and the other moves of that state are searched all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmovisor.decide import events
from cosmovisor.decide.machine import Machine
from cosmovisor.decide.run import AT_ONCE
from cosmovisor.model.state import EMPTY, ScheduleEntry
from cosmovisor.model.value import replace
from tests.model import laws
from tests.model.chain import FIRST, Config, Data, File, is_ungoverned
from tests.model.engine import Engine
from tests.model.held import Held
from tests.model.normal import NOW, STEP
from tests.model.shell import carry_out, end_node, put
from tests.model.world import PLANS, VERSIONS, World, policy

Move = tuple[str, World | laws.BrokenError, bool]


def first(engine: Engine) -> World:
    """Return the first world of a search."""
    config = engine.config
    data = Data(2, 2, 1, ((1, 1), (2, 2)))
    there = () if config.late or config.fetch else (2, 3)
    return World(
        data, None, 3, 1, (), engine.hold(EMPTY), there=there, crashes=config.crashes, fails=config.fails
    )


def moves(engine: Engine, world: World) -> Iterator[Move]:
    """Return everything that can happen next."""
    yield from _faults(engine, world)
    machine = world.machine
    if machine is None:
        yield from _node(engine, world)
        yield from _outside(engine, world)
        yield _fed("the service manager starts the supervisor", *_started(engine, world))
        return
    if world.commands:
        yield from carry_out(engine, world)
        return
    if world.events:
        event = world.events[0]
        if isinstance(event.value, events.FactsGathered) and not world.raced:
            yield from _node(engine, world._replace(raced=True))
        yield _fed(_name(event.value), engine, world._replace(events=world.events[1:], raced=False), event)
        return
    yield from _node(engine, world)
    yield from _outside(engine, world)
    if machine.value.phase in {"running", "holding", "starting"}:
        yield _fed("looks again", engine, world, engine.hold(events.Woken(NOW, "plan file")))
    if machine.value.wake < float("inf") and _may_wait(engine, world, machine.value):
        yield _fed("time passes", engine, world, engine.hold(events.Tick(NOW + STEP)), NOW + STEP)


def _may_wait(engine: Engine, world: World, machine: Machine) -> bool:
    """Tell whether time may go on before the node makes its next move."""
    node, run = world.node, machine.run
    if node is None or node.phase == "hung" or engine.config.slow:
        return True
    if node.phase == "boot":
        return engine.config.loads or run is None or run.started_at > NOW - AT_ONCE + STEP
    return not engine.node_moves(world.data, node, world.clock)


def _fed(name: str, engine: Engine, world: World, event: Held, now: float = NOW) -> Move:
    """Let the machine take an event."""
    try:
        return name, engine.feed(world, event, now), False
    except laws.BrokenError as error:
        return name, error, False


def _started(engine: Engine, world: World) -> tuple[Engine, World, Held]:
    """Start a supervisor: with the document on disk, and an orphan where one lives."""
    machine = Machine(policy(world), world.doc.value)
    if engine.config.known:
        machine = replace(machine, state=replace(machine.state, known_plan=PLANS[2]))
    world = world._replace(machine=engine.hold(machine), commands=(), events=(), wal_exact=False, half=False)
    node = world.node
    event: Any = events.Started(NOW) if node is None else events.OrphanFound(NOW, 1, armed=node.armed)
    return engine, world, engine.hold(event)


def _name(event: Any) -> str:
    if isinstance(event, events.FactsGathered):
        seen = event.seen
        return f"sees b {seen.b.text()}, a {seen.a.text()}, file {seen.file.kind}"
    if isinstance(event, events.Done | events.Failed):
        return f"{type(event).__name__.lower()}: {event.what}"
    return type(event).__name__


def _node(engine: Engine, world: World) -> Iterator[Move]:
    """Let the node do something by itself."""
    node = world.node
    if node is None or any(isinstance(event.value, events.NodeSpawned) for event in world.events):
        return
    for moved in engine.node_moves(world.data, node, world.clock):
        after = world._replace(data=moved.data, clock=world.clock + 1)
        if moved.node is None:
            after = end_node(engine, after, moved.status)
        else:
            after = after._replace(node=moved.node)
        if moved.data.file != world.data.file:
            after = _woken(engine, after)
        laws.on_block(engine.config, after)
        yield f"v{node.version} {moved.name}", engine.ranked(after), False


def _woken(engine: Engine, world: World) -> World:
    """The plan file has changed: whoever watches it is told."""
    if world.machine is None or not engine.config.watch:
        return world
    return put(engine, world, events.Woken(NOW, "plan file"))


def _outside(engine: Engine, world: World) -> Iterator[Move]:
    """Let the operator and the world do something, at moments that matter."""
    config, data = engine.config, world.data
    if config.late and not world.there and data.b >= FIRST - 1:
        yield "the binaries arrive", world._replace(there=(2, 3)), False
    if config.ahead and not world.asked and data.b == data.a == config.ahead and world.doc.value != EMPTY:
        if config.schedule:
            yield from _scheduled(engine, world)
        else:
            file = File(2, world.clock, world.clock)
            after = world._replace(data=data._replace(file=file), clock=world.clock + 1, asked=True)
            yield "the plan file is written ahead", engine.ranked(_woken(engine, after)), False
    if world.machine is not None or world.node is not None:
        return
    if config.skip and not world.skip and data.b >= FIRST - 1 and data.a < FIRST:
        yield "the operator skips the plan from now on", world._replace(skip=True), False
    if config.skip and world.skip and data.skipped and data.a >= FIRST:
        yield "the flag is taken away", world._replace(skip=False), False


def _scheduled(engine: Engine, world: World) -> Iterator[Move]:
    """The operator schedules the first plan: over the socket, or in the document where no supervisor runs.

    He tries again until the entry is saved, which is when he gets his answer.
    """
    entry = ScheduleEntry(PLANS[2], VERSIONS[2], exact=engine.config.schedule != "plain")
    if world.machine is None:
        doc = engine.hold(replace(world.doc.value, schedule=(entry,)))
        scheduled = engine.ranked(world._replace(doc=doc, asked=True))
        yield "the operator schedules the plan in the document", scheduled, False
    elif not world.machine.value.state.schedule:
        after = put(engine, world, events.Asked(NOW, "schedule", entry))
        yield "the operator schedules the plan", after, False


def _faults(engine: Engine, world: World) -> Iterator[Move]:
    """Let something go wrong, as far as the budget goes."""
    config = engine.config
    nobody = world.machine is None
    if config.restore and not world.restored and nobody and world.node is None:
        yield "an older copy is restored", _restore(engine, world), True
    if config.lose and not world.lost and nobody and world.doc.value != EMPTY:
        lost = world._replace(doc=engine.hold(EMPTY), lost=True)
        yield "the state document is lost", engine.ranked(lost), True
    if not world.crashes or (nobody and world.node is None):
        return
    world = world._replace(crashes=world.crashes - 1)
    torn = config.torn and world.data.file is not None and not world.data.file.synced
    if world.node is not None:
        dead = end_node(engine, world._replace(truth=laws.after_kill(config, world)), -9)
        if not nobody:
            yield "the node is killed", engine.ranked(dead), True
        yield "node and supervisor are killed", _without_supervisor(engine, dead), True
        if torn and dead.data.file is not None:
            empty = dead.data._replace(file=dead.data.file._replace(plan=0))
            cut = _without_supervisor(engine, dead._replace(data=empty))
            yield "power is cut, the plan file is empty", cut, True
    if not nobody:
        yield "the supervisor is killed", _without_supervisor(engine, world), True


def _without_supervisor(engine: Engine, world: World) -> World:
    truth = world.truth._replace(old_starts=0)
    world = world._replace(machine=None, commands=(), events=(), half=False, raced=False, truth=truth)
    return engine.ranked(world)


def _restore(engine: Engine, world: World) -> World:
    """Bring an older copy in; its times are as old as its blocks, its files are new."""
    config = engine.config
    to = config.restore_to
    records = tuple(record for record in world.data.records if record[0] <= to)
    file = File(2, world.clock, records[-1][1] if records else 0) if config.with_file else None
    ident = world.data.ident + (1 if config.restore == "other" else 0)
    data = Data(to, to, ident, records, file)
    truth = laws.after_restore(world)
    world = world._replace(data=data, clock=world.clock + 1, restored=True, wal_exact=False, truth=truth)
    return engine.ranked(world)


def is_goal(config: Config, world: World) -> bool:
    """Tell whether the chain has come to the top on the right version, with a supervisor watching."""
    if world.data.a < config.top or world.machine is None or world.node is None:
        return False
    if is_ungoverned(config) and not world.asked:
        return True
    return world.node.version == laws.right_version(config, world.data)
