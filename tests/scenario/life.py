"""One long life: many upgrades in a row, with signals and kills at random instants, from a seed.

`python -m tests.scenario.life --upgrades 100 --seed 7` (or `make life`) plays it and ends with 0 only if every
upgrade was applied at its height by its own binary and the ledger holds no conflict. A service manager that
restarts whatever ended is played by the loop itself.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.world import Supervisor, World

from cosmovisor.demo import client, ledger

INTERVAL = 0.05
BLOCKS = 10


class Life:
    """A world, its service manager and its accidents."""

    def __init__(self, root: Path, seed: int, say: Callable[[str], None]) -> None:
        self.dice = random.Random(seed)
        self.world = World(root, block_interval=INTERVAL)
        self.world.variables = {"UNSAFE_SKIP_BACKUP": "true"}
        self.say = say
        self.accidents: Counter[str] = Counter()
        self.restarts = 0
        self.cosmovisor: Supervisor | None = None

    def play(self, upgrades: int) -> list[str]:
        """Live through so many upgrades; return what was wrong."""
        world = self.world
        world.genesis("v1")
        self._tend()
        world.until_height(2)
        for number in range(2, upgrades + 2):
            self._upgrade(f"v{number}")
        name = f"v{upgrades + 1}"
        blocks = world.blocks_of(name)
        self._wait("blocks at the end", lambda: self._tend() or world.blocks_of(name) >= blocks + 2)
        while (code := self._stop()) != 0:
            self.say(f"the last stop ended with {code}")  # a node killed by the accident just before it
            self._tend()
            world.until_started(name)
        return self._judge(upgrades)

    def _upgrade(self, name: str) -> None:
        world = self.world
        late = self.dice.random() < 0.2
        if not late:
            world.place(name)
        height = self._schedule(name)
        instant = time.monotonic() + self.dice.uniform(0, BLOCKS * INTERVAL + 1.0)
        accident = self.dice.choice(ACCIDENTS)
        done = placed = False
        begin = time.monotonic()

        def applied() -> bool:
            nonlocal done, placed
            self._tend()
            if not done and time.monotonic() >= instant:
                done = True
                self.accidents[accident.__name__.lstrip("_")] += 1
                accident(self)
            if late and not placed and any(entry["height"] == height for entry in world.notes("halt")):
                placed = True
                world.place(name)
            return done and any(entry["plan"] == name for entry in world.notes("applied"))

        self._wait(f"upgrade {name} at {height} ({accident.__name__})", applied)
        self.say(f"{name} at {height}: {accident.__name__.lstrip('_')}, {time.monotonic() - begin:.1f} s")

    def _schedule(self, name: str) -> int:
        """Schedule a plan; a node that was killed forgets what it had not put into a block."""
        height = 0

        def scheduled() -> bool:
            nonlocal height
            self._tend()
            try:
                if self.world.scheduled():
                    return True
                store = self.world.heights()[0]
                if store > 0 and (not height or store >= height - 2):
                    height = store + BLOCKS
                if store > 0:
                    self.world.send(type="authority", plan={"name": name, "height": height, "info": ""})
                    time.sleep(INTERVAL)
            except client.NoAnswerError:
                time.sleep(INTERVAL)
            return False

        self._wait(f"the plan {name}", scheduled)
        return height

    def _tend(self) -> None:
        """Start cosmovisor again when it has ended, as a service manager with Restart=always does."""
        if self.cosmovisor is None or not self.cosmovisor.is_alive():
            self.restarts += self.cosmovisor is not None
            self.cosmovisor = self.world.run()

    def _wait(self, what: str, seen: Callable[[], Any]) -> None:
        self.world.wait(what, seen, 120)

    def _stop(self) -> int:
        assert self.cosmovisor
        return self.cosmovisor.stop()

    def _send(self, number: int) -> None:
        if self.cosmovisor and self.cosmovisor.is_alive():
            self.cosmovisor.send_signal(number)

    def _judge(self, upgrades: int) -> list[str]:
        entries = self.world.entries()
        wrong = ledger.conflicts(entries)
        wrong += [f"{entry['version']} was started too early" for entry in ledger.early_starts(entries)]
        applied = [entry["plan"] for entry in entries if entry["what"] == "applied"]
        expected = [f"v{number}" for number in range(2, upgrades + 2)]
        if list(dict.fromkeys(applied)) != expected:
            wrong.append(f"applied: {applied}, expected {expected}")
        old = Counter(entry["version"] for entry in ledger.old_starts_after_halt(entries))
        wrong += [
            f"{version} was started {times} times after its halt"
            for version, times in old.items()
            if times > 1
        ]
        wrong += [f"process {pid} was left behind" for pid in self.world.live_nodes()]
        return wrong


def _nothing(_: Life) -> None:
    """No accident: the plain upgrade."""


def _service_restart(life: Life) -> None:
    life._send(signal.SIGTERM)


def _two_signals(life: Life) -> None:
    life._send(signal.SIGINT)
    life._send(signal.SIGTERM)


def _supervisor_killed(life: Life) -> None:
    life._send(signal.SIGKILL)


def _node_killed(life: Life) -> None:
    for pid in life.world.live_nodes():
        os.kill(pid, signal.SIGKILL)


def _both_killed(life: Life) -> None:
    life._send(signal.SIGKILL)
    _node_killed(life)


ACCIDENTS: list[Callable[[Life], None]] = [
    _nothing,
    _service_restart,
    _two_signals,
    _supervisor_killed,
    _node_killed,
    _both_killed,
]


def main() -> int:
    """Play a life and tell it."""
    parser = argparse.ArgumentParser(description="Many upgrades in one life, with accidents.")
    parser.add_argument("--upgrades", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="life-") as folder:
        life = Life(Path(folder), given.seed, lambda text: print(text, flush=True))
        begin = time.monotonic()
        try:
            wrong = life.play(given.upgrades)
        finally:
            life.world.close()
        signatures = len(life.world.notes("sign"))
    print(
        f"{given.upgrades} upgrades in {time.monotonic() - begin:.0f} s; accidents: {dict(life.accidents)};"
    )
    print(f"restarts of cosmovisor: {life.restarts}; signatures in the ledger: {signatures}")
    for text in wrong:
        print(f"WRONG: {text}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
