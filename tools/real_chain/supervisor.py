"""The program under test, as a service manager would run it: ours, or the Go tool beside it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from typing import Any

from tools.go_tool import go_tool
from tools.real_chain.node import Node
from tools.real_chain.recipes import DAEMON

OURS = "ours"
GO = "go"


@dataclasses.dataclass
class Supervisor:
    """One supervisor process for one node home, started as often as a mode needs.

    Attributes:
        kind: `ours` or `go`.
        daemon_home: `DAEMON_HOME`.
        node: The node that it supervises.
        logs: Folder of the streams: `node.log` (standard output) and `own.log` (standard error).
        settings: Further variables.
        words: Arguments before those of the daemon.
        process: The running process.
        starts: How often it was started.
    """

    kind: str
    daemon_home: str
    node: Node
    logs: str
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    words: tuple[str, ...] = ("run",)
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def node_log(self) -> str:
        """Path of the standard output: the node's log, and the Go tool's own."""
        return os.path.join(self.logs, "node.log")

    @property
    def own_log(self) -> str:
        """Path of the standard error: our own log, and the node's usage and panic texts."""
        return os.path.join(self.logs, "own.log")

    def command(self) -> list[str]:
        """Return the program without its arguments."""
        if self.kind == GO:
            return [go_tool().path]
        return [os.path.join(os.path.dirname(sys.executable), "cosmovisor")]

    def environ(self) -> dict[str, str]:
        """Return the environment of a unit file."""
        own = {
            key: text
            for key, text in os.environ.items()
            if not key.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_", "LD_"))
        }
        own.update(
            HOME=self.node.user_home,
            DAEMON_HOME=self.daemon_home,
            DAEMON_NAME=DAEMON,
            DAEMON_ALLOW_DOWNLOAD_BINARIES="true",
            DAEMON_RESTART_AFTER_UPGRADE="true",
        )
        if self.kind == GO:
            own.update(DAEMON_SHUTDOWN_GRACE="15s", UNSAFE_SKIP_BACKUP="true")
        return {**own, **self.settings}

    def start(self) -> None:
        """Start it, streams appended to the logs."""
        os.makedirs(self.logs, exist_ok=True)
        with open(self.node_log, "ab") as out, open(self.own_log, "ab") as err:
            self.process = subprocess.Popen(
                [*self.command(), *self.words, *self.node.start_words(), "--log_no_color"],
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.starts += 1

    def ask(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a short command of the program to its end, as the operator types it."""
        return subprocess.run(
            [*self.command(), *words],
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        """Return what `status -o json` says; empty where nobody answers."""
        done = self.ask("status", "-o", "json", timeout=30)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def running(self) -> bool:
        """Tell whether the supervisor lives."""
        return self.process is not None and self.process.poll() is None

    def node_pids(self) -> list[int]:
        """Return the processes that run this home's daemon, whoever their parent is."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            names_home = self.node.home.encode() in words and b"start" in words
            if (
                names_home
                and os.path.basename(words[0]) == DAEMON.encode()
                and self.process
                and int(name) != self.process.pid
            ):
                found.append(int(name))
        return found

    def stop(self, seconds: float = 60) -> int:
        """Stop it as a service manager does and return its exit status.

        Raises:
            subprocess.TimeoutExpired: It does not end.
        """
        assert self.process
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Kill the supervisor alone."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def kill_all(self) -> None:
        """Kill the supervisor and its node at once, as a control group is killed."""
        victims = [*self.node_pids()]
        self.kill()
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def clean(self) -> None:
        """End whatever is left of it."""
        if self.process:
            if self.running():
                self.process.kill()
                self.process.wait()
            for pid in self.node_pids():
                os.kill(pid, signal.SIGKILL)
