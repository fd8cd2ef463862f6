"""A chain and its node processes, without processes: what a real node does in what we touch, in made-up time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from cosmovisor.model.plan import Plan
from tests.simulation.script import HANDLERS, Habits


@dataclass
class Data:
    """What is committed on disk."""

    b: int = 0
    a: int = 0
    changed_at: float = 0.0
    applied: list[str] = field(default_factory=list)
    records: list[tuple[int, float]] = field(default_factory=list)


class Chain:
    """The chain as the network has it, and this node's data."""

    def __init__(self, habits: Habits, plans: list[Plan], start: int, skip: tuple[int, ...] = ()) -> None:
        self.habits = habits
        self.plans = list(plans)
        self.skip = skip
        self.data = Data(start, start)
        self.halts = "ends"
        #: The operator's own upgrade, as a plan; its program needs the plan file where it has new stores.
        self.scheduled: Plan | None = None
        self.network = start + habits.behind

    def plan_at(self, height: int) -> Plan | None:
        """Return the plan that takes effect at a height; a skipped one does not."""
        return next((plan for plan in self.plans if plan.height == height and height not in self.skip), None)

    def open_plans(self, handlers: tuple[str, ...]) -> list[Plan]:
        """Return the plans that a binary with these handlers waits for."""
        return [
            plan
            for plan in self.plans
            if plan.name in handlers and plan.name not in self.data.applied and plan.height not in self.skip
        ]


class Process:
    """One node process.

    Args:
        world: Gives time, timers and the place of files; learns of conflicts.
        pid: Its number.
        version: Its binary.
        halt: Its halt height; 0: none.
    """

    def __init__(self, world: World, pid: int, version: str, halt: int = 0) -> None:
        self.world, self.pid, self.version, self.halt = world, pid, version, halt
        self.handlers = HANDLERS[version]
        self.chain = world.chain
        self.status: int | None = None
        self.up = False
        self.frozen = False
        self.in_consensus = False
        self.ended: list[Callable[[], None]] = []
        world.later(self.chain.habits.boot, self._boot)

    @property
    def alive(self) -> bool:
        return self.status is None

    def end(self, status: int) -> None:
        if self.status is None:
            self.status = status
            self.up = False
            self.world.ended(self)
            for callback in self.ended:
                callback()

    def signal(self, number: int) -> None:
        if number == 9:
            self.end(-9)
            return
        stop = self.chain.habits.stop
        if not self.up:
            self.end(-number)
        elif stop is None and self.frozen:
            return
        else:
            self.world.later(stop or 0.05, lambda: self.end(0))

    # -- life ----------------------------------------------------------------------------------------------

    def _boot(self) -> None:
        if not self.alive:
            return
        data, habits = self.chain.data, self.chain.habits
        if any(name not in self.handlers for name in data.applied if name != "s2") or (
            "s2" in data.applied and self.version == "v1"
        ):
            self.end(1)  # the stores of the new version cannot be loaded by an old program
            return
        try:
            filed = self.world.read_plan_file()
        except ValueError:
            self.end(1)  # every program stops at a torn plan file
            return
        new = self.chain.open_plans(self.handlers)
        mine = self.chain.scheduled
        if mine is not None and self.version == mine.name and mine.name not in data.applied:
            new = [mine]
        if new and habits.stores and (filed is None or filed[1] != data.a + 1 or filed[0] != new[0].name):
            self.end(2)
            return
        if data.b == data.a + 1:
            plan = self.chain.plan_at(data.b)
            wait = habits.migration if plan is not None and plan.name in self.handlers else 0.0
            self.world.later(wait, self._replay)
        else:
            self._open()

    def _replay(self) -> None:
        if self.alive and self._apply(self.chain.data.b, replay=True) and self.alive:
            self._open()

    def _open(self) -> None:
        self.up = True
        self._next()

    def _next(self) -> None:
        lag = self.chain.network - self.chain.data.b
        self.in_consensus = lag <= 1
        pause = self.chain.habits.interval if self.in_consensus else 0.05
        self.world.later(pause, self._propose)

    def _propose(self) -> None:
        if not self.alive or self.frozen:
            return
        height = self.chain.data.b + 1
        plan = self.chain.plan_at(height)
        if self.chain.habits.optimistic and plan is not None and not self._can(plan):
            self.world.write_plan_file(plan)
            if self.chain.habits.optimistic == "stops":
                self._refuse(2, may_hang=self.chain.habits.hangs)
                return
            self.world.later(0.01, lambda: self._save(height))
            return
        self._save(height)

    def _save(self, height: int) -> None:
        if not self.alive or self.frozen:
            return
        data = self.chain.data
        data.b = height
        self.chain.network = max(self.chain.network, height)
        if self.in_consensus:
            data.records.append((height, self.world.wall()))
            self.world.sign(height)
        data.changed_at = self.world.wall()
        self.world.later(0.01, lambda: self._after(height))

    def _after(self, height: int) -> None:
        if self.alive and not self.frozen and self._apply(height, replay=False) and self.alive:
            self._next()

    def _apply(self, height: int, *, replay: bool) -> bool:
        data, habits = self.chain.data, self.chain.habits
        plan = self.chain.plan_at(height)
        if self.halt and height >= self.halt and self.chain.halts == "before":
            self._refuse(1 if replay else 2, may_hang=not replay)
            return False
        if plan is not None and plan.name not in data.applied and not self._can(plan):
            self.world.write_plan_file(plan)
            self._refuse(1 if replay else 2, may_hang=not replay and self.in_consensus and not habits.exits)
            return False
        if any(one.height > height for one in self.chain.open_plans(self.handlers)):
            self._refuse(2, may_hang=habits.hangs and not replay)
            return False
        if plan is not None and plan.name not in data.applied:
            data.applied.append(plan.name)
        if self.version == "s2" and "s2" not in data.applied:
            data.applied.append("s2")
        data.a = height
        self.world.executed(height, self.version)
        if self.halt and height >= self.halt:
            self._refuse(0, may_hang=self.chain.halts == "stays")
            return False
        return True

    def _refuse(self, status: int, *, may_hang: bool) -> None:
        if may_hang:
            self.frozen = True
        else:
            self.end(status)

    def _can(self, plan: Plan) -> bool:
        return plan.name in self.handlers


class World:
    """What a process needs of its surroundings; `night.Night` is one."""

    chain: Chain

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        raise AssertionError

    def wall(self) -> float:
        raise AssertionError

    def read_plan_file(self) -> tuple[str, int] | None:
        raise AssertionError

    def write_plan_file(self, plan: Plan) -> None:
        raise AssertionError

    def sign(self, height: int) -> None:
        raise AssertionError

    def executed(self, height: int, version: str) -> None:
        raise AssertionError

    def ended(self, process: Process) -> None:
        raise AssertionError


def plan_bytes(plan: Plan) -> bytes:
    """Return the plan file as the SDK writes it."""
    found = {"name": plan.name, "time": "0001-01-01T00:00:00Z", "height": plan.height}
    if plan.info:
        found["info"] = plan.info
    return json.dumps(found, separators=(",", ":")).encode()
