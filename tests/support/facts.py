"""Builds facts for the tables in a line: plan v2 at height 100, genesis before it."""

from __future__ import annotations

from typing import Any

from cosmovisor.model.facts import Facts, NodeFact, PlanFile
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Prospect
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, NotStaged, StagedBinary
from cosmovisor.model.state import PlanRecord
from cosmovisor.model.value import replace

H = 100
PLAN = Plan("v2", H, "info of v2")
LATER = Plan("v3", 200)
V1 = GENESIS_VERSION
V2 = Version("v2", "upgrades/v2")
V3 = Version("v3", "upgrades/v3")
GENESIS_LINK = Link("genesis", V1, "genesis")
V2_LINK = Link("version", V2, "upgrades/v2")


def staged(plan: Plan = PLAN, version: Version = V2, **more: Any) -> StagedBinary:
    return StagedBinary(
        plan,
        version,
        f"/home/{version.folder}/bin/d",
        "0" * 64,
        FileIdentity(1, 2, 3, 4, 5),
        "hand",
        "hand",
        **more,
    )


def exact(height: int) -> Evidence:
    return Evidence(height, "exact", "rpc", 1000.0)


def at_least(height: int) -> Evidence:
    return Evidence(height, "at least", "own record", 1.0)


def file(age: str = "fresh", plan: Plan = PLAN, **more: Any) -> PlanFile:
    return PlanFile("plan", plan, age, **more)  # type: ignore[arg-type]


def facts(**given: Any) -> Facts:
    """Facts of a node on genesis with v2 staged; `record` may stand for the record of PLAN."""
    record = given.pop("record", None)
    if record is not None:
        given["records"] = (replace(record, plan=PLAN),)
    ready = given.pop("ready", True)
    prospects = (
        Prospect(PLAN, V2, staged() if ready else NotStaged("not there yet", "put it there")),
        Prospect(LATER, V3, NotStaged("not there yet")),
    )
    defaults: dict[str, Any] = {
        "at": 1000.0,
        "file": PlanFile(),
        "data": "same",
        "link": GENESIS_LINK,
        "usable": (V1, V2) if ready else (V1,),
        "b": UNKNOWN,
        "a": UNKNOWN,
        "prospects": prospects,
    }
    return Facts(**{**defaults, **given})


def running(**more: Any) -> NodeFact:
    return NodeFact(**{"state": "running", "version": V1, "ever_up": True, **more})


def exited(**more: Any) -> NodeFact:
    return NodeFact(**{"state": "exited", "version": V1, "status": 1, **more})


def switched(stage: str = "pre-upgraded", **more: Any) -> PlanRecord:
    return PlanRecord(PLAN, V2, stage, **{"back_to": V1, **more})  # type: ignore[arg-type]
