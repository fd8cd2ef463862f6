"""The story of `make demo`: one governed upgrade from the proposal to the first block of the new binary.

Everything in it is real but the chain: the supervisor is the installed program, the binary travels through
an HTTP server as a tar.gz with a checksum, and every sentence is told when the thing has been seen, on disk,
over RPC or in the ledger, never because it was planned.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from cosmovisor.demo import address, binary, client, ledger
from cosmovisor.demo import home as homes
from cosmovisor.demo.options import Options
from cosmovisor.demo.web import Releases

PROG = "demod"
PLAN = "v2"
MARK = ".made-by-cosmovisor-demo"
INTERVAL = 0.5
BLOCKS_AHEAD = 24
DEADLINE = 60.0


class StoryError(Exception):
    """Something that the story needs did not happen."""


class Story:
    """Plays the story in a folder and tells it through `say`."""

    def __init__(self, folder: str, say: Callable[[str, str], None]) -> None:
        self.folder, self.say = os.path.abspath(folder), say
        self.home = os.path.join(self.folder, "validator")
        self.ledger = os.path.join(self.folder, "ledger.jsonl")
        self.log = os.path.join(self.folder, "cosmovisor.log")
        self.tree = os.path.join(self.home, "cosmovisor")
        self.laddr = address.choose()
        self.supervisor: subprocess.Popen[bytes] | None = None
        self.checks: list[tuple[bool, str]] = []
        self.height = 0

    def play(self) -> list[tuple[bool, str]]:
        """Play all scenes; return what was checked, as (held, sentence).

        Raises:
            StoryError: A scene did not come to its end.
        """
        self._clear()
        with Releases() as releases:
            try:
                self._set_the_stage(releases)
                self._start()
                self._decide(releases)
                self._download(releases)
                releases.close()
                self.say("server", "switched off: the network is not needed any more")
                self._upgrade()
                self._stop()
            finally:
                self._end()
        self._ask_the_ledger()
        return self.checks

    def _clear(self) -> None:
        if os.path.exists(self.folder):
            if not os.path.exists(os.path.join(self.folder, MARK)):
                raise StoryError(f"{self.folder} exists and was not made by the demo; name another folder")
            shutil.rmtree(self.folder)
        os.makedirs(self.folder)
        homes.write(os.path.join(self.folder, MARK), "This folder is made anew by each run of the demo.\n")

    def _options(self, name: str, *handlers: str) -> Options:
        return Options(
            name=name,
            version=f"{name[1:]}.0.0",
            prog=PROG,
            handlers=handlers,
            adds=((PLAN, "epochs"),) if handlers else (),
            ledger=self.ledger,
            leash=os.getpid(),
        )

    def _set_the_stage(self, releases: Releases) -> None:
        binary.write(os.path.join(self.tree, "genesis", "bin", PROG), self._options("v1"))
        params = {"block_interval": INTERVAL, "voting_period": 3}
        homes.create(self.home, PROG, chain_id="demo-1", laddr=self.laddr, params=params)
        self.say("operator", f"a validator's home with {PROG} v1 under genesis/bin")
        archive = os.path.join(self.folder, "release", f"{PROG}_2.0.0_linux_amd64.tar.gz")
        self.digest = binary.archive(archive, self._options("v2", PLAN))
        with open(archive, "rb") as file:
            releases.files[f"/{os.path.basename(archive)}"] = file.read()
        self.url = releases.url(f"/{os.path.basename(archive)}")
        self.say("server", f"offers {self.url} (sha256 {self.digest[:12]}…)")

    def _start(self) -> None:
        environment = {
            **{
                name: text
                for name, text in os.environ.items()
                if not name.startswith(("DAEMON_", "COSMOVISOR_"))
            },
            "DAEMON_HOME": self.home,
            "DAEMON_NAME": PROG,
            "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
            "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM": "true",
        }
        with open(self.log, "wb") as log, open(os.path.join(self.folder, "node.log"), "wb") as node_log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "cosmovisor", "run", "start", "--home", self.home],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=node_log,
                stderr=log,
                start_new_session=True,
            )
        self.say("operator", "starts `cosmovisor run start`")
        self._wait("the chain's first blocks", lambda: self._heights()[1] >= 2)
        self.say("chain", f"makes blocks with v1, one every {INTERVAL} s")

    def _decide(self, releases: Releases) -> None:
        self.height = self._heights()[0] + BLOCKS_AHEAD
        info = f'{{"binaries":{{"any":"{self.url}?checksum=sha256:{self.digest}"}}}}'
        plan = {"name": PLAN, "height": self.height, "info": info}
        client.broadcast(self.laddr, {"type": "propose", "title": "Upgrade to v2", "plan": plan})
        self.say(
            "governance", f"proposal 1: upgrade {PLAN} at height {self.height}, with the URL and its checksum"
        )
        client.broadcast(self.laddr, {"type": "vote", "id": 1, "option": "yes"})
        path = "/cosmos.upgrade.v1beta1.Query/CurrentPlan"
        self._wait("the scheduled plan", lambda: client.query(self.laddr, path))
        self.say(
            "governance", f"the vote has passed; plan {PLAN} is scheduled (height now {self._heights()[0]})"
        )
        self._wait("the download", lambda: releases.requests)
        self.say("cosmovisor", "has seen the plan and fetches the binary")

    def _download(self, releases: Releases) -> None:
        path = os.path.join(self.tree, "upgrades", PLAN, "bin", PROG)
        self._wait("the staged binary", lambda: os.path.exists(path))
        now = self._heights()[0]
        self._check(now < self.height, f"the new binary was in place {self.height - now} blocks ahead")
        self.say(
            "cosmovisor",
            f"downloaded, checksum right, unpacked, proven: {os.path.relpath(path, self.folder)}",
        )
        self._check(bool(releases.requests), f"it was fetched with {len(releases.requests)} request(s)")

    def _upgrade(self) -> None:
        self._wait("the halt", lambda: self._notes("halt"))
        self.say("chain", f"halts: UPGRADE {PLAN!r} NEEDED at height {self.height}")
        self._wait("the new binary", lambda: self._starts("v2"))
        self.say("cosmovisor", "stopped v1, backed up the data, switched `current`, started v2")
        self._wait("blocks of the new binary", lambda: len(self._blocks("v2")) >= 4)
        self.say("chain", f"makes blocks with v2 (height {self._heights()[0]})")

    def _stop(self) -> None:
        if self.supervisor is None:
            return
        self.supervisor.send_signal(signal.SIGTERM)
        code = self.supervisor.wait(DEADLINE)
        self._check(code == 0, f"a stop after the upgrade ends everything cleanly (status {code})")

    def _end(self) -> None:
        """Leave no process behind, whatever happened."""
        if self.supervisor and self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
            try:
                self.supervisor.wait(15)
            except subprocess.TimeoutExpired:
                self.supervisor.kill()
                self.supervisor.wait(15)

    def _ask_the_ledger(self) -> None:
        entries = ledger.read(self.ledger)
        found = ledger.conflicts(entries)
        self._check(not found, found[0] if found else "the ledger of signatures holds no conflict")
        old = ledger.old_starts_after_halt(entries)
        self._check(not old, f"the old binary was started {len(old)} times after the halt")
        self._check(not ledger.early_starts(entries), "no binary was started too early")
        applied = [entry["height"] for entry in self._notes("applied")]
        self._check(
            applied == [self.height], f"the upgrade was applied once, at height {self.height}: {applied}"
        )
        target = os.path.realpath(os.path.join(self.tree, "current"))
        self._check(target.endswith(f"/upgrades/{PLAN}"), f"`current` points to {os.path.basename(target)}")
        backups = [name for name in os.listdir(self.home) if name.startswith("data-backup-")]
        self._check(len(backups) == 1, f"one backup: {', '.join(backups) or 'none'}")

    def downtime(self) -> tuple[float, float]:
        """Return the measured seconds from the halt to the new process, and to its first signed block."""
        halt = self._notes("halt")[0]["at"]
        return self._starts("v2")[0]["at"] - halt, self._blocks("v2")[0]["at"] - halt

    def _check(self, held: bool, sentence: str) -> None:
        self.checks.append((held, sentence))

    def _heights(self) -> tuple[int, int]:
        try:
            return client.heights(self.laddr)
        except client.NoAnswerError:
            return -1, -1

    def _notes(self, what: str) -> list[dict[str, Any]]:
        return [entry for entry in ledger.read(self.ledger) if entry["what"] == what]

    def _starts(self, version: str) -> list[dict[str, Any]]:
        return [entry for entry in self._notes("start") if entry["version"] == version]

    def _blocks(self, version: str) -> list[dict[str, Any]]:
        return [entry for entry in self._notes("sign") if entry["version"] == version and entry["step"] == 3]

    def _wait(self, what: str, seen: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE
        while True:
            try:
                if seen():
                    return
            except client.NoAnswerError:
                pass
            if self.supervisor and self.supervisor.poll() is not None:
                raise StoryError(
                    f"cosmovisor ended with {self.supervisor.returncode} while waiting for {what}"
                )
            if time.monotonic() > end:
                raise StoryError(f"waited {DEADLINE:.0f} s in vain for {what}")
            time.sleep(0.02)
