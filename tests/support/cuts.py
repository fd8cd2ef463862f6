"""A world whose own processes can be cut at any of their durable calls, for one upgrade after the other."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cosmovisor
from cosmovisor.backup import manifest
from cosmovisor.demo import client, ledger
from cosmovisor.model.plan import Plan
from cosmovisor.storage import document
from tests.support.world import Supervisor, World

HOOK = Path(__file__).parent / "cutter"
SCRIPT = """#!/bin/sh
echo "begin $1" >> {log}
sleep 0.05
echo "end $1" >> {log}
"""
FAULTS = ("ENOSPC", "EIO", "EROFS", "EACCES")
MANNERS: dict[str, Any] = {"pre_upgrade": (0,), "pre_upgrade_seconds": 0.05}


@dataclass(frozen=True)
class Cut:
    """Where to cut.

    Attributes:
        label: A call as the log names it, or `after N ms` for an instant after the plan was scheduled.
        nth: Which of the calls with this label, from 1.
        moment: `before` or `after` the call.
        whom: `one` (the process that makes the call), `group` (with the node and everything else), or the name of
            an error: the call then fails with it.
    """

    label: str
    nth: int = 1
    moment: str = "before"
    whom: str = "one"

    def text(self) -> str:
        return f"{self.whom} {self.moment} {self.label} #{self.nth}"


class Cutting:
    """A home that goes from version to version, with a cut in each upgrade."""

    def __init__(self, root: Path, *, fetch: bool = True) -> None:
        self.fetch = fetch
        self.world = World(root, block_interval=0.05)
        self.hook = root / "cutter"
        self.hook.mkdir()
        self.script_log = root / "script.log"
        self.world.variables = {
            "PYTHONPATH": f"{HOOK}{os.pathsep}{Path(cosmovisor.__file__).parents[1]}",
            "CUTTER": str(self.hook),
            "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
            "COSMOVISOR_TRUST": "off",
            "COSMOVISOR_CUSTOM_PREUPGRADE": "script.sh",
            "COSMOVISOR_BACKUP_KEEP": "2",
        }
        self.world.genesis("v1")
        script = self.world.tree / "script.sh"
        script.write_text(SCRIPT.format(log=self.script_log))
        script.chmod(0o755)
        self.number = 1
        self.kills = self.exits = 0
        self.faults: set[str] = set()
        self.supervisor: Supervisor | None = None
        self.digests: dict[str, str] = {}

    @property
    def name(self) -> str:
        return f"v{self.number}"

    def log(self) -> list[tuple[str, int]]:
        """The calls of the present upgrade so far: label and number."""
        try:
            lines = (self.hook / "log").read_text().splitlines()
        except FileNotFoundError:
            return []
        found = [line.split("\t") for line in lines]
        return [(label, int(nth)) for number, label, nth in found if number == str(self.number)]

    def upgrade(self, *cuts: Cut, blocks: int = 20) -> list[Cut]:
        """Take the chain through its next upgrade with these cuts; return those that were reached.

        Args:
            cuts: Each happens once, in whichever order their calls are made; an instant stands alone.
            blocks: How far ahead the upgrade is scheduled.

        Raises:
            AssertionError: Something was wrong afterwards; the text says what everybody was doing.
        """
        world = self.world
        if self.supervisor is None:
            self.supervisor = world.run()
        self.number += 1
        self.faults = {cut.whom for cut in cuts} & set(FAULTS)
        info = ""
        if self.fetch:
            info = json.dumps({"binaries": {"any": world.publish(self.name, **MANNERS)}})
        else:
            world.place(self.name, **MANNERS)
        self._order()
        height = self._schedule(info, blocks)
        if cuts and cuts[0].label.startswith("after "):
            self._kill_at(cuts[0])
        else:
            self._order(*cuts)
        world.wait("the upgrade", self._is_done)
        self._order()
        world.wait("one node and no step in flight", self._is_calm)
        fired = [cut for at, cut in enumerate(cuts) if (self.hook / f"fired-{self.number}-{at}").exists()]
        self.kills += len(fired)
        self.check(Plan(self.name, height, info))
        return fired

    def check(self, plan: Plan) -> None:
        """Everything that must hold after an upgrade, however it was cut."""
        world = self.world
        assert world.current() == f"upgrades/{plan.name}"
        marker = json.loads((world.tree / "upgrades" / plan.name / "upgrade-info.json").read_text())
        assert (marker["name"], marker["height"]) == (plan.name, plan.height)
        self._check_folders()
        self._check_helpers(plan.name)
        entries = world.entries()
        assert ledger.conflicts(entries) == [], world.report()
        assert ledger.early_starts(entries) == [], world.report()
        old = [entry for entry in ledger.old_starts_after_halt(entries) if plan.name not in entry["handlers"]]
        assert len(old) <= self.kills, world.report()

    def close(self) -> None:
        self.world.close()

    def _order(self, *cuts: Cut) -> None:
        lines = [f"{cut.label}\t{cut.nth}\t{cut.moment}\t{cut.whom}" for cut in cuts]
        new = self.hook / "order.new"
        new.write_text("\n".join([str(self.number), *lines]))
        new.replace(self.hook / "order")

    def _kill_at(self, cut: Cut) -> None:
        assert self.supervisor is not None
        time.sleep(int(cut.label.split()[1]) / 1000)
        (self.hook / f"fired-{self.number}-0").touch()
        if cut.whom == "group":
            self.supervisor.process.send_signal(signal.SIGSTOP)  # it must not see its node go first
            for pid in self._processes():
                os.kill(pid, signal.SIGKILL)
        self.supervisor.process.kill()

    def _processes(self) -> list[int]:
        mark, found = f"CUTTER={self.hook}".encode(), []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != self.supervisor.pid:  # type: ignore[union-attr]
                try:
                    if mark in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                        found.append(int(entry))
                except OSError:
                    continue
        return found

    def _schedule(self, info: str, blocks: int) -> int:
        """Make the plan the chain's; a node that is killed meanwhile forgets what it has not committed."""
        for _ in range(10):
            self._start_again()
            try:
                self.world.until_height(1)
                height = self.world.schedule(self.name, blocks=blocks, info=info)
                sent = self.world.heights()[1]
                self.world.wait("the plan", lambda sent=sent: self._is_scheduled() or self._passed(sent + 4))
                if self._is_scheduled():
                    return height
            except client.NoAnswerError:
                continue
        raise AssertionError(f"the plan does not get into the chain\n{self.world.report()}")

    def _is_scheduled(self) -> bool:
        try:
            return self.world.scheduled()
        except client.NoAnswerError:
            return False

    def _passed(self, height: int) -> bool:
        assert self.supervisor is not None
        return self.world.heights()[1] >= height or not self.supervisor.is_alive()

    def _start_again(self) -> None:
        """Start a cut supervisor again, as a service manager does."""
        assert self.supervisor is not None
        if self.supervisor.is_alive():
            return
        code = self.supervisor.process.returncode
        if self.faults:
            # It may give up, but not without a word on what failed.
            assert code > 0, self.world.report()
            said = [os.strerror(getattr(errno, name)) in self.supervisor.log() for name in self.faults]
            assert any(said), self.world.report()
            assert "Traceback" not in self.supervisor.log(), self.world.report()
            self.exits += 1
        else:
            # 137: it saw the node of a killed group go a moment before it was killed itself.
            assert code in {-signal.SIGKILL, 137}, self.world.report()
        self.supervisor = self.world.run()

    def _is_done(self) -> bool:
        self._start_again()
        return self.world.blocks_of(self.name) >= 1

    def _is_calm(self) -> bool:
        if not self._is_done() or len(self.world.live_nodes()) != 1:
            return False
        state = document.read(str(self.world.tree / "state.json"))
        return state is not None and state.step is None

    def _check_folders(self) -> None:
        for folder in (self.world.tree / "upgrades").iterdir():
            if folder.name.startswith("."):
                continue
            binary = folder / "bin" / self.world.prog
            digest = self.world.digest(binary)
            assert self.digests.setdefault(folder.name, digest) == digest
            assert os.access(binary, os.X_OK)
        backups = list(self.world.home.glob("data-backup-*"))
        assert backups
        for folder in backups:
            assert manifest.problems(str(folder), manifest.read(str(folder))) == []

    def _check_helpers(self, name: str) -> None:
        done = [line for line in self.script_log.read_text().splitlines() if line.endswith(f" {name}")]
        assert done[-2:] == [f"begin {name}", f"end {name}"], done
        notes = [entry for entry in self.world.entries() if entry.get("version") == name]
        order = [
            entry["what"] for entry in notes if entry["what"] in {"pre-upgrade", "pre-upgrade-end", "start"}
        ]
        first = order.index("start")
        assert order[:first][-2:] == ["pre-upgrade", "pre-upgrade-end"], order


def draw(dice: random.Random, calls: list[tuple[str, int]]) -> Cut:
    """Draw a cut: a fifth at a random instant, the rest at calls, each kind of call as likely as any other."""
    whom = dice.choice(("one", "group"))
    if dice.random() < 0.2:
        return Cut(f"after {dice.randrange(1500)} ms", whom=whom)
    label = dice.choice(sorted({label for label, _ in calls}))
    nth = dice.choice([number for each, number in calls if each == label])
    return Cut(label, nth, dice.choice(("before", "after")), whom)
