"""Proposal, plan and binary, all before the height; then the server goes away and the upgrade runs."""

from __future__ import annotations

import os
from typing import Any

from tools.real_chain import gov
from tools.real_chain.checks import require
from tools.real_chain.night import Night
from tools.real_chain.node import STAKE
from tools.real_chain.recipes import DAEMON, PLAN_NAME
from tools.real_chain.rpc import wait_until
from tools.real_chain.supervisor import OURS, Supervisor

#: Long enough for the scout's look at proposals, and for a download of the release while the vote runs.
VOTING_PERIOD, DISTANCE = "45s", 80


def ahead(night: Night) -> None:
    """The release is fetched while the vote runs and staged when the plan is known; the server then goes."""
    supervisor = night.validator(voting_period=VOTING_PERIOD)
    node = supervisor.node
    supervisor.start()
    night.height = gov.propose(node, night.server.plan_info(), distance=DISTANCE)
    staged = os.path.join(supervisor.daemon_home, "cosmovisor", "upgrades", PLAN_NAME, "bin", DAEMON)
    if night.kind == OURS:
        wait_until("the vote is on the chain", lambda: gov.votes_yes(node), 20)
        # The scout looks for proposals when it starts, and then every two minutes at most.
        require(supervisor.stop() == 0, "a stop while the vote runs did not end with 0")
        supervisor.start()
        wait_until("the proposal is shown with its votes", lambda: _in_voting(night, supervisor), 40)
        wait_until("the release is fetched", lambda: "GET" in night.server.requests, 40)
        require(not node.rpc.has_plan(), "the release was fetched when the vote had ended only")
        require(not os.path.exists(staged), "a binary was staged before the chain had decided")
        night.facts["fetched while the vote runs, at height"] = node.rpc.height()
    gov.await_plan(node, night.height, seconds=90)
    if night.kind == OURS:
        wait_until("the plan is known", lambda: _known(supervisor) == (PLAN_NAME, night.height), 30)
    wait_until("the release is staged before the height", lambda: os.path.exists(staged), 30)
    if night.kind == OURS:
        wait_until("status says that it is ready", lambda: _is_ready(supervisor), 30)
    night.facts["staged at height"] = node.rpc.height()
    require(node.rpc.height() < night.height, "the release was staged at the height only")
    night.server.close()
    requests = list(night.server.requests)
    night.await_halt(supervisor)
    night.await_blocks(supervisor)
    require(night.server.requests == requests, "the server was asked again at the height")
    night.check(supervisor)


def _in_voting(night: Night, supervisor: Supervisor) -> bool:
    """Tell whether `status` shows the proposal with the validator's vote and the plan that it carries."""
    scout = supervisor.status().get("scout") or {}
    for proposal in scout.get("proposals") or []:
        plans = [(plan["name"], plan["height"]) for plan in proposal["plans"]]
        stake = STAKE.removesuffix("stake")
        if plans == [(PLAN_NAME, night.height)] and (proposal["tally"] or {}).get("yes") == stake:
            return True
    return False


def _known(supervisor: Supervisor) -> tuple[Any, Any]:
    plan = supervisor.status().get("known_plan") or {}
    return plan.get("name"), plan.get("height")


def _is_ready(supervisor: Supervisor) -> bool:
    prospects = supervisor.status().get("prospects") or []
    return any(each["plan"]["name"] == PLAN_NAME and each["ready"] for each in prospects)
