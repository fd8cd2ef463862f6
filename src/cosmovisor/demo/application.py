"""The application of the demo chain: x/upgrade and x/gov, committed with every block."""

from __future__ import annotations

import hashlib
import json

from cosmovisor.demo import governance
from cosmovisor.demo.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


class ApplyError(Exception):
    """A block cannot be applied: what a chain program does at an upgrade that it does not know.

    Attributes:
        needed: The plan that must be dumped for the next program; None for other failures.
    """

    def __init__(self, text: str, needed: Json | None = None) -> None:
        super().__init__(text)
        self.needed = needed


class LoadError(Exception):
    """The committed state does not fit this program; `code` is the exit status."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Application:
    """Committed state at one height, and the step to the next."""

    def __init__(self, options: Options, params: Json, state: Json | None) -> None:
        self.options = options
        self.params = params
        first = int(params.get("initial_height", 1)) - 1
        self.state: Json = state or {
            "height": first,
            "hash": hashlib.sha256(b"").hexdigest(),
            "plan": None,
            "done": {},
            "stores": sorted(Options(adds=options.adds, handlers=()).stores()),
            "proposals": [],
            "app_version": 0,
            "base": first + 1,
        }
        self.checked = False

    @property
    def height(self) -> int:
        """The height of the last commit."""
        return int(self.state["height"])

    def load(self, plan_file: Json | None) -> None:
        """Compare the stores of this program with the committed ones, as the store loader does.

        Raises:
            LoadError: They do not fit, and the plan file does not arm an upgrade for the next height.
        """
        mine, committed = self.options.stores(), set(self.state["stores"])
        if plan_file and plan_file["height"] == self.height + 1:
            committed |= {store for name, store in self.options.adds if name == plan_file["name"]}
        for store in sorted(mine - committed):
            raise LoadError(
                f"failed to load latest version: version of store {store} mismatch root store's version; "
                f"expected {self.height} got 0; new stores should be added using StoreUpgrades",
                2,
            )
        for store in sorted(committed - mine):
            raise LoadError(
                f"failed to load latest version: version of store {store} mismatch root store's version; "
                f"expected {self.height} got 0; new stores should be added using StoreUpgrades",
                2,
            )
        unknown = set(self.state["done"]) - set(self.options.handlers)
        if unknown and self.options.refuse_old == "load":
            raise LoadError(
                "failed to load latest version: failed to load store: "
                f"wanted to load target {self.height} but only found up to {self.last_upgrade() - 1}",
                1,
            )

    def last_upgrade(self) -> int:
        """The height of the newest applied upgrade."""
        return max(self.state["done"].values(), default=0)

    def is_early(self) -> bool:
        """Tell whether this program has an upgrade that is neither applied nor due in the next block."""
        plan = self.state["plan"]
        due = plan["name"] if plan and plan["height"] <= self.height + 1 else ""
        return any(name not in self.state["done"] and name != due for name in self.options.handlers)

    def execute(self, height: int, skips: frozenset[int]) -> str:
        """Run the upgrade module's begin of a block; return what happened: `none`, `skipped` or `applied`.

        Raises:
            ApplyError: This program cannot execute the block.
        """
        plan, done = self.state["plan"], self.state["done"]
        due = bool(plan) and plan["height"] <= height
        if not self.checked and not (due and plan["height"] not in skips):
            unknown = [name for name, at in done.items() if name not in self.options.handlers and at]
            if unknown and done[unknown[-1]] == self.last_upgrade():
                version = self.state["app_version"]
                raise ApplyError(
                    f"wrong app version {version}, upgrade handler is missing for {unknown[-1]} upgrade plan"
                )
            self.checked = True
        if due and plan["height"] in skips:
            self.state["plan"] = None
            return "skipped"
        if due and plan["name"] not in self.options.handlers:
            raise ApplyError(f'UPGRADE "{plan["name"]}" NEEDED at height: {height}: {plan["info"]}', plan)
        if due:
            return "applied"
        if plan and plan["name"] in self.options.handlers:
            raise ApplyError(
                f'BINARY UPDATED BEFORE TRIGGER! UPGRADE "{plan["name"]}" - in binary but not executed'
                " on chain. Downgrade your binary"
            )
        if any(name not in done for name in self.options.handlers):
            raise ApplyError("runtime error: invalid memory address or nil pointer dereference")
        return "none"

    def finish_upgrade(self, height: int) -> None:
        """Mark the due plan as applied."""
        plan = self.state["plan"]
        self.state["done"][plan["name"]] = height
        self.state["stores"] = sorted(self.options.stores())
        self.state["plan"] = None
        self.state["app_version"] = 1

    def deliver(self, height: int, time_ns: int, txs: list[Json]) -> None:
        """Run the transactions and the end of the block: votes are counted, passed proposals executed."""
        for event in self.params.get("history", []):
            if event["at"] == height:
                governance.execute(self.state, height, event)
        for tx in txs:
            governance.deliver(self.state, height, time_ns, tx, float(self.params["voting_period"]))
        governance.end_block(self.state, height, time_ns)
        self.state["height"] = height
        text = f"{self.state['hash']}|{height}|{sorted(self.state['done'])}"
        self.state["hash"] = hashlib.sha256(text.encode()).hexdigest()

    def encode(self) -> bytes:
        """The state as it is committed."""
        return json.dumps(self.state, separators=(",", ":")).encode()
