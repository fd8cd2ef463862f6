"""Proposals of the demo chain: software upgrades, their cancellation, votes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

DEPOSIT_PERIOD, VOTING_PERIOD, PASSED, REJECTED, FAILED = 1, 2, 3, 4, 5


def deliver(state: Json, height: int, time_ns: int, tx: Json, voting_period: float) -> None:
    """Run one transaction: `propose`, `vote`, or `authority` for chains without proposals."""
    if tx["type"] == "propose":
        state["proposals"].append(
            {
                "id": len(state["proposals"]) + 1,
                "status": VOTING_PERIOD,
                "title": tx.get("title", "upgrade"),
                "summary": tx.get("summary", "upgrade"),
                "plan": tx.get("plan"),
                "form": tx.get("form", "message"),
                "submitted": time_ns,
                "voting_end": time_ns + int(float(tx.get("voting_period", voting_period)) * 1e9),
                "expedited": bool(tx.get("expedited")),
                "votes": {"yes": 0, "abstain": 0, "no": 0, "no_with_veto": 0},
            }
        )
    elif tx["type"] == "vote":
        for proposal in state["proposals"]:
            if proposal["id"] == tx["id"] and proposal["status"] == VOTING_PERIOD:
                proposal["votes"][tx.get("option", "yes")] += 1000
    elif tx["type"] == "authority":
        execute(state, height, tx)


def execute(state: Json, height: int, event: Json) -> bool:
    """Schedule or cancel a plan; a plan of a passed height or of an applied name is refused."""
    plan = event.get("plan")
    if plan is None:
        state["plan"] = None
        return True
    if plan["height"] <= height or plan["name"] in state["done"]:
        return False
    state["plan"] = {"name": plan["name"], "height": int(plan["height"]), "info": plan.get("info", "")}
    return True


def end_block(state: Json, height: int, time_ns: int) -> None:
    """Close the proposals whose voting has ended."""
    for proposal in state["proposals"]:
        if proposal["status"] != VOTING_PERIOD or time_ns < proposal["voting_end"]:
            continue
        votes = proposal["votes"]
        if votes["yes"] <= votes["no"] + votes["no_with_veto"]:
            proposal["status"] = REJECTED
        else:
            proposal["status"] = PASSED if execute(state, height, proposal) else FAILED
