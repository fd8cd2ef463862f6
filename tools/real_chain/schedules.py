"""Upgrades that the operator schedules himself, without governance."""

from __future__ import annotations

from tools.real_chain.checks import check_disk, executed, require
from tools.real_chain.night import Night
from tools.real_chain.recipes import PLAN_NAME
from tools.real_chain.rpc import wait_until
from tools.real_chain.supervisor import OURS, Supervisor

#: Blocks between the order and its height: room for two more starts of the old release.
DISTANCE = 20


def exact(night: Night) -> None:
    """The operator orders the new release for one height: it executes that block, the old one never does.

    A program of SDK 0.50 saves the block of its halt height without executing it and stays alive.
    """
    require(night.kind == OURS, "the Go tool has no exact schedule")
    supervisor = night.validator()
    night.place_by_hand(supervisor)
    supervisor.start()
    node = supervisor.node
    wait_until("the chain makes blocks", lambda: node.rpc.height() >= 3)
    night.height = node.rpc.height() + DISTANCE
    words = ("add-upgrade", PLAN_NAME, night.new.path, "--force", "--exact")
    done = supervisor.ask(*words, "--upgrade-height", str(night.height))
    require(done.returncode == 0, f"add-upgrade ended with {done.returncode}: {done.stderr}")
    # The halt height is an argument of the old node, which gets it at its next start.
    require(supervisor.stop() == 0, "a stop before the height did not end with 0")
    supervisor.start()
    wait_until("the new release runs", lambda: node.rpc.app()[1] == night.versions[1], 90)
    night.await_blocks(supervisor)
    _check(night, supervisor)


def _check(night: Night, supervisor: Supervisor) -> None:
    node, (old, new) = supervisor.node, night.versions
    height, version = node.rpc.app()
    require(version == new, f"the node runs {version or 'nothing'} instead of {new}")
    require(height > night.height, f"the application stands at {height}, not above {night.height}")
    check_disk(supervisor, night.height)
    by = executed(supervisor.node_log)
    above = {version for height, found in by.items() if height >= night.height for version in found}
    below = {version for height, found in by.items() if height < night.height for version in found}
    require(above == {new}, f"height {night.height} and those above it were executed by {sorted(above)}")
    require(below == {old}, f"heights below {night.height} were executed by {sorted(below)}")
    again = sorted(height for height, found in by.items() if len(found) > 1)
    require(not again, f"heights that were committed more than once: {again}")
    require(night.height - 1 in by, f"nobody has executed {night.height - 1}")
    night.facts["executed by the new release from"] = night.height
    night.stop(supervisor)
