"""How far the data is, and what the supervisor must find on disk to choose the binary that fits it."""

from __future__ import annotations

import contextlib
import json
import os

from cosmovisor.chain import block_store, wal
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import ChainError
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.plan import Plan
from cosmovisor.storage import document, durable
from cosmovisor.sync.plan import Step, SyncPlan


def height(layout: Layout, node_home: str) -> Evidence:
    """Return what is known of the height of a node that is down, from log, block store and own record."""
    data = os.path.join(node_home, "data")
    found = [wal.evidence(os.path.join(data, "cs.wal")), _recorded(layout)]
    durable.make_folder(layout.root)
    with contextlib.suppress(ChainError):  # another engine, or no library for it: the others must do
        found.append(block_store.height(data, layout.root))
    return max(found, key=lambda one: (one.height, one.strength == "exact"))


def _recorded(layout: Layout) -> Evidence:
    """Return the height in the state document; only a start may move a damaged one aside."""
    try:
        state = document.read(layout.state_file)
    except document.DamagedError:
        return UNKNOWN
    return UNKNOWN if state is None else state.b


def needed(plan: SyncPlan, at: int) -> tuple[Step | None, tuple[Step, ...]]:
    """Return the step whose binary fits data at a height (None: the first one), and the steps still ahead.

    An upgrade at H is behind the data only when a block above H is there.
    """
    behind = [step for step in plan.steps if step.height < at]
    return behind[-1] if behind else None, tuple(plan.steps[len(behind) :])


def mark(layout: Layout, plan: SyncPlan, at: int, *, recase: bool) -> list[Step]:
    """Leave the markers of upgrades that are behind the data, so that the supervisor finds what fits.

    Nothing is done where a `current` link says which version is active, and no marker is ever changed.

    Returns:
        The steps that were marked.
    """
    if os.path.lexists(layout.current):
        return []
    done = []
    for step in plan.steps:
        version = layout.version_for(step.name, recase)
        path = layout.marker(version)
        if step.height >= at or os.path.lexists(path) or not os.path.isfile(layout.bin(version)):
            continue
        text = json.dumps({"name": step.name, "height": step.height, "info": step.info})
        durable.write_file(path, text.encode(), 0o644)
        done.append(step)
    return done


def plan_of(step: Step) -> Plan:
    """Return a step as a plan."""
    return Plan(step.name, max(step.height, 1), step.info)
