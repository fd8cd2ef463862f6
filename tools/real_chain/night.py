"""One upgrade night: a chain of one validator under a supervisor, and the steps that modes are made of."""

from __future__ import annotations

import os
import time

from tools.go_build import Built
from tools.real_chain import gov
from tools.real_chain import node as nodes
from tools.real_chain.checks import CheckError, SignStateWatch, check_upgraded, count_starts, require
from tools.real_chain.recipes import PLAN_NAME, version_text
from tools.real_chain.release import Server, archive
from tools.real_chain.rpc import wait_until
from tools.real_chain.supervisor import OURS, Supervisor

NEW_BLOCKS = 3
#: What a service manager is set to: how long it waits before a restart, and how often it tries.
RESTART_SECONDS = 1.0
MOST_STARTS = 30


class Night:
    """A home, its supervisor and the release server of one mode.

    Args:
        folder: Scratch folder of this mode.
        kind: The program under test: `ours` or `go`.
        old: The release that the chain starts with.
        new: The release that the plan names.
    """

    def __init__(self, folder: str, kind: str, old: Built, new: Built) -> None:
        self.folder = folder
        self.kind = kind
        self.old = old
        self.new = new
        self.server = Server(archive(new))
        self.height = 0
        self.facts: dict[str, object] = {}
        self.watch: SignStateWatch | None = None
        self.supervisors: list[Supervisor] = []

    @property
    def versions(self) -> tuple[str, str]:
        """Version texts of the old and the new release."""
        return version_text(self.old.recipe), version_text(self.new.recipe)

    def validator(
        self,
        *,
        node_home: str = "home",
        daemon_home: str = "home",
        voting_period: str = nodes.VOTING_PERIOD,
    ) -> Supervisor:
        """Make a validator's home and its supervisor; the sign-state is watched from now on."""
        node = nodes.create(self._path(node_home), self._path("user"), "night-1", self.old)
        nodes.found_chain(node, voting_period)
        self.watch = SignStateWatch(node)
        return self.supervise(node, daemon_home)

    def supervise(self, node: nodes.Node, daemon_home: str, **settings: str) -> Supervisor:
        """Put the old release into place and return a supervisor, not started yet."""
        nodes.install(self._path(daemon_home), "genesis", self.old)
        logs = self._path(f"logs-{daemon_home}")
        supervisor = Supervisor(self.kind, self._path(daemon_home), node, logs, dict(settings))
        self.supervisors.append(supervisor)
        return supervisor

    def place_by_hand(self, supervisor: Supervisor) -> None:
        """Put the new release into its folder, as an operator who trusts no download."""
        nodes.install(supervisor.daemon_home, os.path.join("upgrades", PLAN_NAME), self.new)

    def schedule(self, supervisor: Supervisor) -> None:
        """Bring the upgrade through governance."""
        self.height = gov.schedule_upgrade(supervisor.node, self.server.plan_info())

    def await_halt(self, supervisor: Supervisor) -> None:
        """Wait for the chain's plan file."""
        wait_until(
            "the chain writes its plan file", lambda: os.path.exists(supervisor.node.plan_file), 90, 0.002
        )

    def await_blocks(self, supervisor: Supervisor, *, seconds: float = 90) -> None:
        """Wait for blocks behind the upgrade height, made under the new release."""
        goal = self.height + NEW_BLOCKS

        def reached() -> bool:
            if not supervisor.running():  # as a service manager does with Restart=always
                assert supervisor.process
                if supervisor.starts > MOST_STARTS:
                    status = supervisor.process.returncode
                    raise CheckError(
                        f"the supervisor ended again and again, last with {status}; see {supervisor.logs}"
                    )
                self.facts["ended by itself with"] = supervisor.process.returncode
                time.sleep(RESTART_SECONDS)
                supervisor.start()
            return supervisor.node.rpc.height() >= goal

        wait_until(f"block {goal}", reached, seconds)

    def check(self, supervisor: Supervisor, *, old_starts: int = 0, stopped_with: int = 0) -> None:
        """Check everything, then stop and check that nothing is left."""
        check_upgraded(
            supervisor, self.height, self.versions, old_starts if self.kind == OURS else MOST_STARTS
        )
        starts = count_starts(supervisor.node_log, *self.versions)
        self.facts["old starts after the halt"] = starts.old_after_halt
        self.facts["requests"] = len(self.server.requests)
        self._note_switch(supervisor)
        if supervisor.kind == OURS:
            require(starts.new == 1, f"the new release was started {starts.new} times")
        self.stop(supervisor, stopped_with=stopped_with)

    def stop(self, supervisor: Supervisor, *, stopped_with: int = 0) -> None:
        """Stop as a service manager does; nothing may be left, and the sign-state never have gone back."""
        status = supervisor.stop()
        left = supervisor.node_pids()
        if supervisor.kind == OURS:
            require(status == stopped_with, f"a stop after the upgrade ended with {status}")
            require(not left, f"a stop left {len(left)} nodes behind")
        if self.watch:
            require(not self.watch.fault, self.watch.fault)
            require(self.watch.highest[0] > self.height, f"the sign-state stands at {self.watch.highest}")

    def _note_switch(self, supervisor: Supervisor) -> None:
        """Note how long after the chain's plan file the new process was there, and the gap between blocks."""
        pid = supervisor.node_pids()[0]
        with open(f"/proc/{pid}/stat") as file:
            ticks = int(file.read().rsplit(")", 1)[1].split()[19])
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        started = booted + ticks / os.sysconf("SC_CLK_TCK")
        self.facts["halt to new process, s"] = round(started - os.stat(supervisor.node.plan_file).st_mtime, 2)
        if self.watch:  # a validator, whose chain stood still meanwhile
            rpc = supervisor.node.rpc
            gap = rpc.header_time(self.height + 2) - rpc.header_time(self.height + 1)
            self.facts["block gap, s"] = round(gap, 2)

    def close(self) -> None:
        """End all processes and threads of this night."""
        if self.watch:
            self.watch.close()
        for supervisor in self.supervisors:
            supervisor.clean()
        self.server.close()

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)
