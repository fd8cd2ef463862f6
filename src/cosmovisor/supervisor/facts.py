"""Gathers everything that the tables ask for, once, at one moment."""

from __future__ import annotations

import os
import time

from cosmovisor.decide import commands
from cosmovisor.decide.frozen import compare_data
from cosmovisor.model.errors import PlanError
from cosmovisor.model.observations import Observations, Prospect, SeenFile
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import NotStaged
from cosmovisor.model.state import State
from cosmovisor.plan import names
from cosmovisor.staging import ready
from cosmovisor.supervisor import active, heights, look, signing
from cosmovisor.supervisor.context import Context


def gather(
    context: Context, state: State, command: commands.GatherFacts, sources: heights.Heights
) -> Observations:
    """Look at everything; blocking, never raises for what a home can contain.

    Args:
        context: The home.
        state: The state document as last saved: which plans are settled, which chain and node must answer.
        command: What the machine wants to know.
        sources: The sources of heights of this node's life.
    """
    now = time.time()
    file = look.plan_file(context.plan_file, now)
    plans = command.plans if file.plan is None or file.plan in command.plans else (file.plan, *command.plans)
    data = look.data_identity(context.data)
    # Which version fits data that was brought in is told by its heights alone.
    pending = is_pending(state, file, command) or compare_data(state.data, data) != "same"
    wanted = pending or command.heights == "all"
    found = heights.Found()
    if command.heights != "no" and command.node_lives:
        found = sources.living(wanted=wanted, chain_id=state.chain_id, node_id=state.node_id)
    elif command.heights != "no":
        found = sources.at_rest(thorough=pending and command.heights == "all")
    silent = wanted and command.node_lives and found.tried
    seen = Observations(
        at=now,
        file=file,
        data=data,
        link=active.link(context.layout),
        folders=look.folders(context.layout),
        b=found.b,
        a=found.a,
        tried=found.tried,
        record_times=sources.record_times(plans) if wanted else (),
        data_changed_at=heights.newest_change(context.data) if silent else None,
        prospects=tuple(prospect(context, plan) for plan in plans),
        chain_id=found.chain_id,
    )
    return signing.add(context, seen, node_lives=command.node_lives)


def prospect(context: Context, plan: Plan) -> Prospect:
    """Return folder and readiness of a plan."""
    try:
        names.check(plan.name)
    except PlanError as error:
        # No folder that exists: such a name would lead out of `upgrades/`.
        folder = f"upgrades/{names.folder(plan.name, False).replace('.', '%2E')}"
        return Prospect(plan, Version(plan.name, folder[:200]), NotStaged(error.cause, error.next_step))
    version = context.layout.version_for(plan.name, context.settings.recase)
    return Prospect(plan, version, ready.check(context.settings, context.layout, plan))


def is_pending(state: State, file: SeenFile, command: commands.GatherFacts) -> bool:
    """Tell whether heights can change what happens next; a plain restart pays for no look at databases."""
    return (
        file.kind == "incomplete"
        or is_open(state, file.plan)
        or bool(command.plans)
        or state.step is not None
        or any(record.stage in {"switched", "pre-upgraded"} for record in state.records)
    )


def is_open(state: State, plan: Plan | None) -> bool:
    """Tell whether heights matter for a plan: it is neither proven nor passed."""
    if plan is None:
        return False
    return not any(
        record.plan == plan and (record.stage == "proven" or record.passed) for record in state.records
    )


def unproven(context: Context, state: State) -> list[str]:
    """Return the names of binaries placed by hand that no upgrade has used and that nobody has proven yet."""
    used = {record.version for record in state.records if record.stage != "none"}
    used |= {applied.version for applied in state.history}
    found = []
    for folder in look.folders(context.layout):
        version = folder.version
        if version == GENESIS_VERSION or not folder.usable or folder.marker or version in used:
            continue
        if not os.path.exists(context.layout.proof(version)):
            found.append(version.name)
    return found
