"""The small configurations are searched to their end with every test run; the rest with `make model`.

A number that changes here is a changed behaviour, or a changed model: say which when you change it.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from cosmovisor.decide import events
from cosmovisor.decide.machine import Machine
from cosmovisor.model.heights import Evidence
from cosmovisor.model.state import EMPTY, FileInstance
from cosmovisor.model.value import replace
from tests.model import laws, moves
from tests.model.configs import CONFIGS
from tests.model.engine import Engine
from tests.model.held import Store
from tests.model.normal import NOW
from tests.model.search import report, search
from tests.model.world import POLICY, World

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: States and depth (moves of the longest shortest trace) of the searches that are small.
SMALL = {
    "gov-two": (1794, 84),
    "gov-slow": (5870, 57),
    "gov-blind": (5591, 62),
    "gov-some": (18459, 69),
    "gov-fails": (3979, 62),
    "optimistic-silent": (11956, 75),
    "sync-silent": (5058, 53),
    "sync-two": (7356, 85),
    "ahead-slow": (12429, 64),
    "patch": (14821, 64),
    "known-cancelled": (7372, 43),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_small_configuration_is_searched_to_its_end_without_a_broken_law(name: str) -> None:
    found = search(CONFIGS[name])
    assert not found.broken, report(found)
    assert found.whole
    assert (found.states, found.depth) == SMALL[name]


def test_the_count_does_not_depend_on_how_texts_are_hashed() -> None:
    told = []
    for hashing in ("1", "2"):
        command = [sys.executable, "-m", "tests.model", "gov-two"]
        environ = {**os.environ, "PYTHONHASHSEED": hashing}
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, check=True, timeout=120, text=True
        )
        told.append(done.stdout.rsplit(",", 1)[0])
    assert told[0] == told[1] == "gov-two: {} states, depth {}".format(*SMALL["gov-two"])


class Forgetful(dict[Any, Any]):
    """A memory that keeps nothing."""

    def get(self, *_: Any) -> None:
        return None


def test_a_search_without_memories_finds_the_same_states(monkeypatch: Any) -> None:
    real = Engine.__init__

    def forgetful(self: Any, config: Any) -> None:
        real(self, config)
        self._answers, self._seen, self._moves, self._facts = (
            Forgetful(),
            Forgetful(),
            Forgetful(),
            Forgetful(),
        )
        self._times, self._data, self.store._relabelled = Forgetful(), Forgetful(), Forgetful()

    monkeypatch.setattr(Engine, "__init__", forgetful)
    found = search(CONFIGS["gov-two"])
    assert (found.states, found.depth) == SMALL["gov-two"]


def test_a_search_that_is_cut_says_so() -> None:
    found = search(CONFIGS["gov"], limit=100)
    assert (found.states, found.whole) == (100, False)
    assert report(found).endswith("(not to its end)")


# -- values are kept once ------------------------------------------------------------------------------------


def machine(**changes: Any) -> Machine:
    return Machine(POLICY, replace(EMPTY, b=Evidence(3, "at least", "own record")), **changes)


def test_equal_values_are_one_and_any_difference_makes_two() -> None:
    store = Store()
    held = store.hold(machine(phase="running"))
    assert store.hold(machine(phase="running")) is held
    assert store.hold(held.value) is held
    assert held.value == machine(phase="running")
    other = machine(phase="running", seen=None, status=1)
    assert store.hold(other) is not held
    deep = replace(machine(phase="running"), state=replace(EMPTY, b=Evidence(4, "at least", "own record")))
    assert store.hold(deep) is not held


def test_logical_times_become_ranks() -> None:
    store = Store()
    held = store.hold(replace(EMPTY, spawned=FileInstance(1, 7), ahead=FileInstance(1, 3)))
    assert held.times == 0b1000100
    ranked = store.relabelled(held, 0b1001100).value
    assert (ranked.ahead, ranked.spawned) == (FileInstance(1, 1), FileInstance(1, 3))


def test_a_break_leaves_the_other_moves_of_its_state_in_the_search(monkeypatch: Any) -> None:
    engine = Engine(CONFIGS["gov"])
    world = moves.first(engine)
    for wanted in ("the service manager", "GatherFacts", "sees", "Save"):
        world = next(there for name, there, _ in moves.moves(engine, world) if name.startswith(wanted))
        assert isinstance(world, World)

    def broken(*_: Any) -> None:
        raise laws.BrokenError("two nodes", "planted")

    monkeypatch.setattr(laws, "on_spawn", broken)
    found = {name: there for name, there, _ in moves.moves(engine, world)}
    assert isinstance(found.pop("Spawn genesis"), laws.BrokenError)
    assert list(found) == ["the supervisor is killed"]


def test_the_event_of_a_failed_command_is_one_that_the_machine_knows() -> None:
    assert isinstance(
        Engine(CONFIGS["gov"]).hold(events.Failed(NOW, "save", "the disk")).value, events.Failed
    )
