"""A software upgrade through the chain's own governance."""

from __future__ import annotations

import json
import os

from tools.real_chain.node import KEY, DaemonError, Node
from tools.real_chain.recipes import PLAN_NAME
from tools.real_chain.rpc import wait_until

#: Blocks between the proposal and its upgrade: the voting period and room to stage the binary.
DISTANCE = 30


def schedule_upgrade(node: Node, info: str, *, distance: int = DISTANCE) -> int:
    """Propose, vote for and see passed an upgrade; return its height."""
    height = propose(node, info, distance=distance)
    await_plan(node, height)
    return height


def propose(node: Node, info: str, *, distance: int = DISTANCE) -> int:
    """Propose an upgrade and vote for it; return its height."""
    wait_until("the chain makes blocks", lambda: node.rpc.height() >= 2)
    height = node.rpc.height() + distance
    proposal = os.path.join(node.home, "proposal.json")
    with open(proposal, "w") as file:
        json.dump(_proposal(_authority(node), height, info), file)
    _transaction(node, "gov", "submit-proposal", proposal)
    wait_until("the proposal is on the chain", lambda: _status(node))
    _transaction(node, "gov", "vote", "1", "yes")
    return height


def await_plan(node: Node, height: int, *, seconds: float = 60) -> None:
    """Wait until the vote has ended and the upgrade is scheduled.

    Raises:
        DaemonError: That was too late for the height.
    """
    wait_until("the plan is scheduled", node.rpc.has_plan, seconds)
    if node.rpc.height() >= height - 1:
        raise DaemonError("the voting period left no time before the upgrade height: the machine is too busy")


def _authority(node: Node) -> str:
    answer = json.loads(node.command("query", "auth", "module-account", "gov", *_where(node)))
    account = answer["account"]
    return str((account.get("value") or account)["address"])


def _proposal(authority: str, height: int, info: str) -> dict[str, object]:
    message = {
        "@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade",
        "authority": authority,
        "plan": {"name": PLAN_NAME, "height": str(height), "info": info},
    }
    return {
        "messages": [message],
        "metadata": "",
        "deposit": "10stake",
        "title": f"Upgrade to {PLAN_NAME}",
        "summary": "A release with new modules.",
    }


def _transaction(node: Node, *words: str) -> None:
    common = ("--from", KEY, "--keyring-backend", "test", "--chain-id", node.chain_id, "--yes")
    answer = json.loads(node.command("tx", *words, *common, "--gas", "500000", *_where(node)))
    if answer.get("code"):
        raise DaemonError(f"{' '.join(words[:2])}: {answer.get('raw_log')}")


def _status(node: Node) -> str:
    try:
        answer = json.loads(node.command("query", "gov", "proposal", "1", *_where(node)))
    except DaemonError:
        return ""
    return str(answer.get("proposal", answer).get("status", ""))


def votes_yes(node: Node) -> int:
    """Return the voting power that has said yes to the first proposal so far."""
    answer = json.loads(node.command("query", "gov", "tally", "1", *_where(node)))
    tally = answer.get("tally", answer)
    return int(tally.get("yes_count", tally.get("yes", 0)))


def _where(node: Node) -> tuple[str, ...]:
    return ("--node", node.rpc.address, "--output", "json")
