"""Two witnesses of one governed upgrade: what real nodes left behind, and the demo chain at work."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Protocol

from tests.support.world import World

FIXTURES = Path(__file__).parent.parent / "data" / "fixtures"
MOMENTS = ("1-running", "2-voting", "3-plan-passed", "4-halted", "6-upgraded")
METHODS = ("status", "abci_info", "health", "current_plan", "applied_plan", "proposals", "authority")

#: What each recorded pair was; the demo chain is set up alike.
CHAINS: dict[str, dict[str, Any]] = {
    "evmos-v19.2.1-v20.0.0": {"old": "0.47", "new": "0.50", "prefix": "evmos", "store": ""},
    "simapp-v0.47.17-v0.50.13": {"old": "0.47", "new": "0.50", "prefix": "cosmos", "store": "circuit"},
    "wasmd-v0.55.1-v0.60.8": {"old": "0.50", "new": "0.53", "prefix": "wasm", "store": "epochs"},
    "simapp-v0.50.13-v0.53.0-rc.2": {
        "old": "0.50",
        "new": "0.53",
        "prefix": "cosmos",
        "store": "epochs",
        "optimistic": True,
    },
}


class Witness(Protocol):
    """What can be asked of either."""

    height: int
    name: str
    info: str
    sdk: str

    def answer(self, moment: str, method: str) -> Any: ...
    def plan_file(self, moment: str) -> bytes: ...
    def sign_state(self) -> dict[str, Any]: ...
    def output(self, name: str) -> str: ...
    def facts(self) -> dict[str, Any]: ...


class RecordedWitness:
    """The bytes of a real chain."""

    def __init__(self, chain: str) -> None:
        self.folder = FIXTURES / chain
        self._facts = json.loads((self.folder / "facts.json").read_text())
        self.height, self.name = self._facts["height"], self._facts["plan_name"]
        self.info = json.loads(self._facts["halt"]["plan_file"]["text"])["info"]
        self.sdk = CHAINS[chain]["old"]

    def request(self, moment: str, method: str) -> bytes:
        return (self.folder / f"{moment}.{method}.request.json").read_bytes()

    def answer(self, moment: str, method: str) -> Any:
        return json.loads((self.folder / f"{moment}.{method}.response.json").read_bytes())

    def plan_file(self, moment: str) -> bytes:
        return (self.folder / f"{moment}.upgrade-info.json").read_bytes()

    def sign_state(self) -> dict[str, Any]:
        return json.loads((self.folder / "4-halted.priv_validator_state.json").read_bytes())

    def output(self, name: str) -> str:
        return (self.folder / f"{name}.stdout").read_text()

    def facts(self) -> dict[str, Any]:
        return {
            "halted_sigterm": self._facts["halt"]["sigterm"]["exit_code"],
            "alive_at_halt": self._facts["halt"]["exit_code_by_itself"] is None,
            "old_again": self._facts["old_started_again_at_halt"]["exit_code"],
            "old_after_upgrade": self._facts["trials"]["old-after-upgrade"]["exit_code"],
            "plan_mode": self._facts["halt"]["plan_file"]["mode"],
            "rewritten": self._facts["old_started_again_at_halt"]["plan_file_rewritten"],
        }


class DemoWitness:
    """The demo chain through the same story, asked with the same request bytes."""

    def __init__(self, chain: str, root: Path) -> None:
        self.recorded = RecordedWitness(chain)
        self.height, self.name, self.info = self.recorded.height, self.recorded.name, self.recorded.info
        manners = CHAINS[chain]
        self.sdk = manners["old"]
        self.answers: dict[tuple[str, str], Any] = {}
        self.outputs: dict[str, str] = {}
        self.plans: dict[str, bytes] = {}
        self.seen: dict[str, Any] = {}
        self.world = World(root, block_interval=0.02, voting_period=0.4, prefix=manners["prefix"])
        try:
            self._play(manners)
        finally:
            self.world.close()

    def _play(self, manners: dict[str, Any]) -> None:
        world = self.world
        world.genesis("v1", sdk=manners["old"], optimistic=bool(manners.get("optimistic")))
        adds = ((self.name, manners["store"]),) if manners["store"] else ()
        new = world.place("v2", sdk=manners["new"], handlers=(self.name,), adds=adds)
        world.init()
        world.hold_at(5)
        old = world.node_alone()
        world.until_height(5)
        self._ask("1-running")
        world.hold_at(10)
        world.send(type="propose", plan={"name": self.name, "height": self.height, "info": self.info})
        world.until_height(10)
        self._ask("2-voting")
        world.hold_at(self.height - 1)
        world.send(type="vote", id=1, option="yes")
        world.until_height(self.height - 1)
        world.wait("the plan", world.scheduled)
        self._ask("3-plan-passed")
        self._run("status.running", "status")
        self._run("query-plan.passed", "query", "upgrade", "plan", "--output", "json")
        world.let_go()
        world.until_block_store(self.height)
        world.until_halted(self.height)
        self._ask("4-halted")
        self._keep_plan("4-halted")
        self.seen["sign_state"] = json.loads((world.data / "priv_validator_state.json").read_bytes())
        self.seen["plan_mode"] = oct(world.plan_file.stat().st_mode & 0o777)
        self.seen["alive_at_halt"] = old.poll() is None
        old.send_signal(signal.SIGTERM)
        self.seen["halted_sigterm"] = old.wait(30)
        before = world.plan_file.stat().st_mtime_ns
        self.seen["old_again"] = world.node_alone().wait(30)
        self._keep_plan("5-old-again")
        self.seen["rewritten"] = world.plan_file.stat().st_mtime_ns != before
        upgraded = world.node_alone(new)
        world.until_height(self.height + 2)
        self._ask("6-upgraded")
        upgraded.send_signal(signal.SIGTERM)
        upgraded.wait(30)
        self.seen["old_after_upgrade"] = world.node_alone().wait(30)

    def _ask(self, moment: str) -> None:
        host, _, port = self.world.laddr.removeprefix("tcp://").rpartition(":")
        for method in METHODS:
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("POST", "/", self.recorded.request(moment, method))
            self.answers[moment, method] = json.loads(connection.getresponse().read())
            connection.close()

    def _run(self, name: str, *words: str) -> None:
        executable = self.world.tree / "genesis" / "bin" / self.world.prog
        done = subprocess.run(
            [executable, *words, "--home", self.world.node_home],
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "HOME": str(self.world.root)},
        )
        assert done.returncode == 0, done.stderr
        self.outputs[name] = done.stdout

    def _keep_plan(self, moment: str) -> None:
        self.plans[moment] = self.world.plan_file.read_bytes()

    def answer(self, moment: str, method: str) -> Any:
        return self.answers[moment, method]

    def plan_file(self, moment: str) -> bytes:
        return self.plans[moment]

    def sign_state(self) -> dict[str, Any]:
        return self.seen["sign_state"]

    def output(self, name: str) -> str:
        return self.outputs[name]

    def facts(self) -> dict[str, Any]:
        return {name: self.seen[name] for name in self.recorded.facts()}
