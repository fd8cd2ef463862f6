"""The model's shell: carries one command of the machine out, in one move (two, where a crash may come between)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmovisor.decide import commands, events
from cosmovisor.model.receipts import BackupWaived
from cosmovisor.model.state import Step
from tests.model import laws
from tests.model.chain import File, Node
from tests.model.engine import Engine
from tests.model.held import Held
from tests.model.normal import NOW
from tests.model.world import NUMBERS, STOPPED, World, number_of

#: What a failed command is called in the machine's events; steps have the name of their kind.
FAILING: dict[type, str] = {
    commands.Save: "save",
    commands.Spawn: "spawn",
    commands.Activate: "activate",
    commands.WriteMarker: "write marker",
    commands.WriteFile: "write file",
    commands.MoveAside: "move file aside",
}


def carry_out(engine: Engine, world: World) -> Iterator[tuple[str, World | laws.BrokenError, bool]]:
    """Carry out the first command: every (what happens, the next world or the break, whether it is a fault)."""
    held = world.commands[0]
    command, rest = held.value, world._replace(commands=world.commands[1:])
    name = type(command).__name__
    if isinstance(command, commands.GatherFacts):
        for said, answer in engine.look(rest, command):
            yield said, rest._replace(events=(*rest.events, answer)), False
        return
    if isinstance(command, commands.Stage):
        yield from _stage(engine, rest)
        return
    what = f"{name} {_detail(command)}".strip()
    if world.fails and not isinstance(command, commands.Exit | commands.SignalNode | commands.KillNode):
        yield f"{what} fails", fail(engine, rest, command), True
    try:
        after = _halved(engine, world, held) if engine.config.apart else None
        if after is None:
            after = _carry_out(engine, rest, command)
    except laws.BrokenError as error:
        yield what, error, False
        return
    yield what, engine.ranked(after), False


def _detail(command: Any) -> str:
    if isinstance(command, commands.RunStep):
        return str(command.step.kind)
    if isinstance(command, commands.Spawn | commands.Activate):
        return str(command.version.name)
    return ""


def put(engine: Engine, world: World, event: Any) -> World:
    """Let an event wait for the machine."""
    return world._replace(events=(*world.events, engine.hold(event)))


def fail(engine: Engine, world: World, command: Any) -> World:
    """Let a command fail: nothing is changed; after a save that fails most of what was to follow is dropped."""
    world = world._replace(fails=world.fails - 1, half=False)
    if isinstance(command, commands.Save):
        left = commands.after_failed_save([one.value for one in world.commands])
        world = world._replace(commands=tuple(engine.hold(one) for one in left))
    what = command.step.kind if isinstance(command, commands.RunStep) else FAILING[type(command)]
    return put(engine, world, events.Failed(NOW, what, "the disk"))


def _stage(engine: Engine, world: World) -> Iterator[tuple[str, World, bool]]:
    """Fetch the binaries: they come, or not; the machine hears of both in the same way."""
    woken = events.Woken(NOW, "staging")
    if world.fails:
        yield "staging fails", put(engine, world._replace(fails=world.fails - 1), woken), True
    yield "staging is done", put(engine, world._replace(there=(2, 3)), woken), False


def _carry_out(engine: Engine, world: World, command: Any) -> World:
    """Carry out a command that has one outcome."""
    config = engine.config
    if isinstance(command, commands.Save):
        asked = world.asked or bool(command.state.schedule)
        return world._replace(doc=engine.hold(command.state), asked=asked)
    if isinstance(command, commands.Spawn):
        number = NUMBERS[command.version]
        laws.on_spawn(config, world, number, command.halt_height)
        base = world.data.a if config.rpc == "stale" else 0
        node = Node(number, skips=world.skip, armed=command.halt_height, base=base)
        world = world._replace(node=node, wal_exact=False, truth=laws.after_spawn(config, world, number))
        return put(engine, world, events.NodeSpawned(NOW, 1))
    if isinstance(command, commands.SignalNode | commands.KillNode):
        laws.on_stop(config, world)
        return end_node(engine, world, 0 if isinstance(command, commands.SignalNode) else -9)
    if isinstance(command, commands.RunStep):
        world = _step(engine, world, command.step)
        receipt = BackupWaived("the model") if command.step.kind == "backup" else None
        return put(engine, world, events.Done(NOW, command.step.kind, receipt))
    if isinstance(command, commands.Activate):
        gone = {NUMBERS[version] for version in command.unmark}
        markers = tuple(one for one in world.markers if one not in gone)
        world = set_link(engine, world, NUMBERS[command.version])._replace(markers=markers)
        return put(engine, world, events.Done(NOW, "activate"))
    if isinstance(command, commands.WriteMarker):
        markers = tuple(sorted({*world.markers, NUMBERS[command.version]}))
        return put(engine, world._replace(markers=markers), events.Done(NOW, "write marker"))
    if isinstance(command, commands.WriteFile):
        laws.on_write(config, world)
        number = number_of(command.plan)
        own = laws.height_of(number) == command.plan.height
        file = File(number, world.clock, world.clock, height=0 if own else command.plan.height)
        world = world._replace(data=world.data._replace(file=file), clock=world.clock + 1)
        return put(engine, world, events.Done(NOW, "write file"))
    if isinstance(command, commands.MoveAside):
        laws.on_write(config, world)
        world = world._replace(data=world.data._replace(file=None))
        return put(engine, world, events.Done(NOW, "move file aside"))
    if isinstance(command, commands.Exit):
        laws.on_exit(config, world)
        return world._replace(machine=None, commands=(), events=())
    raise AssertionError(f"the model's shell does not know {command}")


def set_link(engine: Engine, world: World, number: int) -> World:
    """Make a version active, unless the first half of a step has done it."""
    if world.half:
        return world._replace(half=False)
    laws.on_link(engine.config, world, number)
    return world._replace(link=number)


def _halved(engine: Engine, world: World, held: Held) -> World | None:
    """Set the link and leave the markers for another move; None where there is no first half to do."""
    command = held.value
    if world.half:
        return None
    if isinstance(command, commands.Activate):
        return set_link(engine, world, NUMBERS[command.version])._replace(half=True)
    if not isinstance(command, commands.RunStep):
        return None
    step = command.step
    if step.kind == "switch":
        laws.on_step(engine.config, world, step)
        return set_link(engine, world, NUMBERS[step.version])._replace(half=True)
    if step.kind == "go back" and step.back_to is not None:
        laws.on_going_back(engine.config, world, NUMBERS[step.version])
        return world._replace(link=NUMBERS[step.back_to], half=True)
    return None


def _step(engine: Engine, world: World, step: Step) -> World:
    """Carry out a step of the upgrade."""
    config = engine.config
    laws.on_step(config, world, step)
    number = NUMBERS[step.version]
    if step.kind == "switch":
        world = set_link(engine, world, number)
        world = world._replace(markers=tuple(sorted({*world.markers, number})))
        return world._replace(truth=laws.after_switch(config, world, number))
    if step.kind == "pre-upgrade":
        prepared = tuple(sorted({*world.truth.prepared, number}))
        return world._replace(truth=world.truth._replace(prepared=prepared))
    if step.kind == "go back":
        assert step.back_to is not None
        if not world.half:
            laws.on_going_back(config, world, number)
        markers = tuple(one for one in world.markers if one != number)
        world = world._replace(link=NUMBERS[step.back_to], markers=markers, half=False)
        return world._replace(truth=laws.after_going_back(world, number))
    return world


def end_node(engine: Engine, world: World, status: int) -> World:
    """The node ends; if a supervisor is there it is told."""
    if world.node is None:
        return world
    machine = world.machine
    adopted = machine is not None and machine.value.run is not None and machine.value.run.adopted
    world = world._replace(node=None, wal_exact=world.node.recorded and not adopted)
    if machine is not None:
        world = put(engine, world, events.NodeExited(NOW, None if adopted else status, STOPPED))
    return world
