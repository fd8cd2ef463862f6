"""One upgrade night from a seed: a home, a chain with two upgrades, faults, and what must hold in the end."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cosmovisor.decide import events
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.storage import document
from cosmovisor.supervisor import first, launch
from cosmovisor.supervisor.shell import Shell
from tests.simulation import chain as chains
from tests.simulation import further, home, script
from tests.simulation.faults import Faults
from tests.simulation.judge import Judge
from tests.simulation.loop import EndlessError, Killed, StuckError, VirtualLoop
from tests.simulation.seams import standing_in

#: The night begins at this moment, in seconds since the epoch.
EPOCH = 1_800_000_000.0
#: When all must be well, in seconds after the last fault: settle times, back-offs and one hold of each kind.
PATIENCE = 900.0
#: Turns of the loop that no night needs.
TURNS = 400_000


class _Log:
    """The supervisor's lines go into the story."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def _line(self, text: str, **fields: object) -> None:
        self._tell(
            "  " + " ".join([text, *(f"{key}={item}" for key, item in fields.items() if key != "args")])
        )

    error = warning = info = debug = _line
    fd = 2


@dataclass
class Outcome:
    """What a night has shown."""

    seed: int
    faults: list[str]
    violations: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    old_starts: int = 0
    starts: int = 0
    lives: int = 0
    seconds: float = 0.0


