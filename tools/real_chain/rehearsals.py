"""The upgrade night, played beforehand with both real releases on a copy of real data."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from typing import Any

from tools.real_chain import node as nodes
from tools.real_chain.chains import running
from tools.real_chain.checks import require
from tools.real_chain.night import Night
from tools.real_chain.node import Node
from tools.real_chain.recipes import PLAN_NAME
from tools.real_chain.rpc import wait_until
from tools.real_chain.supervisor import OURS, Supervisor


def rehearse(night: Night) -> None:
    """`rehearse --trial` before the height, at the halt, and with a wrong release there; then the night."""
    require(night.kind == OURS, "the Go tool has no rehearsal")
    supervisor = night.validator()
    night.place_by_hand(supervisor)
    node = supervisor.node
    supervisor.start()
    night.schedule(supervisor)
    require(supervisor.stop() == 0, "a stop before the height did not end with 0")
    before = _rehearsed(supervisor, "before the height")
    require(before["ok"], f"the rehearsal before the height failed: {before}")
    with running(node, night.old) as process:
        night.await_halt(supervisor)
        wait_until("the block of the height is saved", lambda: node.rpc.height() == night.height)
        require(process.poll() is None, "the old release ended at the halt")
    nodes.install(supervisor.daemon_home, os.path.join("upgrades", PLAN_NAME), night.old)
    wrong = _rehearsed(supervisor, "with the old release in the place of the new one")
    failed = {check["subject"] for check in wrong["checks"] if check["outcome"] == "failed"}
    require(failed == {"trial"}, f"the old release at the halt failed {sorted(failed)} instead of the trial")
    night.place_by_hand(supervisor)
    right = _rehearsed(supervisor, "at the halt")
    require(right["ok"], f"the rehearsal at the halt failed: {right}")
    require(
        any(f"at height {night.height}," in check["text"] for check in right["checks"]),
        f"the new release has not executed height {night.height} on the copy: {right['checks']}",
    )
    night.facts["start on the copy at the halt, s"] = round(right["seconds"]["start"], 1)
    night.facts["forecast of the stand-in, s"] = round(right["seconds"]["switch"], 2)
    supervisor.start()
    night.await_blocks(supervisor)
    night.check(supervisor)


def _rehearsed(supervisor: Supervisor, moment: str) -> dict[str, Any]:
    """Rehearse on a node that is down; nothing of it may change, and no key may be in the copy."""
    node = supervisor.node
    before = _digests(node)
    watch = KeyWatch(node, supervisor.daemon_home)
    try:
        done = supervisor.ask("rehearse", PLAN_NAME, "--trial", "-o", "json")
    finally:
        watch.close()
    require(done.returncode in {0, 1}, f"rehearse {moment} ended with {done.returncode}: {done.stderr}")
    require(not watch.leaks, f"keys in the copy {moment}: {sorted(watch.leaks)}")
    require(watch.seen, f"no copy was seen {moment}")
    after = _digests(node)
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    require(not changed, f"the rehearsal {moment} changed {changed}")
    left = [name for name in os.listdir(supervisor.daemon_home) if name.startswith(".rehearsal-")]
    require(not left, f"the rehearsal {moment} left {left}")
    outcome: dict[str, Any] = json.loads(done.stdout)
    require(outcome["ok"] == (done.returncode == 0), f"exit status {done.returncode} of {outcome}")
    return outcome


def _digests(node: Node) -> dict[str, str]:
    found = {}
    for folder in ("config", "data"):
        for place, _, names in os.walk(os.path.join(node.home, folder)):
            for name in names:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


class KeyWatch:
    """Looks all the time for the validator's and the node's secret in the copies of a rehearsal."""

    def __init__(self, node: Node, base: str) -> None:
        self.base = base
        self.secrets = [_secret(node, name) for name in ("priv_validator_key.json", "node_key.json")]
        self.leaks: set[str] = set()
        self.seen = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            for name in os.listdir(self.base):
                if name.startswith(".rehearsal-"):
                    self._look(os.path.join(self.base, name))

    def _look(self, copy: str) -> None:
        for place, _, names in os.walk(copy):
            for name in names:
                path = os.path.join(place, name)
                try:
                    with open(path, "rb") as file:
                        content = file.read(1 << 20)
                except OSError:
                    continue
                self.seen += 1
                if any(secret in content for secret in self.secrets):
                    self.leaks.add(path)

    def close(self) -> None:
        """Stop looking."""
        self._end.set()
        self._thread.join()


def _secret(node: Node, name: str) -> bytes:
    """Return the text of a private key, which no other file may hold."""
    with open(os.path.join(node.home, "config", name)) as file:
        text = json.load(file)["priv_key"]["value"]
    require(len(base64.b64decode(text)) == 64, f"{name} holds no Ed25519 key")
    return str(text).encode()
