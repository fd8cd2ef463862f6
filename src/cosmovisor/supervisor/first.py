"""The way from an empty process to the node's first instruction; nothing that could wait is imported here.

The machine is driven without a loop until the node runs, or until it asks for something that takes time; the
loop in `shell` goes on from there with what is left.
"""

from __future__ import annotations

import time

from cosmovisor.decide import commands, events, machine
from cosmovisor.model.state import State
from cosmovisor.supervisor import effects, facts, heights, keeping
from cosmovisor.supervisor.context import Context
from cosmovisor.supervisor.effects import Launched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.decide.commands import Command
    from cosmovisor.decide.events import Event

#: A table that goes round in circles must not keep the supervisor from its signals.
_ROUNDS = 60


class Start:
    """What the first steps leave for the loop.

    Attributes:
        machine: The machine as it stands.
        commands: Commands that were asked for and are not carried out yet, in order.
        events: Events that the machine has not seen yet, in order.
        launched: The node, once it runs.
        orphan: The node of an earlier supervisor, where one still lives.
        sign_key: (chain id, address) of the validator's key, where the home has one.
        said: What the operator is to be told, in order: told as soon as the node runs.
        sources: The sources of heights.
        keeper: What keeps the state document.
        status: The exit status, where the machine has ended already.
    """

    def __init__(self, context: Context, begin: machine.Machine) -> None:
        self.context = context
        self.machine = begin
        self.commands: list[Command] = []
        self.events: list[Event] = []
        self.launched: Launched | None = None
        self.orphan: Launched | None = None
        self.sign_key: tuple[str, str] | None = None
        self.said: list[commands.Say] = []
        self.sources = heights.Heights(context)
        self.keeper = keeping.Keeper(context)
        self.status: int | None = None


def run(start: Start, event: Event) -> None:
    """Drive the machine until the node runs, the machine ends, or a command needs the loop."""
    start.events.append(event)
    if start.orphan is not None:
        return  # Signals and time are needed for it: the loop does it all.
    for _ in range(_ROUNDS):
        while start.commands:
            if not _carry_out(start, start.commands[0]):
                return
            if start.status is not None:
                return
        if not start.events or start.launched is not None:
            return
        start.machine, asked = machine.advance(start.machine, start.events.pop(0))
        start.commands.extend(asked)


def _carry_out(start: Start, command: Command) -> bool:
    """Carry out one command; False where it needs the loop and stays in the list."""
    answer: Event | None = None
    if isinstance(command, commands.Say):
        start.said.append(command)
    elif isinstance(command, commands.GatherFacts):
        seen = facts.gather(start.context, start.machine.state, command, start.sources)
        start.sign_key = seen.sign_key
        answer = events.FactsGathered(time.monotonic(), seen)
    elif isinstance(command, commands.Save):
        answer = start.keeper.save(command.state)
        if answer is not None:
            start.commands = commands.after_failed_save(start.commands[1:])
            start.events.append(answer)
            return True
    elif isinstance(command, commands.Spawn):
        answer, start.launched = effects.launch(start.context, command, start.sign_key)
        if start.launched is not None:
            launched = start.launched
            start.sources.begin(launched.binary, launched.arguments, launched.child.started_at)
    elif isinstance(command, commands.Exit):
        start.status = command.status
    else:
        answer = effects.file_command(start.context, command)
        if answer is None:
            return False
    start.commands.pop(0)
    if answer is not None:
        start.events.append(answer)
    return True


def beginning(context: Context, state: State) -> machine.Machine:
    """Return the machine before its first event."""
    return machine.Machine(context.policy, state)
