"""One picture of how things stand, for `status`, the scout, the web page and the process title."""

from __future__ import annotations

import os
import time

from cosmovisor.config.settings import Settings
from cosmovisor.decide.machine import Machine
from cosmovisor.model import confidence
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Link, Observations, Prospect
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import EMPTY, State
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.supervisor.shell import Shell

#: Number of the form; a reader refuses a higher one.
FORM = 1


def take(
    context: Context,
    machine: Machine,
    seen: Observations | None,
    extra: dict[str, Any],
) -> dict[str, Any]:
    """Return the snapshot of a running supervisor.

    Args:
        context: The home.
        machine: The machine as it stands.
        seen: The last observations; None before the first.
        extra: What only the shell knows: node pid and start, staging progress, the step's progress, scout.
    """
    found = of_state(context, machine.state)
    monotonic = time.monotonic()
    found.update(
        {
            "supervisor": {"pid": os.getpid(), "since": extra.get("since", 0.0), "phase": machine.phase},
            "phase": machine.phase,
            "waiting": machine.waiting,
            "conflict": machine.conflict,
            "waiting_since": time.time() - max(0.0, monotonic - machine.since) if machine.waiting else None,
            "node": _node(machine, extra),
        }
    )
    if seen is not None:
        # An idle machine leaves heights out of most looks: then the last ones that were seen are shown.
        block, application = extra.get("heights") or (seen.b, seen.a)
        found["heights"] = {"block": _evidence(block), "application": _evidence(application)}
        found["chain_id"] = seen.chain_id or found["chain_id"]
        found["plan_file"] = {
            "kind": seen.file.kind,
            "plan": _plan(seen.file.plan),
            "problem": seen.file.problem,
        }
        found["link"] = _link(seen.link)
        found["prospects"] = [_prospect(prospect) for prospect in seen.prospects]
        found["seen_at"] = seen.at
    for key in ("staging", "step", "scout", "watch", "copying_ahead"):
        if extra.get(key):
            found[key] = extra[key]
    return found


def of_shell(shell: Shell) -> dict[str, Any]:
    """Return the snapshot of a running supervisor with what only its loop knows."""
    extra: dict[str, Any] = {
        "since": shell.since,
        "watch": shell.watches.problem,
        "heights": shell.sources.last,
        "scout": shell.scout.told,
    }
    if shell.node is not None:
        extra["node_pid"], extra["node_since"] = shell.node.child.pid, shell.node.child.started_at
    if shell.stager.progress or shell.stager.next_try_at:
        extra["staging"] = {"progress": shell.stager.progress, "next_try_at": shell.stager.next_try_at}
    if shell.approach.progress:
        extra["copying_ahead"] = {"progress": shell.approach.progress}
    if shell.step is not None:
        extra["step"] = {"kind": shell.step.step.kind, "progress": shell.step.progress}
    return take(shell.context, shell.machine, shell.seen, extra)


def of_state(context: Context, state: State) -> dict[str, Any]:
    """Return what the state document alone tells, for a home without a running supervisor."""
    return {
        "form": FORM,
        "at": time.time(),
        "home": context.layout.daemon_home,
        "name": context.layout.daemon_name,
        "node_home": context.node_home,
        "chain_id": state.chain_id,
        "phase": "not running",
        "waiting": "",
        "conflict": "",
        "supervisor": None,
        "node": None,
        "heights": {"block": _evidence(state.b), "application": _evidence(state.a)},
        "known_plan": _plan(state.known_plan),
        "schedule": [
            {"plan": _plan(entry.plan), "exact": entry.exact, "source": entry.source}
            for entry in state.schedule
        ],
        "records": [
            {
                "plan": _plan(record.plan),
                "stage": record.stage,
                "passed": record.passed,
                "halt_seen": record.halt_seen,
                "gone_back": record.gone_back,
                "inferred": record.inferred,
            }
            for record in state.records
        ],
        "step_in_flight": state.step.kind if state.step else None,
        "history": [
            {
                "plan": _plan(applied.plan),
                "at": applied.at,
                "proven": applied.proven,
                "downtime": applied.downtime,
                "note": applied.note,
            }
            for applied in state.history
        ],
        "backups": [
            {
                "plan": _plan(backup.plan),
                "path": backup.receipt.path,
                "method": backup.receipt.method,
                "bytes": backup.receipt.size,
                "seconds": backup.receipt.seconds,
                "at": backup.at,
            }
            for backup in state.backups
        ],
    }


