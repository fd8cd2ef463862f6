"""The real decision machine behind memories: what it was asked once with the same values it is not asked again.

Every memory is keyed by the whole input (canonical values, compared by identity), so nothing is approximated.
A memory lives for one search: a rule that is exchanged for the next one is asked anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from cosmovisor.decide import commands, turn
from cosmovisor.decide.events import FactsGathered
from cosmovisor.decide.machine import advance
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts, NodeFact
from cosmovisor.model.observations import Observations
from cosmovisor.model.state import State
from cosmovisor.model.value import replace
from tests.model import laws
from tests.model.chain import Config, Data, Moved, Node, node_moves
from tests.model.held import Held, Store, bits, rank
from tests.model.normal import NOW, normal, timeless
from tests.model.world import World, answers, observe

#: Commands that change nothing in this world: words, the next tick (time passes anyway).
WORDS = (commands.Say, commands.WakeAt)


class Answer(NamedTuple):
    """What the machine made of an event; `decision` is the one that it took just now."""

    machine: Held
    commands: tuple[Held, ...]
    decision: Decision | None


class Engine:
    """Machine, eyes and chain of one search."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Store()
        self._answers: dict[tuple[Held, Held, float], Answer] = {}
        self._facts: dict[tuple[Held, Held, Held, tuple[int, ...]], Facts] = {}
        self._seen: dict[tuple[Any, ...], tuple[tuple[str, Held], ...]] = {}
        self._moves: dict[tuple[Data, Node, int], list[Moved]] = {}
        self._times: dict[Data, int] = {}
        self._data: dict[tuple[Data, int], Data] = {}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the machine's own facts be remembered, too, as long as this lasts."""
        real, hold = turn.facts_of, self.store.hold

        def remembered(state: State, seen: Observations, node: NodeFact, skip: tuple[int, ...]) -> Facts:
            key = (hold(state), hold(seen), hold(node), skip)
            facts = self._facts.get(key)
            if facts is None:
                facts = self._facts[key] = real(state, seen, node, skip)
            return facts

        turn.facts_of = remembered
        try:
            yield
        finally:
            turn.facts_of = real

    def hold(self, value: Any) -> Held:
        """Return the one `Held` of a value."""
        return self.store.hold(value)

    def feed(self, world: World, event: Held, now: float = NOW) -> World:
        """Let the machine take an event; its commands wait to be carried out."""
        assert world.machine is not None
        key = (world.machine, event, now)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._ask(world.machine.value, event.value, now)
        machine, asked, decision = answer
        world = world._replace(machine=machine, commands=world.commands + asked if asked else world.commands)
        if decision is not None:
            laws.on_decision(self.config, world, decision)
        return self.ranked(world)

    def _ask(self, machine: Any, event: Any, now: float) -> Answer:
        machine, asked = advance(machine, event)
        decision = machine.decision
        if decision is not None and not decision.reason:
            decision = None  # the normal form leaves reasons out: this one is of an earlier event
        wanted = tuple(
            self.hold(replace(one, state=timeless(one.state)) if isinstance(one, commands.Save) else one)
            for one in asked
            if not isinstance(one, WORDS) and (self.config.fetch or not isinstance(one, commands.Stage))
        )
        return Answer(self.hold(normal(machine, now)), wanted, decision)

    def look(self, world: World, command: commands.GatherFacts) -> tuple[tuple[str, Held], ...]:
        """Return every (how it is answered, the answer) that a look can give now."""
        node = world.node
        key = (
            world.data,
            None if node is None else (node.phase, node.base),
            world.link,
            world.markers,
            world.there,
            world.wal_exact,
            command.plans,
            command.node_lives,
            command.heights,
        )
        found = self._seen.get(key)
        if found is None:
            found = self._seen[key] = tuple(
                (
                    f"GatherFacts{_said(late)}",
                    self.hold(FactsGathered(NOW, observe(self.config, world, command, late))),
                )
                for late in answers(self.config, world, command)
            )
        return found

    def node_moves(self, data: Data, node: Node, clock: int) -> list[Moved]:
        """Return what the node can do next by itself."""
        key = (data, node, clock)
        found = self._moves.get(key)
        if found is None:
            found = self._moves[key] = node_moves(self.config, data, node, clock)
        return found

    def ranked(self, world: World) -> World:
        """Replace every logical time by its rank among those that are still told from each other."""
        data = world.data
        mask = self._times.get(data)
        if mask is None:
            mask = bits(at for _, at in data.records)
            if data.file is not None:
                mask |= bits((data.file.changed, data.file.modified))
            self._times[data] = mask
        mask |= world.doc.times
        if world.machine is not None:
            mask |= world.machine.times
        for one in world.commands:
            mask |= one.times
        for one in world.events:
            mask |= one.times
        if not mask & (mask + 1) and world.clock == mask.bit_length() + 1:
            return world
        relabelled = self.store.relabelled
        return world._replace(
            data=self._relabelled(data, mask),
            clock=mask.bit_count() + 1,
            doc=relabelled(world.doc, mask),
            machine=None if world.machine is None else relabelled(world.machine, mask),
            commands=tuple([relabelled(one, mask) for one in world.commands]),
            events=tuple([relabelled(one, mask) for one in world.events]),
        )

    def _relabelled(self, data: Data, mask: int) -> Data:
        found = self._data.get((data, mask))
        if found is None:
            file = data.file
            if file is not None:
                file = file._replace(changed=rank(file.changed, mask), modified=rank(file.modified, mask))
            records = tuple((height, rank(at, mask)) for height, at in data.records)
            found = self._data[data, mask] = data._replace(records=records, file=file)
        return found


def _said(late: int | None) -> str:
    if late is None:
        return ", nobody answers"
    return f", the answer is {late} blocks late" if late else ""
