"""A world for scenario tests: a home, binaries, a chain, and the supervisor as a real process.

A scenario reads as a story: it places binaries, starts the supervisor, lets the chain decide something,
waits for what must follow, and asks the ledger at the end. Every wait has a deadline and, when it passes,
tells what everybody was doing. Nothing outlives the world: processes are ended, and each demo node also
ends by itself when the test process is gone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cosmovisor.demo import address, binary, client, home, ledger
from cosmovisor.demo.options import Options
from cosmovisor.demo.web import Releases
from cosmovisor.model.errors import StateError
from cosmovisor.model.value import replace
from cosmovisor.observe import client as asking

#: Generous: a loaded machine must not make a test fail. Waiting ends with the event, not with the limit.
DEADLINE = float(os.environ.get("WORLD_DEADLINE", "60"))


class Supervisor:
    """A running `cosmovisor run …`; its log goes to a file of its own."""

    def __init__(
        self, world: World, words: Sequence[str], variables: dict[str, str], prefix: Sequence[str]
    ) -> None:
        self.world = world
        number = len(world.supervisors) + 1
        self.stdout_path = world.root / f"supervisor-{number}.out"
        self.stderr_path = world.root / f"supervisor-{number}.err"
        with self.stdout_path.open("wb") as out, self.stderr_path.open("wb") as err:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "cosmovisor", *words],
                env=world.environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=world.root,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """Everything on the supervisor's stderr so far (the node's stderr lines among it)."""
        return self.stderr_path.read_text(errors="replace")

    def output(self) -> str:
        """Everything on stdout so far: the node's log."""
        return self.stdout_path.read_text(errors="replace")

    def wait_for_log(self, text: str, limit: float = DEADLINE) -> None:
        self.world.wait(f"the log line {text!r}", lambda: text in self.log(), limit)

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, limit: float = DEADLINE) -> int:
        """Wait for the end and return the exit status as a shell shows it."""
        self.world.wait("the end of the supervisor", lambda: self.process.poll() is not None, limit)
        code = self.process.returncode
        return code if code >= 0 else 128 - code

    def stop(self, number: int = signal.SIGTERM, limit: float = DEADLINE) -> int:
        """Send a signal and wait for the end."""
        self.send_signal(number)
        return self.wait(limit)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the supervisor alone: what the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(30)

    def kill_with_node(self) -> None:
        """SIGKILL to the supervisor and its node at once: what a service manager does, or a reset button."""
        nodes = self.world.live_nodes()
        self.process.kill()
        for pid in nodes:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(30)
        self.world.wait("the end of the nodes", lambda: not self.world.live_nodes())