def summary(context: Context, snapshot: dict[str, Any]) -> str:
    """Return the one line for the process title and the service manager."""
    link = snapshot.get("link") or {}
    node = snapshot.get("node") or {}
    parts = [
        f"{context.layout.daemon_name} {node.get('version') or link.get('version') or 'unknown version'}"
    ]
    block = snapshot["heights"]["block"]
    if block:
        parts.append(f"height {block['height']}")
    plan, ready = next_plan(snapshot)
    if plan:
        parts.append(f"next {plan['name']} at {plan['height']} ({'ready' if ready else 'NOT ready'})")
    if snapshot["phase"] != "running":
        parts.append(snapshot["phase"])
    return ", ".join(parts)


def next_plan(snapshot: dict[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """Return the upgrade that comes next, and whether its binary is ready."""
    settled = {
        (record["plan"]["name"], record["plan"]["height"])
        for record in snapshot["records"]
        if record["passed"] or record["stage"] != "none"
    }
    plans = [(snapshot.get("plan_file") or {}).get("plan"), snapshot["known_plan"]]
    plans += [entry["plan"] for entry in snapshot["schedule"]]
    plans = [plan for plan in plans if plan and (plan["name"], plan["height"]) not in settled]
    if not plans:
        return None, False
    plan = min(plans, key=lambda found: int(found["height"]))
    ready = any(prospect["plan"] == plan and prospect["ready"] for prospect in snapshot.get("prospects", ()))
    return plan, ready


def _node(machine: Machine, extra: dict[str, Any]) -> dict[str, Any]:
    run = machine.run
    version = run.version.name if run is not None and run.version is not None else None
    return {
        "state": "running" if machine.lives else "exited" if run is not None else "never started",
        "version": version,
        "pid": extra.get("node_pid"),
        "since": extra.get("node_since"),
        "status": run.status if run is not None else None,
        "block_seconds": run.interval or None if run is not None and machine.lives else None,
    }


def _evidence(evidence: Evidence) -> dict[str, Any] | None:
    if evidence.strength == "unknown":
        return None
    return {
        "height": evidence.height,
        "strength": evidence.strength,
        "source": evidence.source,
        "at": evidence.at,
    }


def _plan(plan: Plan | None) -> dict[str, Any] | None:
    return None if plan is None else {"name": plan.name, "height": plan.height, "info": plan.info}


def _prospect(prospect: Prospect) -> dict[str, Any]:
    staged = prospect.staged
    found: dict[str, Any] = {"plan": _plan(prospect.plan), "folder": prospect.version.folder}
    if not isinstance(staged, StagedBinary):
        return {**found, "ready": False, "reason": staged.reason, "fix": staged.fix}
    return {
        **found,
        "ready": True,
        "sha256": staged.sha256,
        "source": staged.source,
        "trust": staged.trust,
        "confidence": confidence.of(staged.trust, staged.opinions).document(),
        "proofs": [
            {"name": proof.name, "outcome": proof.outcome, "text": proof.text, "fix": proof.fix}
            for proof in staged.proofs
        ],
    }


def of_home(settings: Settings, environ: dict[str, str], timeout: float) -> dict[str, Any]:
    """Return the snapshot of a home: from its supervisor, or from what lies on the disk where none runs.

    Args:
        settings: The settings.
        environ: The environment.
        timeout: Seconds to wait for the supervisor.

    Raises:
        StateError: A supervisor runs and does not answer, or the state document cannot be read.
    """
    from cosmovisor.observe import client
    from cosmovisor.storage import document, locks
    from cosmovisor.supervisor import active
    from cosmovisor.supervisor.context import build

    context = build(settings, ["start"], environ, None)
    if locks.is_held(context.layout.supervisor_lock):
        return client.ask(context.layout.socket, {"ask": "status"}, timeout)
    found = of_state(context, document.read(context.layout.state_file) or EMPTY)
    link = active.link(context.layout)
    found["link"] = _link(link)
    return found


def _link(link: Link) -> dict[str, Any]:
    return {"kind": link.kind, "target": link.target, "version": link.version.name if link.version else None}