class Night(chains.World):
    """A night; `run` plays it.

    Args:
        seed: Everything follows from it.
        folder: Where its home is made and removed.
    """

    def __init__(self, seed: int, folder: str) -> None:
        self.dice = random.Random(seed)
        self.script = script.of(seed, self.dice)
        self._at = os.path.join(folder, "home")
        self.outcome = Outcome(seed, [f"{fault.kind} at {fault.at:.2f}" for fault in self.script.faults])
        if self.script.twist:
            self.outcome.faults.append(f"plan {self.script.twist}")
        self.loop = VirtualLoop(lambda: self.dice.choice([0.0005, 0.002, 0.02]), TURNS)
        self.loop.killed = self.supervisor_died
        self.loop.is_dead = lambda: self.dead
        plans = self.script.plans
        skip = (plans[0].height,) if self.script.twist == "skipped" else ()
        self.chain = chains.Chain(self.script.habits, plans, self.script.start, skip)
        self.chain.halts = self.script.halts
        if self.script.schedule:
            self.chain.scheduled = Plan("s2", self.script.schedule, "")
        self.goal = plans[-1].height + 3
        self.processes: dict[int, chains.Process] = {}
        self.launched: dict[int, Any] = {}
        self.children: set[int] = set()
        self.pre_upgraded: set[str] = set()
        self.pids = 10_000_000
        #: Counts lives and deaths of the supervisor: what was begun in another epoch does not matter any more.
        self.epoch = 0
        self.dead = True
        self.is_writing = False
        self.file_number = 0
        #: The program of the upgrade that runs, and until when; it outlives the supervisor.
        self.helper: tuple[str, float] = ("", 0.0)
        self.copies: list[further.Copy] = []
        self.restored = False
        #: Counts what has changed on the disk, so that what is unchanged is not read again.
        self.disk = 0
        self.signed = self.sign_state = 0
        self.wake: Callable[[Any], None] = lambda _: None
        self.shell: Shell | None = None
        self.faults = Faults(self, self.dice)
        self.judge = Judge(self)

    # -- what is told ----------------------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        if len(self.outcome.story) < 2000:
            data = self.chain.data
            text = text.replace(self._at, "HOME")
            self.outcome.story.append(f"{self.loop.now:9.3f} b={data.b} a={data.a} {text}")

    def violation(self, text: str) -> None:
        self.tell(f"VIOLATION {text}")
        self.outcome.violations.append(text)

    # -- the world of the processes --------------------------------------------------------------------------

    def wall(self) -> float:
        return EPOCH + self.loop.now + self.faults.jump

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self.loop.call_later(seconds, call)

    def living(self) -> chains.Process | None:
        return next((process for process in self.processes.values() if process.alive), None)

    def helper_lives(self) -> bool:
        return self.loop.now < self.helper[1]

    def start_process(self, version: str, halt: int = 0) -> int:
        self.pids += 1
        self.tell(f"start of {version}" + (f" with halt height {halt}" if halt else ""))
        self.judge.start(version)
        self.processes[self.pids] = chains.Process(self, self.pids, version, halt)
        self.children.add(self.pids)
        return self.pids

    def ended(self, process: chains.Process) -> None:
        self.tell(f"node ended with {process.status}")
        del self.processes[process.pid]
        self.is_writing = False

    def executed(self, height: int, version: str) -> None:
        self.judge.executed(height, version)
        if self.script.further == "data restored":
            self.copies.append(further.copy_of(self))
        # A plan changes by a vote, long before its height; here the scout learns of it some blocks before.
        if self.script.twist in {"moved", "cancelled"} and height == self.script.plans[0].height - 3:
            self._twist()
        if height >= self.goal:
            self.finish()

    def sign(self, height: int) -> None:
        if self.restored and self.script.signs and height <= self.sign_state:
            return  # the node's own guard: its file says that this height is signed
        if height <= self.signed:
            self.violation(f"height {height} is signed after {self.signed}")
        self.signed = max(self.signed, height)
        if self.script.signs:
            self.write_sign_state(height)

    def write_sign_state(self, height: int) -> None:
        self.sign_state = height
        home.sign_state(self.context.node_home, height)

    def read_plan_file(self) -> tuple[str, int] | None:
        try:
            with open(self.context.plan_file, "rb") as file:
                found = json.loads(file.read())
        except FileNotFoundError:
            return None
        return found["name"], found["height"]

    def write_plan_file(self, plan: Plan) -> None:
        content = chains.plan_bytes(plan)
        if self.faults.during("half written"):
            self.write_file(content[: len(content) // 2])
            self.is_writing = True
            self.later(0.3, lambda: self._complete(content) if self.is_writing else None)
        else:
            self._complete(content)

    def _complete(self, content: bytes) -> None:
        self.is_writing = False
        self.write_file(content)
        self.judge.file = content

    def write_file(self, content: bytes) -> None:
        """Write the plan file as somebody else than the supervisor."""
        self.judge.file = None
        with open(self.context.plan_file, "wb") as file:
            file.write(content)
        self.file_written()
        if not self.faults.during("lost watch") and not self.dead:
            self.later(0.001, lambda: None if self.dead else self.wake("plan file"))

    def file_written(self) -> None:
        """The plan file is another one now, at a made-up time."""
        self.file_number += 1
        self.disk += 1
        os.utime(self.context.plan_file, (self.wall(), self.wall()))

    # -- the world of the supervisor -------------------------------------------------------------------------

    def scout_started(self) -> None:
        if self.script.has_scout:
            self.later(self.dice.choice([1.0, 3.0]), lambda epoch=self.epoch: self._report(epoch))

    def _report(self, epoch: int) -> None:
        if epoch == self.epoch and not self.dead:
            self.tell_plan()
            self.later(5.0, lambda: self._report(epoch))

    def tell_plan(self) -> None:
        if not self.script.has_scout or self.dead or self.shell is None:
            return
        pending = [one for one in self.chain.plans if one.height > self.chain.data.a]
        process = self.living()
        if process is not None and process.up and not self.faults.rpc():
            plan = pending[0] if pending else None
            if plan != self.shell.machine.state.known_plan:
                self.shell.put(events.Asked(self.loop.now, "known plan", plan))

    def staging_delay(self) -> float:
        return self.faults.left("late binary") + self.dice.choice([0.2, 1.0, 5.0])

    def place(self, name: str) -> None:
        """Put the binary of a plan into its folder, whole."""
        version = self.context.layout.version_for(name, self.context.settings.recase)
        self.disk += 1
        home.binary(self.context.layout.bin(version), name)
        self.tell(f"binary of {name} is there")

    def _twist(self) -> None:
        plan, chain = self.chain.plans[0], self.chain
        if self.script.twist == "written ahead" and chain.data.b + 1 < plan.height:
            self.tell(f"{plan.name} is written ahead")
            self._complete(chains.plan_bytes(plan))
        elif self.script.twist in {"moved", "cancelled"}:
            self.tell(f"{plan.name} is {self.script.twist}")
            del chain.plans[0]
            if self.script.twist == "moved":
                chain.plans.insert(0, Plan(plan.name, plan.height + 1, plan.info))
            self.tell_plan()

    def everything_died(self) -> None:
        """SIGKILL to all: supervisor, node, and what the upgrade was running."""
        process = self.living()
        if process is not None:
            process.signal(9)
        self.helper = ("", 0.0)
        self.supervisor_died()

    def stop_service(self, dice: random.Random) -> None:
        """The operator stops the service, which is started again."""
        self.faults.stop(dice)

    def skip(self, height: int) -> None:
        """From the next start on the node's arguments skip a height."""
        self.context = further.context_with_skip(self, height)

    # -- lives of the supervisor -----------------------------------------------------------------------------

    def supervisor_died(self) -> None:
        """SIGKILL: what it was doing is cut here."""
        if not self._life_over.done():
            self.tell("supervisor is killed")
            self.dead = True
            self.epoch += 1
            self._life_over.set_result(None)

    async def _lives(self) -> None:
        while True:
            status = await self._life()
            if status is not None:
                self.tell(f"supervisor ended with {status}")
            await asyncio.sleep(self.script.pause)

    async def _life(self) -> int | None:
        """One life of the supervisor; None if it was killed."""
        self.dead = False
        self.epoch += 1
        self.outcome.lives += 1
        self._life_over = self.loop.create_future()
        before = asyncio.all_tasks()
        try:
            found = document.load(self.context.layout.state_file)
            for note in found.notes:
                self.tell(f"  {note}")
            start = first.Start(self.context, first.beginning(self.context, found.state))
            first.run(start, launch._beginning(self.context, start, None))
            self.shell = Shell(self.context, start, _Log(self.tell), -1)
            running = self.loop.create_task(self.shell.run())
            await asyncio.wait({running, self._life_over}, return_when=asyncio.FIRST_COMPLETED)
            return None if self._life_over.done() else running.result()
        except Killed:
            return None
        except (CosmovisorError, OSError) as error:
            self.tell(f"supervisor gives up: {error}")
            return 1
        finally:
            self.dead = True
            self.epoch += 1
            self.loop.signals.clear()
            if not self._life_over.done():
                self._life_over.cancel()
            for task in asyncio.all_tasks() - before:
                task.cancel()

    def finish(self) -> None:
        """The night has reached its end."""
        if not self._over.done():
            self._over.set_result(None)

    def is_over(self) -> bool:
        """Tell whether the night has reached its end."""
        return self._over.done()

    def _failed(self, _: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, Killed):
            self.violation(f"a defect: {error!r} in {context.get('task') or context.get('message')}")

    async def _main(self) -> None:
        self._over: asyncio.Future[None] = self.loop.create_future()
        self._life_over: asyncio.Future[None] = self.loop.create_future()
        for fault in self.script.faults:
            self.later(fault.at, lambda fault=fault: self.faults.strike(fault))
        habits = self.script.habits
        if self.script.twist == "written ahead":
            first_halt = (self.script.plans[0].height - self.script.start) * habits.interval
            self.later(self.dice.uniform(0.1, first_halt), self._twist)
        # Hours without an answer, or with somebody else's, are no reason to be late: they do not count.
        lasting = [fault for fault in self.script.faults if not fault.kind.endswith("for hours")]
        last = max([fault.at + fault.length for fault in lasting], default=0.0)
        if self.script.further == "data restored":
            self.copies.append(further.copy_of(self))
        blocks = (self.goal - self.script.start + 20) * habits.interval
        self.later(last + blocks + PATIENCE + 4 * habits.migration, self.finish)
        lives = self.loop.create_task(self._lives())
        await asyncio.wait({lives, self._over}, return_when=asyncio.FIRST_COMPLETED)
        if lives.done():
            raise lives.exception() or AssertionError("the lives have come to an end")
        self.judge.end()
        self.supervisor_died()
        lives.cancel()
        await asyncio.wait({lives})
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    def run(self) -> Outcome:
        """Play the night; its home is removed afterwards."""
        gc.disable()  # a night makes much rubbish and keeps little of it
        try:
            self.context = home.build(self._at, self.script)
            if self.script.signs:
                self.write_sign_state(0)
            self.loop.set_exception_handler(self._failed)
            with standing_in(self):
                try:
                    self.loop.run_until_complete(self._main())
                except StuckError:
                    self.violation("nothing would ever happen again")
                except EndlessError:
                    self.violation("more happens than any night needs")
                except Exception as error:
                    self.violation(f"a defect: {error!r}")
        finally:
            self.loop.close()
            shutil.rmtree(self._at, ignore_errors=True)
            gc.enable()
        self.outcome.old_starts = self.judge.old_starts
        self.outcome.starts = self.judge.starts
        self.outcome.seconds = self.loop.now
        return self.outcome


def play(seed: int, folder: str) -> Outcome:
    """Play the night of a seed."""
    return Night(seed, folder).run()
