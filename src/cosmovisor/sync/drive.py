"""Drives the ordinary supervisor from where the data is to the chain's tip, and watches it do so.

There is no second upgrade code here: the supervisor halts, switches and starts; this only starts it again
when it has died, stages a binary under the name that the chain turns out to use, and knows when the work is
done.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from cosmovisor.chain.rpc import Rpc
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import ChainError, CosmovisorError, StagingError, StateError
from cosmovisor.observe import client
from cosmovisor.sync.plan import Step, SyncPlan
from cosmovisor.sync.progress import Progress
from cosmovisor.sync.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Seconds between two looks at the supervisor, and between two questions to the node itself and to others.
LOOK, ASK_NODE, ASK_OTHERS = 0.25, 1.0, 60.0
#: Seconds before a supervisor that died is started again: at first and at last; tries without a new height.
FIRST, LONGEST, TRIES = 1.0, 60.0, 8


class Drive:
    """One run.

    Args:
        layout: The folder tree.
        plan: The upgrades.
        stage: Stages a binary that is asked for by another name.
        progress: Takes what is seen.
        command: The supervisor's command line.
        environ: Its environment.
        output: Descriptor for its standard output and standard error, or None to inherit ours.
        node: The node's RPC; None where it has none.
        others: Other nodes, which know the tip.
        show: Called after every look.
        say: Told what happens.
    """

    def __init__(
        self,
        layout: Layout,
        plan: SyncPlan,
        stage: Stage,
        progress: Progress,
        *,
        command: Sequence[str],
        environ: Mapping[str, str],
        output: int | None,
        node: Rpc | None,
        others: Sequence[Rpc],
        show: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._layout = layout
        self._plan = plan
        self._stage = stage
        self._progress = progress
        self._command = list(command)
        self._environ = dict(environ)
        self._output = output
        self._node = node
        self._others = others
        self._show = show
        self._say = say
        self._child: subprocess.Popen[bytes] | None = None
        self._signal = 0
        self._caught_up = False
        self._node_at = self._others_at = 0.0
        self._renamed: set[str] = set()

    def run(self, *, keep_running: bool) -> int:
        """Take the node to the end of the plan and to the tip.

        Args:
            keep_running: Leave the node running under the supervisor when all is done, until a signal comes.

        Returns:
            Exit status: 0 when all is done, 128+n for a signal.

        Raises:
            StateError: The supervisor ends again and again without getting further.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        failures, wait, reached, said_done = 0, FIRST, self._progress.height, False
        attached = self._ask() is not None
        if attached:
            self._say("a supervisor runs already: it is watched, and left running at the end")
        while not self._signal:
            if not attached and self._child is None:
                self._start()
            snapshot = self._ask()
            if snapshot is not None:
                self._progress.take(snapshot, time.time())
                self._help(snapshot)
            self._ask_nodes()
            self._show()
            if self._is_done() and not said_done:
                said_done = True
                if attached or not keep_running:
                    break
                self._say("all upgrades are behind and the node has caught up: it is left running")
            if attached and snapshot is None:
                attached = False  # it has ended; ours takes over
            status = self._child.poll() if self._child is not None else None
            if status is not None:
                self._child = None
                failures, wait = (0, FIRST) if self._progress.height > reached else (failures + 1, wait)
                reached = self._progress.height
                if failures >= TRIES:
                    raise StateError(
                        f"the supervisor has ended {failures} times without a new height, last with {status}",
                        "Look at its log, correct the cause, and run the same command again.",
                    )
                self._say(f"the supervisor has ended (status {status}); it is started again in {wait:.0f} s")
                self._sleep(wait)
                wait = min(wait * 2, LONGEST)
                continue
            self._sleep(LOOK)
        self._stop()
        return 128 + self._signal if self._signal else 0

    def _start(self) -> None:
        self._child = subprocess.Popen(
            self._command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )
        if self._node is not None:
            self._node.forget()

    def _stop(self) -> None:
        """End our supervisor in its own time; a second signal is passed on to it: it has rules for that."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGTERM)
        passed = self._signal
        while True:
            try:
                self._child.wait(0.5)
            except subprocess.TimeoutExpired:
                if self._signal != passed:
                    passed = self._signal
                    self._child.send_signal(signal.SIGTERM)
                continue
            return

    def _signalled(self, number: int, _: object) -> None:
        # A number of its own for each time, so that `_stop` sees the second one.
        self._signal = number

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._signal and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.25))

    def _ask(self) -> dict[str, Any] | None:
        try:
            return client.ask(self._layout.socket, {"ask": "status"}, 5.0)
        except StateError:
            return None

    def _ask_nodes(self) -> None:
        now = time.monotonic()
        if self._node is not None and now >= self._node_at:
            self._node_at = now + ASK_NODE
            try:
                status = self._node.status()
            except ChainError as error:
                self._caught_up = False
                if not error.facts.get("reached", True):
                    self._node.forget()
            else:
                self._caught_up = not status.catching_up
                self._progress.see(status.height, time.time())
        if self._others and now >= self._others_at:
            self._others_at = now + ASK_OTHERS
            for other in self._others:
                with contextlib.suppress(ChainError):
                    self._progress.goal = max(self._progress.goal, other.status().height)
                    break

    def _is_done(self) -> bool:
        return self._progress.done == len(self._plan.steps) and (self._caught_up or self._node is None)

    def _help(self, snapshot: Mapping[str, Any]) -> None:
        """Stage the binary of a height under the chain's own name, if a registry calls it otherwise."""
        found = (snapshot.get("plan_file") or {}).get("plan") or snapshot.get("known_plan") or {}
        name, height = found.get("name"), found.get("height")
        if not isinstance(name, str) or not isinstance(height, int) or name in self._renamed:
            return
        if any(step.name == name for step in self._plan.steps):
            return
        step = next((step for step in self._plan.steps if step.height == height), None)
        if step is None:
            if height > self._progress.application:
                self._renamed.add(name)
                self._say(f"the chain wants upgrade {name!r} at {height}, which the plan does not have")
            return
        self._renamed.add(name)
        self._say(f"the chain calls {step.name!r} at {height} {name!r}: its binary is staged under that name")
        try:
            self._stage.one(Step(step.name, height, step.info, step.path), name)
            client.ask(self._layout.socket, {"do": "recheck"}, 5.0)
        except (StagingError, StateError) as error:
            self._say(f"cannot stage {name!r}: {error.cause}")


