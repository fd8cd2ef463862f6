"""A stage for one play: a folder with a home, a chain, a ledger, and the supervisor as a real process.

The story of `make demo` and the stand-in of `cosmovisor rehearse` are played on it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from cosmovisor.demo import address, client, ledger
from cosmovisor.demo import home as homes
from cosmovisor.demo.options import Options

DEADLINE = 60.0
CHAIN_ID = "demo-1"


class StageError(Exception):
    """Something that the play needs did not happen."""


class Stage:
    """Where it is played.

    Attributes:
        folder: Everything lies below it.
        prog: Name of the daemon.
        home: The node's home, and `DAEMON_HOME`.
        tree: The folder `cosmovisor` in it.
        ledger: The file into which the nodes note what they do.
        log: The supervisor's log.
        laddr: The RPC address of the node.
    """

    def __init__(self, folder: str, prog: str) -> None:
        self.folder, self.prog = folder, prog
        self.home = os.path.join(folder, "validator")
        self.tree = os.path.join(self.home, "cosmovisor")
        self.ledger = os.path.join(folder, "ledger.jsonl")
        self.log = os.path.join(folder, "cosmovisor.log")
        self.laddr = address.choose()
        self.supervisor: subprocess.Popen[bytes] | None = None

    def options(self, name: str, version: str, *handlers: str) -> Options:
        """Return a version of the daemon for this stage; one with handlers adds a store, as real ones do."""
        return Options(
            name=name,
            version=version,
            prog=self.prog,
            handlers=handlers,
            adds=tuple((handler, "epochs") for handler in handlers),
            ledger=self.ledger,
            leash=os.getpid(),
        )

    def make_home(self, **params: object) -> None:
        """Make the node's home."""
        homes.create(self.home, self.prog, chain_id=CHAIN_ID, laddr=self.laddr, params=params)

    def start(self, environ: Mapping[str, str]) -> None:
        """Start `cosmovisor run start` on this home."""
        environment = {**environ, "DAEMON_HOME": self.home, "DAEMON_NAME": self.prog}
        with open(self.log, "wb") as log, open(os.path.join(self.folder, "node.log"), "wb") as node_log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "cosmovisor", "run", "start", "--home", self.home],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=node_log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> int:
        """Ask the supervisor to end, and return its exit status.

        Raises:
            StageError: It does not end.
        """
        if self.supervisor is None:
            return 0
        self.supervisor.send_signal(signal.SIGTERM)
        try:
            return self.supervisor.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise StageError(f"cosmovisor did not end within {DEADLINE:.0f} s") from None

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        if self.supervisor is None or self.supervisor.poll() is not None:
            return
        self.supervisor.send_signal(signal.SIGTERM)
        try:
            self.supervisor.wait(15)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait(15)

    def heights(self) -> tuple[int, int]:
        """Return the heights of block store and application; -1 while nobody answers."""
        try:
            return client.heights(self.laddr)
        except client.NoAnswerError:
            return -1, -1

    def notes(self, what: str, version: str = "") -> list[dict[str, Any]]:
        """Return the ledger's entries of one kind, of one version where one is named."""
        return [
            entry
            for entry in ledger.read(self.ledger)
            if entry["what"] == what and version in ("", entry["version"])
        ]

    def blocks(self, version: str) -> list[dict[str, Any]]:
        """Return the blocks that a version has signed."""
        return [entry for entry in self.notes("sign", version) if entry["step"] == 3]

    def downtime(self, version: str) -> tuple[float, float]:
        """Return the measured seconds from the halt to the start of a version, and to its first block."""
        halt = self.notes("halt")[0]["at"]
        return self.notes("start", version)[0]["at"] - halt, self.blocks(version)[0]["at"] - halt

    def wait(self, what: str, seen: Callable[[], object]) -> None:
        """Wait until something is seen.

        Raises:
            StageError: It is not seen in time, or the supervisor has ended.
        """
        end = time.monotonic() + DEADLINE
        while True:
            try:
                if seen():
                    return
            except client.NoAnswerError:
                pass
            if self.supervisor and self.supervisor.poll() is not None:
                raise StageError(f"cosmovisor ended with {self.supervisor.returncode} before {what}")
            if time.monotonic() > end:
                raise StageError(f"waited {DEADLINE:.0f} s in vain for {what}")
            time.sleep(0.02)
