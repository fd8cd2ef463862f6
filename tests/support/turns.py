"""Single turns of the machine: a machine in any state, and what one call makes of it."""

from __future__ import annotations

from typing import Any

from cosmovisor.decide import commands
from cosmovisor.decide import run as runs
from cosmovisor.decide.machine import Machine, advance
from cosmovisor.decide.policy import Policy
from cosmovisor.decide.turn import Turn
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import GENESIS_VERSION, Version
from cosmovisor.model.state import DataIdentity, FolderIdentity, State
from cosmovisor.model.value import replace
from tests.support.playbook import Play

NOW = 5000.0
FOLDER = FolderIdentity(1, 1, 1)
DATA = DataIdentity(FOLDER, FOLDER, FOLDER)
SAME_DATA = State(data=DATA)


def look(play: Play | None = None, **changes: Any) -> Observations:
    """What is seen of a small home; without a play one with nothing in it but genesis."""
    seen = (play or Play()).see(commands.GatherFacts((), node_lives=True))
    return replace(seen, **changes)


def machine(*, lives: bool = False, policy: dict[str, Any] | None = None, **fields: Any) -> Machine:
    """A machine that has seen a small home; with `lives` its node runs since before."""
    fields = {"state": SAME_DATA, "seen": look(), **fields}
    if lives:
        fields = {"run": begun(), "phase": "running", **fields}
    return Machine(Policy(**(policy or {})), lives=lives, **fields)


def begun(
    version: Version = GENESIS_VERSION, at: float = NOW - 100.0, start_b: Evidence = UNKNOWN, **more: Any
) -> runs.Run:
    """A run of the node that began a while ago."""
    return replace(runs.begin(at, version, start_b, first_launch=False), **more)


def turn(at: float = NOW, **fields: Any) -> Turn:
    """A turn of such a machine."""
    return Turn(machine(**fields), at)


def after(before: Machine, event: Any) -> tuple[Machine, list[Any]]:
    """The machine after an event, and its commands without the next tick."""
    found, asked = advance(before, event)
    return found, [one for one in asked if not isinstance(one, commands.WakeAt)]


def of(kind: Any, asked: list[Any]) -> list[Any]:
    """The commands of one kind."""
    return [one for one in asked if isinstance(one, kind)]


def levels(asked: list[Any]) -> list[str]:
    """How loudly something was said."""
    return [one.level for one in asked if isinstance(one, commands.Say)]