def supervisor_command(config_file: str | None, args: Sequence[str]) -> list[str]:
    """Return the command line of the ordinary supervisor."""
    option = ["--cosmovisor-config", config_file] if config_file else []
    return [sys.executable, "-m", "cosmovisor", "run", *args, *option]


def supervisor_environ(
    environ: Mapping[str, str], origins: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the supervisor's environment, and the settings in it that differ from an ordinary run.

    Nobody is there to start the node again, and a copy of the data before each of thirty upgrades would fill
    the disk with what the network can give again: where the operator has set nothing, this is set for him.
    """
    found = dict(environ)
    wanted = {"COSMOVISOR_RESTART": "on", "COSMOVISOR_BACKUP": "off"}
    if origins.get("UNSAFE_SKIP_BACKUP", "default") != "default":
        del wanted["COSMOVISOR_BACKUP"]
    changed = []
    for name, value in wanted.items():
        if origins.get(name, "default") == "default":
            found[name] = value
            changed.append(f"{name}={value}")
    found["DAEMON_RESTART_AFTER_UPGRADE"] = "true"
    return found, changed


def open_log(path: str) -> int:
    """Open the file for the node's output, emptied.

    Raises:
        CosmovisorError: It cannot be written.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CosmovisorError(
            f"cannot write {path}: {error.strerror}", "Name another file with --node-log."
        ) from error
