"""The loop with a machine and a node of its own: order of answers, defects, ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.supervisor.conftest import Script, make_context

from cosmovisor.decide import commands, events, machine
from cosmovisor.model.observations import Link, Observations, SeenFile
from cosmovisor.model.plan import GENESIS_VERSION
from cosmovisor.model.state import EMPTY
from cosmovisor.observe.log import Log
from cosmovisor.supervisor import effects, facts, first, notify, shell, stager
from cosmovisor.supervisor.context import Context

Turn = tuple[machine.Machine, tuple[Any, ...]]
Advance = Callable[[machine.Machine, Any], Turn]


def run(context: Context, advance: Advance, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(machine, "advance", advance)
    monkeypatch.setattr(shell, "_AFTER_DEFECT", 0.01)
    start = first.Start(context, first.beginning(context, EMPTY))
    start.events.append(events.Started(0.0))

    async def story() -> int:
        async with asyncio.timeout(60):
            return await shell.Shell(context, start, Log(-1), -1).run()

    return asyncio.run(story())


@pytest.fixture
def quiet(home: object) -> Context:
    return make_context(home, cosmovisor_scout="off")  # type: ignore[arg-type]


def seen(at: float) -> Observations:
    return Observations(at, SeenFile(), None, Link("missing"))


def test_answers_come_in_the_order_of_the_questions_even_if_the_first_takes_longer(
    quiet: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_asked = threading.Event()

    def gather(
        _context: object, _state: object, command: commands.GatherFacts, _sources: object
    ) -> Observations:
        if command.node_lives:
            # The slow one ends only after somebody has asked again, or has been kept from it.
            second_asked.wait(0.3)
            return seen(1.0)
        second_asked.set()
        return seen(2.0)

    answers: list[float] = []

    def advance(now: machine.Machine, event: Any) -> Turn:
        if isinstance(event, events.Started):
            return now, (commands.GatherFacts((), True), commands.GatherFacts((), False))
        if isinstance(event, events.FactsGathered):
            answers.append(event.seen.at)
        return now, (commands.Exit(0),) if len(answers) == 2 else ()

    monkeypatch.setattr(facts, "gather", gather)
    assert run(quiet, advance, monkeypatch) == 0
    assert answers == [1.0, 2.0]


def test_a_save_that_fails_drops_the_rest_of_its_answer(
    quiet: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = events.Failed(0.0, "save", "no space")
    monkeypatch.setattr(effects, "save", lambda *_: failed)
    done: list[str] = []

    def advance(now: machine.Machine, event: Any) -> Turn:
        if isinstance(event, events.Started):
            return now, (commands.Save(EMPTY), commands.Spawn(GENESIS_VERSION))
        done.append(type(event).__name__)
        return now, (commands.Exit(4),)

    assert run(quiet, advance, monkeypatch) == 4
    assert done == ["Failed"]


def test_a_defect_while_deciding_leaves_the_node_alone_and_is_looked_at_again(
    quiet: Context, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("genesis", "exec sleep 600")
    ticks: list[float] = []

    def advance(now: machine.Machine, event: Any) -> Turn:
        if isinstance(event, events.Started):
            return now, (commands.Spawn(GENESIS_VERSION),)
        if isinstance(event, events.NodeSpawned):
            raise KeyError("a defect")
        if isinstance(event, events.Tick):
            ticks.append(event.at)
            return now, (commands.KillNode(),)
        if isinstance(event, events.NodeExited):
            return now, (commands.Exit(128 - (event.status or 0)),)
        return now, ()

    assert run(quiet, advance, monkeypatch) == 137
    assert ticks


def test_a_defect_at_the_nodes_end_still_passes_its_status_on(
    quiet: Context, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("genesis", "exit 9")

    def advance(now: machine.Machine, event: Any) -> Turn:
        if isinstance(event, events.Started):
            return now, (commands.Spawn(GENESIS_VERSION),)
        if isinstance(event, events.NodeExited):
            raise KeyError("a defect")
        return now, ()

    assert run(quiet, advance, monkeypatch) == 9


def test_a_hang_up_cuts_the_wait_for_the_next_try_of_staging_short(
    quiet: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    came: list[events.SignalCame] = []

    def advance(now: machine.Machine, event: Any) -> Turn:
        if isinstance(event, events.Started):
            os.kill(os.getpid(), signal.SIGHUP)
        if isinstance(event, events.SignalCame):
            came.append(event)
            return now, (commands.Exit(0),)
        return now, ()

    monkeypatch.setattr(stager.Stager, "look_again", lambda _: looked.append("again"))
    monkeypatch.setattr(notify, "has_terminal", lambda: False)
    assert run(quiet, advance, monkeypatch) == 0
    assert [event.name for event in came] == ["HUP"]
    assert looked == ["again"]
