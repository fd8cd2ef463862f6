"""The world around the real decision code: a chain, a node, files, a shell that carries commands out, and faults.

A state is one immutable tuple. `moves` returns every next state, each with what has happened in words; whatever
breaks a law on the way raises `BrokenError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cosmovisor.decide import commands, events
from cosmovisor.decide.machine import Machine, advance
from cosmovisor.decide.policy import Policy
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, Prospect, SeenFile, SeenFolder
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import BackupWaived, FileIdentity, NodeStopped, NotStaged, StagedBinary
from cosmovisor.model.state import EMPTY, DataIdentity, FolderIdentity, State, Step
from cosmovisor.model.value import replace
from tests.model import laws
from tests.model.chain import FIRST, SECOND, Config, Data, File, Node, node_moves
from tests.model.normal import NOW, STEP, normal

VERSIONS = {1: GENESIS_VERSION, 2: Version("v2", "upgrades/v2"), 3: Version("v3", "upgrades/v3")}
NUMBERS = {version: number for number, version in VERSIONS.items()}
PLANS = {2: Plan("v2", FIRST), 3: Plan("v3", SECOND)}
PLAN_NUMBERS = {plan: number for number, plan in PLANS.items()}
STAGED = {
    number: StagedBinary(
        plan, VERSIONS[number], f"/{number}", str(number), FileIdentity(1, number, 1, 1, 1), "hand", "hand"
    )
    for number, plan in PLANS.items()
}
NOT_STAGED = NotStaged("not there yet")
STOPPED = NodeStopped(0.0)
#: One unit of logical time in seconds: more than the resolution of file times.
UNIT = 10
#: What the clock on the wall says at every look: later than all files and records.
WALL = 1e9
POLICY = Policy(hold_limit=2 * STEP, poll=STEP, settle=STEP / 3)


class World(NamedTuple):
    """Everything: data, node, files, document, machine, what the shell still has to do, and what may still go wrong."""

    data: Data = Data()
    node: Node | None = None
    clock: int = 2
    link: int = 1
    markers: tuple[int, ...] = ()
    doc: State = EMPTY
    machine: Machine | None = None
    commands: tuple[Any, ...] = ()
    events: tuple[Any, ...] = ()
    wal_exact: bool = False
    there: tuple[int, ...] = (2, 3)
    skip: bool = False
    crashes: int = 1
    restored: bool = False
    lost: bool = False
    wrote_ahead: bool = False
    raced: bool = False
    truth: laws.Truth = laws.Truth()


def first(config: Config) -> World:
    """Return the first world of a search."""
    data = Data(2, 2, 1, ((1, 1), (2, 2)))
    return World(data, clock=3, there=() if config.late else (2, 3), crashes=config.crashes)


# -- what the shell sees ---------------------------------------------------------------------------------


def observe(config: Config, world: World, asked: commands.GatherFacts, *, answers: bool) -> Observations:
    """Look at the world as the shell would; `answers` tells whether a living node's RPC does."""
    data, node = world.data, world.node
    b = a = UNKNOWN
    if asked.heights != "no":
        if node is not None and asked.node_lives:
            if answers and node.phase != "boot":
                b, a = Evidence(data.b, "exact", "rpc", WALL), Evidence(data.a, "exact", "rpc", WALL)
            elif config.wal != "no" and data.records:
                b = Evidence(data.records[-1][0], "at least", "cs.wal")
        elif node is None:
            b = _at_rest(config, world)
    file = SeenFile()
    if data.file is not None:
        identity = FileIdentity(1, 1, 1, data.file.modified * UNIT * 10**9, data.file.changed)
        if data.file.plan:
            file = SeenFile("plan", PLANS[data.file.plan], identity)
        else:
            file = SeenFile("incomplete", None, identity)
    numbers = dict.fromkeys([PLAN_NUMBERS[plan] for plan in asked.plans])
    if file.plan is not None:
        numbers[PLAN_NUMBERS[file.plan]] = None
    records = tuple((height, float(at * UNIT)) for height, at in data.records) if config.wal != "no" else ()
    folder = FolderIdentity(1, data.ident, 1)
    return Observations(
        at=WALL,
        file=file,
        data=DataIdentity(folder, folder, folder),
        link=Link("genesis" if world.link == 1 else "version", VERSIONS[world.link]),
        folders=tuple(
            SeenFolder(
                VERSIONS[number],
                number == 1 or number in world.there or number == world.link,
                PLANS[number] if number in world.markers else None,
            )
            for number in ((1, 2, 3) if config.second else (1, 2))
        ),
        b=b,
        a=a,
        tried=asked.heights != "no" and b.strength != "exact",
        record_times=records,
        data_changed_at=float(data.b * 100 + data.a * 10 + (0 if data.file is None else 1 + data.file.plan)),
        prospects=tuple(
            Prospect(PLANS[number], VERSIONS[number], STAGED[number] if number in world.there else NOT_STAGED)
            for number in numbers
        ),
    )


