"""Which upgrade is rehearsed: the one named, else the next that is known."""

from __future__ import annotations

import os

from cosmovisor.config import layout as places
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import PlanError, UsageError
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY, State
from cosmovisor.plan import names
from cosmovisor.plan.file import LARGEST, parse
from cosmovisor.storage import document


def choose(layout: Layout, node_home: str, name: str) -> Plan:
    """Return the plan to rehearse; one that nobody knows yet has height 0 and no info.

    Args:
        layout: The folder tree.
        node_home: The node's home, for the chain's plan file.
        name: The name that the operator gave; empty for the next upgrade.

    Raises:
        PlanError: The name can never be a plan's.
        UsageError: No name was given and no plan is known.
    """
    state = document.read(layout.state_file) or EMPTY
    known = pending(state, _in_file(node_home))
    if name:
        names.check(name)
        return next((plan for plan in known if plan.name == name), Plan(name, 0))
    if known:
        names.check(known[0].name)
        return known[0]
    raise UsageError(
        "there is no plan to rehearse: none is scheduled, none is in the plan file",
        "Name the upgrade: cosmovisor rehearse NAME.",
    )


def pending(state: State, in_file: Plan | None) -> list[Plan]:
    """Return the plans that are still to come, the one that comes first in front."""
    done = {record.plan for record in state.records if record.passed or record.stage != "none"}
    found = [state.known_plan, in_file, *(entry.plan for entry in state.schedule)]
    plans = dict.fromkeys(plan for plan in found if plan is not None and plan not in done)
    return sorted(plans, key=lambda plan: plan.height)


def _in_file(node_home: str) -> Plan | None:
    path = places.plan_file(node_home)
    try:
        with open(path, "rb") as file:
            found = parse(file.read(LARGEST + 1))
    except (OSError, PlanError):
        return None
    return found if isinstance(found, Plan) and os.path.isfile(path) else None
