"""Plays the shell to the machine: a small home that carries commands out at once and keeps the list of them."""

from __future__ import annotations

from typing import Any

from cosmovisor.decide import commands, events
from cosmovisor.decide.machine import Machine, advance
from cosmovisor.decide.policy import Policy
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, Prospect, SeenFile, SeenFolder
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import BackupReceipt, FileIdentity, NodeStopped, NotStaged
from cosmovisor.model.state import EMPTY, DataIdentity, FolderIdentity, SignState, State
from cosmovisor.model.value import replace
from tests.support.facts import PLAN, V2, H, staged

SILENT = (commands.Say, commands.WakeAt)
#: More than any event leads to: beyond it the machine turns in a circle.
MANY = 100


class Play:
    """One supervisor's life; `trace` holds the names of the commands in their order."""

    def __init__(self, state: State = EMPTY, **policy: Any) -> None:
        self.policy = Policy(**policy)
        self.machine = Machine(self.policy, state)
        self.saved = state
        self.now = 1000.0
        self.b: Evidence = UNKNOWN
        self.a: Evidence = UNKNOWN
        self.records: tuple[tuple[int, float], ...] = ()
        self.late = False  # answers are as old as the call of `heights`
        self.file = SeenFile()
        self.changes = 0
        self.link = Link("genesis", GENESIS_VERSION, "genesis")
        self.markers: dict[Version, Plan] = {}
        self.ready = True
        self.no_pre_upgrade = False
        self.data_inode = 1
        self.sign_state: SignState | None = None
        self.sign_key: tuple[str, str] | None = None
        self.failing: dict[str, events.Failed] = {}
        self.slow: set[str] = set()
        self.commands: list[Any] = []
        self.every: list[Any] = []
        self.status: int | None = None
        self.lives = False

    # -- the outside -------------------------------------------------------------------------------------

    def heights(self, b: int, a: int) -> Play:
        self.b, self.a = Evidence(b, "exact", "rpc", self.now), Evidence(a, "exact", "rpc", self.now)
        return self

    def write_plan(self, plan: Plan = PLAN) -> Play:
        self.changes += 1
        identity = FileIdentity(1, 7, 10, self.changes * 10**9, self.changes)
        self.file = SeenFile("plan", plan, identity)
        return self

    def start(self) -> Play:
        return self.put(events.Started(self.now))

    def look(self) -> Play:
        return self.put(events.Woken(self.now, "plan file"))

    def wait(self, seconds: float) -> Play:
        """Let time pass, with a tick whenever the machine wanted one."""
        until, ticks = self.now + seconds, 0
        while self.status is None and self.machine.wake <= until:
            ticks = 0 if self.machine.wake > self.now else ticks + 1
            assert ticks < MANY, "the machine wants a tick at once, again and again: it spins"
            self.now = max(self.now, self.machine.wake)
            self.put(events.Tick(self.now))
        self.now = until
        return self

    def signal(self, name: Any = "TERM", *, terminal: bool = False) -> Play:
        return self.put(events.SignalCame(self.now, name, terminal))

    def exit(self, status: int | None = 0) -> Play:
        self.lives = False
        return self.put(events.NodeExited(self.now, status, NodeStopped(self.now)))

    def done(self, what: str, receipt: Any = None) -> Play:
        return self.put(events.Done(self.now, what, receipt))

    # -- the shell ---------------------------------------------------------------------------------------

    def put(self, event: Any) -> Play:
        queue, answers = [event], 0
        while queue and self.status is None:
            answers += 1
            assert answers < MANY, "each answer brings the next command at once: it never comes to rest"
            self.machine, asked = advance(self.machine, queue.pop(0))
            left = list(asked)
            while left:
                command = left.pop(0)
                if not isinstance(command, SILENT):
                    self.commands.append(command)
                    self.every.append(command)
                answer = self._carry_out(command)
                if answer is not None:
                    queue.append(answer)
                if isinstance(answer, events.Failed) and answer.what == "save":
                    left = commands.after_failed_save(left)
        return self

    def _carry_out(self, command: Any) -> Any:
        name = {
            commands.Save: "save",
            commands.Spawn: "spawn",
            commands.Activate: "activate",
            commands.WriteFile: "write file",
            commands.MoveAside: "move file aside",
            commands.WriteMarker: "write marker",
            commands.GatherFacts: "facts",
        }.get(type(command), "")
        if isinstance(command, commands.RunStep):
            name = command.step.kind
        if name in self.failing:
            return replace(self.failing[name], at=self.now)
        if name in self.slow:
            return None
        return self._succeed(command, name)

    def _succeed(self, command: Any, name: str) -> Any:
        if isinstance(command, commands.Save):
            self.saved = command.state
        elif isinstance(command, commands.GatherFacts):
            return events.FactsGathered(self.now, self.see(command))
        elif isinstance(command, commands.Spawn):
            self.lives = True
            return events.NodeSpawned(self.now, 42)
        elif isinstance(command, commands.RunStep):
            step = command.step
            if step.kind == "switch":
                self._activate(step.version)
                self.markers[step.version] = step.plan
            elif step.kind == "go back":
                assert step.back_to is not None
                self._activate(step.back_to)
                self.markers.pop(step.version, None)
            return events.Done(
                self.now, name, BackupReceipt("/b", "copy", 1, 1.0) if name == "backup" else None
            )
        elif isinstance(command, commands.Activate):
            self._activate(command.version)
            for version in command.unmark:
                self.markers.pop(version, None)
            return events.Done(self.now, name)
        elif isinstance(command, commands.WriteMarker):
            self.markers[command.version] = command.plan
            return events.Done(self.now, name)
        elif isinstance(command, commands.WriteFile):
            self.write_plan(command.plan)
            return events.Done(self.now, name)
        elif isinstance(command, commands.MoveAside):
            self.file = SeenFile()
            return events.Done(self.now, name)
        elif isinstance(command, commands.Exit):
            self.status = command.status
        return None

    def _activate(self, version: Version) -> None:
        self.link = Link("genesis" if version == GENESIS_VERSION else "version", version, version.folder)

    def see(self, asked: commands.GatherFacts) -> Observations:
        plans = list(dict.fromkeys([*asked.plans, *([self.file.plan] if self.file.plan else [])]))
        folder = FolderIdentity(1, self.data_inode, 1)
        no = asked.heights == "no"
        return Observations(
            at=self.now,
            file=self.file,
            data=DataIdentity(folder, folder, folder),
            link=self.link,
            folders=(
                SeenFolder(GENESIS_VERSION, usable=True),
                SeenFolder(V2, usable=self.ready, marker=self.markers.get(V2)),
            ),
            b=UNKNOWN if no else self._asked(self.b),
            a=UNKNOWN if no or not asked.node_lives else self.a,
            tried=not no and self.b.strength != "exact",
            record_times=self.records,
            data_changed_at=1.0,
            prospects=tuple(self._prospect(plan) for plan in plans),
            sign_state=self.sign_state,
            sign_key=self.sign_key,
        )

    def _asked(self, told: Evidence) -> Evidence:
        """Return an answer as it is given now, or as it was given before the file was looked at."""
        return told if self.late or told == UNKNOWN else replace(told, at=self.now)

    def _prospect(self, plan: Plan) -> Prospect:
        ready = (
            staged(plan, no_pre_upgrade=self.no_pre_upgrade)
            if self.ready
            else NotStaged("not there", "put it")
        )
        return Prospect(plan, V2, ready)

    # -- what was commanded ------------------------------------------------------------------------------

    def take(self) -> list[str]:
        """Return what was commanded since the last `take`, in short words; saves and facts are left out."""
        found = [_word(one) for one in self.commands]
        self.commands.clear()
        return [word for word in found if word not in {"Save", "GatherFacts"}]

    def running(self, b: int = H - 5) -> Play:
        """Come to a node that runs at block b."""
        self.heights(b, b).start()
        self.take()
        self.wait(1.0)
        self.take()
        return self


def _word(command: Any) -> str:
    if isinstance(command, commands.RunStep):
        return command.step.kind
    if isinstance(command, commands.Spawn):
        return f"Spawn {command.version.name}"
    if isinstance(command, commands.SignalNode):
        return f"Signal {command.name}"
    if isinstance(command, commands.Exit):
        return f"Exit {command.status}"
    if isinstance(command, commands.Activate):
        return f"Activate {command.version.name}"
    return type(command).__name__