def _at_rest(config: Config, world: World) -> Evidence:
    """Return what a stopped node has left."""
    data = world.data
    if config.store:
        return Evidence(data.b, "exact", "block store")
    if config.wal == "no" or not data.records:
        return UNKNOWN
    exact = world.wal_exact and config.wal == "yes" and data.records[-1][0] == data.b
    return Evidence(data.records[-1][0], "exact" if exact else "at least", "cs.wal")


# -- moves -----------------------------------------------------------------------------------------------


def moves(config: Config, world: World) -> Iterator[tuple[str, World, bool]]:
    """Return (what happens, the next world, whether it is a fault) for everything that can happen next."""
    yield from _faults(config, world)
    if world.machine is None:
        yield from _node(config, world)
        yield from _outside(config, world)
        yield "the service manager starts the supervisor", start(config, world), False
        return
    if world.commands:
        yield from _command(config, world)
        return
    if world.events:
        event = world.events[0]
        if isinstance(event, events.FactsGathered) and not world.raced:
            yield from _node(config, world._replace(raced=True))
        after = world._replace(events=world.events[1:], raced=False)
        yield _name(event), feed(config, after, event), False
        return
    yield from _node(config, world)
    yield from _outside(config, world)
    if world.machine.phase in {"running", "holding", "starting"}:
        yield "looks again", feed(config, world, events.Woken(NOW, "plan file")), False
    waits = (
        world.node is None
        or world.node.phase != "up"
        or not node_moves(config, world.data, world.node, world.clock)
    )
    if world.machine.wake < float("inf") and (waits or config.slow):
        yield "time passes", feed(config, world, events.Tick(NOW + STEP), NOW + STEP), False


def start(config: Config, world: World) -> World:
    """Start a supervisor: with the document on disk, and an orphan where one lives."""
    machine = Machine(_policy(world), world.doc)
    if config.known:
        machine = replace(machine, state=replace(machine.state, known_plan=PLANS[2]))
    world = world._replace(machine=machine, commands=(), events=(), wal_exact=False)
    event = events.Started(NOW) if world.node is None else events.OrphanFound(NOW, 1)
    return feed(config, world, event)


def _policy(world: World) -> Policy:
    return replace(POLICY, skip=(FIRST,)) if world.skip else POLICY


def feed(config: Config, world: World, event: Any, now: float = NOW) -> World:
    """Let the machine take an event; its commands wait to be carried out."""
    assert world.machine is not None
    machine, asked = advance(world.machine, event)
    asked = tuple(
        one for one in asked if not isinstance(one, commands.Say | commands.WakeAt | commands.Stage)
    )
    world = world._replace(machine=machine, commands=world.commands + asked)
    laws.on_decision(config, world)
    return normal(world, now)


def _name(event: Any) -> str:
    if isinstance(event, events.FactsGathered):
        seen = event.seen
        return f"sees b {seen.b.text()}, a {seen.a.text()}, file {seen.file.kind}"
    if isinstance(event, events.Done | events.Failed):
        return f"{type(event).__name__.lower()}: {event.what}"
    return type(event).__name__


