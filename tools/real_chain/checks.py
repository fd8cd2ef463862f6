"""What must be true after an upgrade night, read from the chain, the disk and the logs."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import threading

from tools.real_chain.node import Node
from tools.real_chain.recipes import DAEMON, PLAN_NAME
from tools.real_chain.supervisor import OURS, Supervisor

NEEDED = f'UPGRADE "{PLAN_NAME}" NEEDED at height'
LOCKED = "resource temporarily unavailable"
HANDSHAKE = re.compile(r"ABCI Handshake App Info.*software-version=(\S+)")
COMMITTED = re.compile(r"committed state.* height=(\d+)")


class CheckError(Exception):
    """Something that must be true is not."""


def require(condition: object, text: str) -> None:
    """Raise with the text unless the condition holds."""
    if not condition:
        raise CheckError(text)


class SignStateWatch:
    """Reads the sign-state all the time; it must never go backwards."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.highest = (0, 0, 0)
        self.fault = ""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            try:
                now = self.node.sign_state()
            except (OSError, ValueError, KeyError):
                continue
            if now < self.highest:
                self.fault = f"the sign-state went back from {self.highest} to {now}"
            self.highest = max(self.highest, now)

    def close(self) -> None:
        """Stop reading."""
        self._end.set()
        self._thread.join()


@dataclasses.dataclass
class Starts:
    """Starts of the daemon that reached its handshake, and what went wrong around them.

    Attributes:
        old_after_halt: Starts of the old version after the log first named the upgrade.
        new: Starts of the new version.
        locked: Starts that found the databases in use: two nodes at once.
    """

    old_after_halt: int
    new: int
    locked: int


def count_starts(log: str, old: str, new: str) -> Starts:
    """Count the starts in a node's log."""
    halted = False
    starts = Starts(0, 0, 0)
    with open(log, errors="replace") as file:
        for line in file:
            halted = halted or NEEDED in line
            starts.locked += LOCKED in line
            if match := HANDSHAKE.search(line):
                starts.new += match[1] == new
                starts.old_after_halt += halted and match[1] == old
    return starts


def executed(log: str) -> dict[int, list[str]]:
    """Return the versions that committed each height, in the order of a node's log."""
    found: dict[int, list[str]] = {}
    version = ""
    with open(log, errors="replace") as file:
        for line in file:
            if match := HANDSHAKE.search(line):
                version = match[1]
            elif match := COMMITTED.search(line):
                found.setdefault(int(match[1]), []).append(version)
    return found


def check_upgraded(supervisor: Supervisor, height: int, versions: tuple[str, str], old_starts: int) -> None:
    """Check chain, disk and logs after blocks were made behind the upgrade height.

    Args:
        supervisor: Supervisor and node.
        height: The upgrade height.
        versions: Version texts of the old and the new release.
        old_starts: How many starts of the old release after the halt are allowed.

    Raises:
        CheckError: Names what is wrong.
    """
    node = supervisor.node
    old, new = versions
    app_height, version = node.rpc.app()
    require(version == new, f"the node runs {version or 'nothing'} instead of {new}")
    require(app_height > height, f"the application stands at {app_height}, not above {height}")
    applied = node.rpc.applied_height(PLAN_NAME)
    require(applied == height, f"the chain says that {PLAN_NAME} was applied at {applied}, not at {height}")
    with open(node.plan_file) as file:
        plan = json.load(file)
    require((plan["name"], plan["height"]) == (PLAN_NAME, height), f"the chain's plan file now says {plan}")
    check_disk(supervisor, height)
    starts = count_starts(supervisor.node_log, old, new)
    require(starts.locked == 0, f"{starts.locked} starts found the databases in use by another node")
    require(
        starts.old_after_halt <= old_starts,
        f"the old release was started {starts.old_after_halt} times after the halt, {old_starts} allowed",
    )
    require(len(supervisor.node_pids()) == 1, f"{len(supervisor.node_pids())} nodes run on this home")


def check_disk(supervisor: Supervisor, height: int) -> None:
    """Check link, marker and the executable that runs.

    Raises:
        CheckError: Names what is wrong.
    """
    root = os.path.join(supervisor.daemon_home, "cosmovisor")
    active = os.path.realpath(os.path.join(root, "current"))
    require(
        active == os.path.realpath(os.path.join(root, "upgrades", PLAN_NAME)), f"current points to {active}"
    )
    with open(os.path.join(active, "upgrade-info.json")) as file:
        marker = json.load(file)
    require((marker["name"], marker["height"]) == (PLAN_NAME, height), f"the marker says {marker}")
    pid = supervisor.node_pids()[0]
    executable = os.readlink(f"/proc/{pid}/exe")
    require(executable == os.path.join(active, "bin", DAEMON), f"the node's executable is {executable}")
    if supervisor.kind == OURS:
        with open(f"/proc/{pid}/maps") as file:
            library = os.path.join(active, "lib", "libwasmvm.x86_64.so")
            require(library in file.read(), f"the node does not use {library}")