class World:
    """One home with its chain; `version` options are those of `cosmovisor.demo.options.Options`."""

    def __init__(self, root: Path, *, prog: str = "demod", **params: Any) -> None:
        self.root = root
        self.prog = prog
        self.home = root / "home"
        self.node_home = self.home
        self.ledger_path = str(root / "ledger")
        self.laddr = address.choose()
        self.params = {"block_interval": 0.1, "voting_period": 0.3, **params}
        self.variables: dict[str, str] = {}
        self.supervisors: list[Supervisor] = []
        self.others: list[subprocess.Popen[bytes]] = []
        self.versions: dict[str, Options] = {}
        self._releases: Releases | None = None

    # Setting the stage

    @property
    def tree(self) -> Path:
        return self.home / "cosmovisor"

    @property
    def data(self) -> Path:
        return self.node_home / "data"

    @property
    def plan_file(self) -> Path:
        return self.data / "upgrade-info.json"

    def version(self, name: str, **manners: Any) -> Options:
        """Define a version once; later versions know the upgrades of all earlier ones unless told otherwise."""
        if name not in self.versions or manners:
            earlier = [known for known in self.versions.values() if known.name != name]
            handlers = tuple(dict.fromkeys([handler for known in earlier for handler in known.handlers]))
            handlers = (*handlers, name) if self.versions and name not in handlers else handlers
            text = name.lstrip("v")
            given = {"handlers": handlers, "version": text if "." in text else f"{text}.0.0", **manners}
            base = Options(prog=self.prog, ledger=self.ledger_path, leash=os.getpid())
            self.versions[name] = replace(base, name=name, **given)
        return self.versions[name]

    def genesis(self, name: str = "v1", **manners: Any) -> Options:
        """Place the first binary with its link, as `cosmovisor init` does."""
        options = self.version(name, **manners)
        binary.write(str(self.tree / "genesis" / "bin" / self.prog), options)
        if not (self.tree / "current").is_symlink():
            self.link("genesis")
        return options

    def place(self, name: str, folder: str = "", **manners: Any) -> Path:
        """Place the binary of an upgrade by hand, complete at once."""
        options = self.version(name, **manners)
        path = self.tree / "upgrades" / (folder or name.lower()) / "bin" / self.prog
        binary.write(str(path), options)
        return path

    def link(self, target: str) -> None:
        """Set the `current` link by hand."""
        link = self.tree / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(target)

    def current(self) -> str:
        """Where `current` points, relative to the tree; empty where there is no link."""
        link = self.tree / "current"
        return os.path.relpath(link.resolve(), self.tree.resolve()) if link.is_symlink() else ""

    def init(self, node_home: Path | None = None, **params: Any) -> None:
        """Make the node's home with keys, configuration and genesis."""
        self.node_home = node_home or self.node_home
        self.params.update(params)
        home.create(str(self.node_home), self.prog, chain_id="demo-1", laddr=self.laddr, params=self.params)

    def environment(self, variables: dict[str, str] | None = None) -> dict[str, str]:
        """The environment of every process: small, and nothing of the machine's own home."""
        own_home = self.root / "user"
        own_home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(own_home),
            "TMPDIR": str(self.root),
            "DAEMON_HOME": str(self.home),
            "DAEMON_NAME": self.prog,
            "COSMOVISOR_SCOUT": "off",
            **self.variables,
            **(variables or {}),
        }

    @property
    def releases(self) -> Releases:
        """The release server, started when first needed."""
        if self._releases is None:
            self._releases = Releases()
        return self._releases

    def publish(self, name: str, path: str = "", *, inside: str = "", **manners: Any) -> str:
        """Publish a version as a tar.gz with checksum; return the URL as a plan carries it."""
        options = self.version(name, **manners)
        path = path or f"/{name}/{self.prog}.tar.gz"
        archive = self.root / f"{name}.tar.gz"
        digest = binary.archive(str(archive), options, inside)
        self.releases.files[path] = archive.read_bytes()
        return f"{self.releases.url(path)}?checksum=sha256:{digest}"

    # Commands

    def run(
        self,
        *words: str,
        variables: dict[str, str] | None = None,
        prefix: Sequence[str] = (),
        first: str = "run",
    ) -> Supervisor:
        """Start `cosmovisor run start --home …` (or the given words) and keep it for the end of the world."""
        if not (self.node_home / "config").exists():
            self.init()
        words = words or ("start", "--home", str(self.node_home))
        supervisor = Supervisor(self, (first, *words) if first else words, variables or {}, prefix)
        self.supervisors.append(supervisor)
        return supervisor

    def command(
        self, *words: object, variables: dict[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a short command of cosmovisor to its end."""
        return subprocess.run(
            [sys.executable, "-m", "cosmovisor", *[str(word) for word in words]],
            env=self.environment(variables),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            cwd=self.root,
        )

    def node_alone(self, path: Path | None = None, *words: str) -> subprocess.Popen[bytes]:
        """Start a binary without a supervisor."""
        if not (self.node_home / "config").exists():
            self.init()
        executable = path or self.tree / "genesis" / "bin" / self.prog
        with (self.root / "alone.out").open("ab") as out:
            process = subprocess.Popen(
                [str(executable), "start", "--home", str(self.node_home), *words],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.others.append(process)
        return process

    # The chain

    def heights(self) -> tuple[int, int]:
        """Heights of block store and application; (-1, -1) when the node does not answer."""
        try:
            return client.heights(self.laddr)
        except client.NoAnswerError:
            return -1, -1

    def answering_version(self) -> str:
        """The version text that the running node answers; empty when nobody does."""
        try:
            return str(client.call(self.laddr, "abci_info")["response"]["version"])
        except client.NoAnswerError:
            return ""

    def send(self, **tx: Any) -> None:
        client.broadcast(self.laddr, tx)

    def schedule(self, name: str, *, blocks: int = 12, height: int = 0, info: str = "") -> int:
        """Let the chain's authority schedule a plan at once; return its height."""
        self.until_height(1)
        height = height or self.heights()[0] + blocks
        self.send(type="authority", plan={"name": name, "height": height, "info": info})
        return height

    def propose(self, name: str, *, blocks: int = 25, info: str = "", form: str = "message") -> int:
        """Propose an upgrade, vote for it; return its height. It is scheduled when voting ends."""
        self.until_height(1)
        height = self.heights()[0] + blocks
        self.send(type="propose", plan={"name": name, "height": height, "info": info}, form=form)
        self.wait("the proposal", lambda: self.proposals() > 0)
        self.send(type="vote", id=self.proposals(), option="yes")
        return height

    def proposals(self) -> int:
        """Number of proposals that the chain has seen."""
        from cosmovisor.demo import wire

        answer = client.query(self.laddr, "/cosmos.gov.v1.Query/Proposals")
        return sum(number == 1 for number, _ in wire.fields(answer))

    def hold_at(self, height: int) -> None:
        """Let the chain make no block above a height until `let_go`: a story can then take its time."""
        gate = self.node_home / "config" / "gate"
        gate.with_suffix(".new").write_text(str(height))
        gate.with_suffix(".new").replace(gate)

    def let_go(self) -> None:
        (self.node_home / "config" / "gate").unlink(missing_ok=True)

    def cancel(self) -> None:
        self.send(type="authority")

    def scheduled(self) -> bool:
        """Tell whether the chain has a current plan."""
        return bool(client.query(self.laddr, "/cosmos.upgrade.v1beta1.Query/CurrentPlan"))

    # Waiting

    def wait(self, what: str, seen: Callable[[], Any], limit: float = DEADLINE) -> Any:
        """Wait until something is seen; when the deadline passes, say what everybody was doing."""
        end = time.monotonic() + limit
        doomed = 0
        while not (found := seen()):
            doomed = doomed + 1 if self.all_ended() else 0
            if time.monotonic() > end or doomed > 250:
                raise AssertionError(f"waited {limit:.0f} s in vain for {what}\n{self.report()}")
            time.sleep(0.02)
        return found

    def until_height(self, height: int, limit: float = DEADLINE) -> None:
        """Wait until the application has committed a height."""
        self.wait(f"height {height}", lambda: self.heights()[1] >= height, limit)

    def until_block_store(self, height: int, limit: float = DEADLINE) -> None:
        self.wait(f"block {height}", lambda: self.heights()[0] >= height, limit)

    def until_halted(self, height: int, limit: float = DEADLINE) -> None:
        """Wait until a node has met the upgrade height without knowing the upgrade."""
        self.wait(
            f"the halt at {height}", lambda: any(e["height"] == height for e in self.notes("halt")), limit
        )

    def until_answering(self, limit: float = DEADLINE) -> None:
        """Wait until the supervisor answers on its socket: the node runs before that."""
        path = str(self.tree / "cosmovisor.sock")
        self.wait("an answer on the socket", lambda: _answers(path), limit)

    def until_started(self, name: str, times: int = 1, limit: float = DEADLINE) -> None:
        """Wait until a version was started (so many times)."""
        self.wait(f"start of {name}", lambda: self.started().count(name) >= times, limit)

    def until_applied(self, name: str, limit: float = DEADLINE) -> None:
        """Wait until a node has applied an upgrade."""
        self.wait(
            f"upgrade {name}", lambda: any(entry["plan"] == name for entry in self.notes("applied")), limit
        )

    def until_blocks_of(self, name: str, blocks: int = 2, limit: float = DEADLINE) -> None:
        """Wait until a version has signed some blocks: the validator is back."""
        self.wait(f"{blocks} blocks of {name}", lambda: self.blocks_of(name) >= blocks, limit)

    def all_ended(self) -> bool:
        """Tell whether every process of this world has ended: nothing more will happen by itself."""
        running = [*(each.process for each in self.supervisors), *self.others]
        return (
            bool(running) and all(process.poll() is not None for process in running) and not self.live_nodes()
        )

    # The ledger

    def entries(self) -> list[dict[str, Any]]:
        return ledger.read(self.ledger_path)

    def notes(self, what: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries() if entry["what"] == what]

    def started(self) -> list[str]:
        """Versions in the order of their starts."""
        return [entry["version"] for entry in self.notes("start")]

    def blocks_of(self, name: str) -> int:
        return sum(entry["step"] == 3 and entry["version"] == name for entry in self.notes("sign"))

    def live_nodes(self) -> list[int]:
        """Processes of demo nodes that still live (zombies do not)."""
        return [
            pid
            for pid in {entry["pid"] for entry in self.notes("start")}
            if _is_alive(pid, os.fsencode(self.root))
        ]

    def verify(self, old_starts: int = 0) -> None:
        """Ask the ledger: nobody signed twice, no two nodes, nothing too early, no old binary after the halt."""
        entries = self.entries()
        assert ledger.conflicts(entries) == []
        assert [entry["version"] for entry in ledger.early_starts(entries)] == []
        found = [entry["version"] for entry in ledger.old_starts_after_halt(entries)]
        assert len(found) <= old_starts, f"old binaries started after the halt: {found}"

    def digest(self, path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    # The end

    def report(self) -> str:
        """What everybody was doing, for a failed wait."""
        lines = [f"heights (store, application): {self.heights()}", f"started: {self.started()}"]
        lines += [json.dumps(entry) for entry in self.entries() if entry["what"] != "sign"][-12:]
        for supervisor in self.supervisors:
            lines.append(f"--- supervisor {supervisor.pid}, ended with {supervisor.process.poll()}")
            lines += supervisor.log().splitlines()[-25:]
            lines += ["--- output", *supervisor.output().splitlines()[-8:]]
        return "\n".join(lines)

    def close(self) -> None:
        """End everything that this world started."""
        for supervisor in self.supervisors:
            if supervisor.is_alive():
                supervisor.send_signal(signal.SIGTERM)
        for supervisor in self.supervisors:
            try:
                supervisor.process.wait(20)
            except subprocess.TimeoutExpired:
                supervisor.process.kill()
                supervisor.process.wait(20)
        for process in self.others:
            if process.poll() is None:
                process.kill()
            process.wait(20)
        for pid in self.live_nodes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self._releases:
            self._releases.close()
        shutil.rmtree(self.root / "user", ignore_errors=True)


def _is_alive(pid: int, mark: bytes) -> bool:
    """Tell whether a process lives and is a demo node (its number may have been given to another)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            if file.read().rpartition(b")")[2].split()[0] == b"Z":
                return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return mark in file.read()
    except FileNotFoundError:
        return _answers_signal(pid) if not os.path.isdir("/proc/self") else False
    except ProcessLookupError:
        return False


def _answers(path: str) -> bool:
    try:
        asking.ask(path, {"ask": "status"}, 5.0)
    except StateError:
        return False
    return True


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