def _command(config: Config, world: World) -> Iterator[tuple[str, World, bool]]:
    """Carry out the first command."""
    command, world = world.commands[0], world._replace(commands=world.commands[1:])
    name = type(command).__name__
    if isinstance(command, commands.GatherFacts):
        choices = [True]
        if world.node is not None and command.node_lives and command.heights != "no":
            choices = {"yes": [True], "no": [False], "some": [True, False]}[config.rpc]
        for answers in choices:
            seen = observe(config, world, command, answers=answers)
            said = "" if answers else ", nobody answers"
            yield f"{name}{said}", _put(world, events.FactsGathered(NOW, seen)), False
        return
    yield f"{name} {_detail(command)}".strip(), _carry_out(config, world, command), False


def _detail(command: Any) -> str:
    if isinstance(command, commands.RunStep):
        return command.step.kind
    if isinstance(command, commands.Spawn | commands.Activate):
        return command.version.name
    if isinstance(command, commands.Exit):
        return str(command.status)
    return ""


def _carry_out(config: Config, world: World, command: Any) -> World:
    """Carry out a command that has one outcome."""
    if isinstance(command, commands.Save):
        return world._replace(doc=command.state)
    if isinstance(command, commands.Spawn):
        number = NUMBERS[command.version]
        laws.on_spawn(config, world, number)
        world = world._replace(
            node=Node(number, skips=world.skip), truth=laws.after_spawn(config, world, number)
        )
        return _put(world, events.NodeSpawned(NOW, 1))
    if isinstance(command, commands.SignalNode | commands.KillNode):
        laws.on_stop(config, world)
        return _end_node(world, 0 if isinstance(command, commands.SignalNode) else -9)
    if isinstance(command, commands.RunStep):
        return _put(
            _step(config, world, command.step), events.Done(NOW, command.step.kind, _receipt(command.step))
        )
    if isinstance(command, commands.Activate):
        laws.on_link(config, world, NUMBERS[command.version])
        gone = {NUMBERS[version] for version in command.unmark}
        world = world._replace(
            link=NUMBERS[command.version], markers=tuple(one for one in world.markers if one not in gone)
        )
        return _put(world, events.Done(NOW, "activate"))
    if isinstance(command, commands.WriteMarker):
        markers = tuple(sorted({*world.markers, NUMBERS[command.version]}))
        return _put(world._replace(markers=markers), events.Done(NOW, "write marker"))
    if isinstance(command, commands.WriteFile):
        laws.on_write(config, world)
        file = File(PLAN_NUMBERS[command.plan], world.clock, world.clock)
        world = world._replace(data=world.data._replace(file=file), clock=world.clock + 1)
        return _put(world, events.Done(NOW, "write file"))
    if isinstance(command, commands.MoveAside):
        laws.on_write(config, world)
        return _put(world._replace(data=world.data._replace(file=None)), events.Done(NOW, "move file aside"))
    if isinstance(command, commands.Exit):
        laws.on_exit(config, world)
        return world._replace(machine=None, commands=(), events=())
    raise AssertionError(f"the model's shell does not know {command}")


def _receipt(step: Step) -> BackupWaived | None:
    return BackupWaived("the model") if step.kind == "backup" else None


def _step(config: Config, world: World, step: Step) -> World:
    """Carry out a step of the upgrade in one go."""
    laws.on_step(config, world, step)
    number = NUMBERS[step.version]
    if step.kind == "switch":
        laws.on_link(config, world, number)
        world = world._replace(link=number, markers=tuple(sorted({*world.markers, number})))
        world = world._replace(truth=laws.after_switch(config, world, number))
    elif step.kind == "pre-upgrade":
        world = world._replace(
            truth=world.truth._replace(prepared=tuple(sorted({*world.truth.prepared, number})))
        )
    elif step.kind == "go back":
        assert step.back_to is not None
        laws.on_going_back(config, world, number)
        world = world._replace(
            link=NUMBERS[step.back_to], markers=tuple(one for one in world.markers if one != number)
        )
        world = world._replace(truth=laws.after_going_back(world, number))
    return world


def _put(world: World, event: Any) -> World:
    return world._replace(events=(*world.events, event))


def _end_node(world: World, status: int) -> World:
    """The node ends; if a supervisor is there it is told."""
    if world.node is None:
        return world
    adopted = world.machine is not None and world.machine.run is not None and world.machine.run.adopted
    world = world._replace(node=None, wal_exact=world.node.recorded and not adopted)
    if world.machine is not None:
        world = _put(world, events.NodeExited(NOW, None if adopted else status, STOPPED))
    return world


