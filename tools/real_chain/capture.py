"""Captures what a real node leaves at its halt into `tests/data/halt`, for the contract tests over it.

Two halts: `consensus` (the node is alive and frozen at the height, then killed) and `block-sync` (the node
exits by itself). Nothing is edited; the key is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile

from tools.go_build import build
from tools.real_chain import gov, recipes
from tools.real_chain import node as nodes
from tools.real_chain.chains import finished_chain, running
from tools.real_chain.night import Night
from tools.real_chain.rpc import wait_until
from tools.real_chain.supervisor import OURS

KEPT = ("upgrade-info.json", "priv_validator_state.json", "cs.wal", "blockstore.db")


def main() -> int:
    """Capture both halts."""
    target = os.path.abspath(os.path.join("tests", "data", "halt"))
    with tempfile.TemporaryDirectory(prefix="halt-") as scratch:
        for name, capture in (("consensus", _consensus), ("block-sync", _block_sync)):
            night = Night(os.path.join(scratch, name), OURS, build(recipes.OLD), build(recipes.NEW))
            os.makedirs(night.folder)
            shutil.rmtree(os.path.join(target, name), ignore_errors=True)
            os.makedirs(os.path.join(target, name))
            try:
                capture(night, os.path.join(target, name))
            finally:
                night.close()
    return 0


def _consensus(night: Night, target: str) -> None:
    node = nodes.create(
        os.path.join(night.folder, "home"), os.path.join(night.folder, "user"), "halt-1", night.old
    )
    nodes.found_chain(node)
    with running(node, night.old) as process:
        height = gov.schedule_upgrade(node, night.server.plan_info())
        wait_until("the node halts", lambda: os.path.exists(node.plan_file), 90)
        wait_until("the block is saved", lambda: node.rpc.height() == height, 20)
        for method in ("status", "abci_info"):
            with open(os.path.join(target, f"{method}.json"), "wb") as file:
                file.write(node.rpc.raw(method))
        process.kill()
        process.wait()
        _keep(node, target, {"height": height, "application": height - 1, "in_consensus": True})


def _block_sync(night: Night, target: str) -> None:
    with finished_chain(night) as first:
        node = nodes.create(os.path.join(night.folder, "second"), first.user_home, first.chain_id, night.old)
        nodes.join_chain(node, first)
        with open(os.path.join(night.folder, "second.log"), "wb") as log:
            line = [night.old.path, *node.start_words()]
            done = subprocess.run(line, env=node.environ(), stdout=log, stderr=log, timeout=120, check=False)
        facts = {"height": night.height, "application": night.height - 1, "in_consensus": False}
        _keep(node, target, {**facts, "exit_status": done.returncode})


def _keep(node: nodes.Node, target: str, facts: dict[str, object]) -> None:
    for name in KEPT:
        source = os.path.join(node.home, "data", name)
        if not os.path.exists(source):  # a node that never left block sync has no write-ahead log
            continue
        copy = shutil.copytree if os.path.isdir(source) else shutil.copyfile
        copy(source, os.path.join(target, name))
    with open(os.path.join(target, "facts.json"), "w") as file:
        json.dump(facts, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
