"""Nodes that the harness itself runs, without a supervisor: what the program under test meets."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

from tools.go_build import Built
from tools.real_chain import gov
from tools.real_chain import node as nodes
from tools.real_chain.checks import NEEDED, require
from tools.real_chain.night import Night
from tools.real_chain.rpc import wait_until


@contextlib.contextmanager
def running(node: nodes.Node, built: Built, log: str = "other.log") -> Iterator[subprocess.Popen[bytes]]:
    """Run a node without a supervisor while the block lasts."""
    with open(os.path.join(os.path.dirname(node.home), log), "ab") as out:
        process = subprocess.Popen(
            [built.path, *node.start_words()],
            env=node.environ(built),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            wait_until("the node answers", lambda: node.rpc.height() >= 1 or process.poll() is not None)
            require(process.poll() is None, f"the node ended with {process.poll()}; see {log}")
            yield process
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def finished_chain(night: Night) -> Iterator[nodes.Node]:
    """A chain whose only validator the harness itself has taken through the upgrade, still running."""
    first = nodes.create(
        os.path.join(night.folder, "first"), os.path.join(night.folder, "user"), "night-1", night.old
    )
    nodes.found_chain(first)
    with running(first, night.old, "first-old.log"):
        night.height = gov.schedule_upgrade(first, night.server.plan_info())
        wait_until("the first node halts", lambda: os.path.exists(first.plan_file), 90)
        log = os.path.join(night.folder, "first-old.log")
        with open(log) as file:
            wait_until("the first node says so", lambda: NEEDED in file.read(), 20)
    with running(first, night.new, "first-new.log"):
        wait_until("the first node is past the height", lambda: first.rpc.height() >= night.height + 12, 90)
        yield first