def _node(config: Config, world: World) -> Iterator[tuple[str, World, bool]]:
    """Let the node do something by itself."""
    if world.node is None or any(isinstance(event, events.NodeSpawned) for event in world.events):
        return
    for moved in node_moves(config, world.data, world.node, world.clock):
        after = world._replace(data=moved.data, clock=world.clock + 1)
        ended = moved.node is None
        after = _end_node(after, moved.status) if ended else after._replace(node=moved.node)
        if moved.data.file != world.data.file:
            after = _woken(config, after)
        laws.on_block(config, after)
        yield f"v{world.node.version} {moved.name}", normal(after, NOW), False


def _woken(config: Config, world: World) -> World:
    """The plan file has changed: whoever watches it is told."""
    if world.machine is None or not config.watch:
        return world
    return _put(world, events.Woken(NOW, "plan file"))


def _outside(config: Config, world: World) -> Iterator[tuple[str, World, bool]]:
    """Let the operator and the world do something, at moments that matter."""
    data = world.data
    if config.late and not world.there and data.b >= FIRST - 1:
        yield "the binaries arrive", world._replace(there=(2, 3)), False
    if config.ahead and not world.wrote_ahead and data.b == data.a == config.ahead and world.doc != EMPTY:
        file = File(2, world.clock, world.clock)
        after = world._replace(data=data._replace(file=file), clock=world.clock + 1, wrote_ahead=True)
        yield "the plan file is written ahead", normal(_woken(config, after), NOW), False
    if world.machine is not None or world.node is not None:
        return
    if config.skip and not world.skip and data.b >= FIRST - 1 and data.a < FIRST:
        yield "the operator skips the plan from now on", world._replace(skip=True), False
    if config.skip and world.skip and data.skipped and data.a >= FIRST:
        yield "the flag is taken away", world._replace(skip=False), False


def _faults(config: Config, world: World) -> Iterator[tuple[str, World, bool]]:
    """Let something go wrong, as far as the budget goes."""
    if config.restore and not world.restored and world.machine is None and world.node is None:
        yield "an older copy is restored", _restore(config, world), True
    if config.lose and not world.lost and world.machine is None and world.doc != EMPTY:
        yield "the state document is lost", world._replace(doc=EMPTY, lost=True), True
    if not world.crashes or (world.machine is None and world.node is None):
        return
    world = world._replace(crashes=world.crashes - 1)
    torn = config.torn and world.data.file is not None and not world.data.file.synced
    if world.node is not None:
        dead = _end_node(world, -9)
        if world.machine is not None:
            yield "the node is killed", normal(dead, NOW), True
        yield "node and supervisor are killed", _without_supervisor(dead), True
        if torn and dead.data.file is not None:
            empty = dead.data._replace(file=dead.data.file._replace(plan=0))
            yield "power is cut, the plan file is empty", _without_supervisor(dead._replace(data=empty)), True
    if world.machine is not None:
        yield "the supervisor is killed", _without_supervisor(world), True


def _without_supervisor(world: World) -> World:
    truth = world.truth._replace(old_starts=0)
    return normal(world._replace(machine=None, commands=(), events=(), truth=truth), NOW)


def _restore(config: Config, world: World) -> World:
    """Bring an older copy in; its times are as old as its blocks, its files are new."""
    to = config.restore_to
    records = tuple(record for record in world.data.records if record[0] <= to)
    file = File(2, world.clock, records[-1][1] if records else 0) if config.with_file else None
    ident = world.data.ident + (1 if config.restore == "other" else 0)
    data = Data(to, to, ident, records, file)
    return normal(
        world._replace(
            data=data,
            clock=world.clock + 1,
            restored=True,
            wal_exact=False,
            truth=laws.after_restore(world),
        ),
        NOW,
    )


def is_goal(config: Config, world: World) -> bool:
    """Tell whether the chain has come to the top on the right version, with a supervisor watching."""
    if world.data.a < config.top or world.machine is None or world.node is None:
        return False
    if config.patch and not world.wrote_ahead:
        return True
    return world.node.version == laws.right_version(config, world.data)
