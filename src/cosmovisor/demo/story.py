"""The story of `make demo`: one governed upgrade from the proposal to the first block of the new binary.

Everything in it is real but the chain: the supervisor is the installed program, the binary travels through
an HTTP server as a tar.gz with a checksum, and every sentence is told when the thing has been seen, on disk,
over RPC or in the ledger, never because it was planned.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from cosmovisor.demo import binary, client, ledger
from cosmovisor.demo import home as homes
from cosmovisor.demo.stage import Stage, StageError
from cosmovisor.demo.web import Releases

PROG = "demod"
PLAN = "v2"
MARK = ".made-by-cosmovisor-demo"
INTERVAL = 0.5
BLOCKS_AHEAD = 24


class Story:
    """Plays the story in a folder and tells it through `say`."""

    def __init__(self, folder: str, say: Callable[[str, str], None]) -> None:
        self.stage, self.say = Stage(os.path.abspath(folder), PROG), say
        self.checks: list[tuple[bool, str]] = []
        self.height = 0

    def play(self) -> list[tuple[bool, str]]:
        """Play all scenes; return what was checked, as (held, sentence).

        Raises:
            StageError: A scene did not come to its end.
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
                code = self.stage.stop()
                self._check(code == 0, f"a stop after the upgrade ends everything cleanly (status {code})")
            finally:
                self.stage.end()
        self._ask_the_ledger()
        return self.checks

    def _clear(self) -> None:
        folder = self.stage.folder
        if os.path.exists(folder):
            if not os.path.exists(os.path.join(folder, MARK)):
                raise StageError(f"{folder} exists and was not made by the demo; name another folder")
            shutil.rmtree(folder)
        os.makedirs(folder)
        homes.write(os.path.join(folder, MARK), "This folder is made anew by each run of the demo.\n")

    def _set_the_stage(self, releases: Releases) -> None:
        stage = self.stage
        binary.write(os.path.join(stage.tree, "genesis", "bin", PROG), stage.options("v1", "1.0.0"))
        stage.make_home(block_interval=INTERVAL, voting_period=3)
        self.say("operator", f"a validator's home with {PROG} v1 under genesis/bin")
        archive = os.path.join(stage.folder, "release", f"{PROG}_2.0.0_linux_amd64.tar.gz")
        self.digest = binary.archive(archive, stage.options("v2", "2.0.0", PLAN))
        with open(archive, "rb") as file:
            releases.files[f"/{os.path.basename(archive)}"] = file.read()
        self.url = releases.url(f"/{os.path.basename(archive)}")
        self.say("server", f"offers {self.url} (sha256 {self.digest[:12]}…)")

    def _start(self) -> None:
        given = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_"))
        }
        own = {"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true", "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM": "true"}
        self.stage.start({**given, **own})
        self.say("operator", "starts `cosmovisor run start`")
        self.stage.wait("the chain's first blocks", lambda: self.stage.heights()[1] >= 2)
        self.say("chain", f"makes blocks with v1, one every {INTERVAL} s")

    def _decide(self, releases: Releases) -> None:
        stage = self.stage
        self.height = stage.heights()[0] + BLOCKS_AHEAD
        info = f'{{"binaries":{{"any":"{self.url}?checksum=sha256:{self.digest}"}}}}'
        plan = {"name": PLAN, "height": self.height, "info": info}
        client.broadcast(stage.laddr, {"type": "propose", "title": "Upgrade to v2", "plan": plan})
        self.say("governance", f"proposal 1: upgrade {PLAN} at height {self.height}, with URL and checksum")
        client.broadcast(stage.laddr, {"type": "vote", "id": 1, "option": "yes"})
        path = "/cosmos.upgrade.v1beta1.Query/CurrentPlan"
        stage.wait("the scheduled plan", lambda: client.query(stage.laddr, path))
        self.say("governance", f"the vote has passed: {PLAN} is scheduled (height now {stage.heights()[0]})")
        stage.wait("the download", lambda: releases.requests)
        self.say("cosmovisor", "has seen the plan and fetches the binary")

    def _download(self, releases: Releases) -> None:
        stage = self.stage
        path = os.path.join(stage.tree, "upgrades", PLAN, "bin", PROG)
        stage.wait("the staged binary", lambda: os.path.exists(path))
        now = stage.heights()[0]
        self._check(now < self.height, f"the new binary was in place {self.height - now} blocks ahead")
        self.say("cosmovisor", f"checksum right, unpacked, proven: {os.path.relpath(path, stage.folder)}")
        self._check(bool(releases.requests), f"it was fetched with {len(releases.requests)} request(s)")

    def _upgrade(self) -> None:
        stage = self.stage
        stage.wait("the halt", lambda: stage.notes("halt"))
        self.say("chain", f"halts: UPGRADE {PLAN!r} NEEDED at height {self.height}")
        stage.wait("the new binary", lambda: stage.notes("start", "v2"))
        self.say("cosmovisor", "stopped v1, backed up the data, switched `current`, started v2")
        stage.wait("blocks of the new binary", lambda: len(stage.blocks("v2")) >= 4)
        self.say("chain", f"makes blocks with v2 (height {stage.heights()[0]})")

    def _ask_the_ledger(self) -> None:
        stage = self.stage
        entries = ledger.read(stage.ledger)
        found = ledger.conflicts(entries)
        self._check(not found, found[0] if found else "the ledger of signatures holds no conflict")
        old = ledger.old_starts_after_halt(entries)
        self._check(not old, f"the old binary was started {len(old)} times after the halt")
        self._check(not ledger.early_starts(entries), "no binary was started too early")
        applied = [entry["height"] for entry in stage.notes("applied")]
        self._check(applied == [self.height], f"the upgrade was applied once, at height {self.height}")
        target = os.path.realpath(os.path.join(stage.tree, "current"))
        self._check(target.endswith(f"/upgrades/{PLAN}"), f"`current` points to {os.path.basename(target)}")
        backups = [name for name in os.listdir(stage.home) if name.startswith("data-backup-")]
        self._check(len(backups) == 1, f"one backup: {', '.join(backups) or 'none'}")

    def _check(self, held: bool, sentence: str) -> None:
        self.checks.append((held, sentence))
