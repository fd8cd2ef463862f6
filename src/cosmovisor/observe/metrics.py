"""A snapshot as Prometheus text: for the textfile collector of a node exporter, or for a scraped command."""

from __future__ import annotations

from cosmovisor import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Sample = tuple[dict[str, str], float]

_HELP = {
    "info": "What runs here; always 1.",
    "supervisor_up": "1 where a supervisor runs.",
    "node_up": "1 where the node runs.",
    "height": "Height of the block store and of the application; exact is 0 where it is a lower bound.",
    "upgrade_height": "Height of the next upgrade.",
    "upgrade_ready": "1 where the binary of the next upgrade is in place and proven.",
    "upgrade_blocks_left": "Blocks until the next upgrade.",
    "upgrade_expected_timestamp_seconds": "When the next upgrade is expected, by measured block times.",
    "holding": "1 where an upgrade is due and waits for its binary.",
    "waiting_since_timestamp_seconds": "Since when something is awaited.",
    "schedule_conflict": "1 where the operator's schedule and the chain's plan meet.",
    "last_upgrade_timestamp_seconds": "When the last upgrade was switched to.",
    "last_upgrade_downtime_seconds": "How long the node was down for it.",
    "backup_timestamp_seconds": "When the last backup was taken.",
}


def text(found: dict[str, Any], plan: dict[str, Any] | None, *, ready: bool) -> str:
    """Write a snapshot as metrics, each with its help and type.

    Args:
        found: The snapshot.
        plan: The upgrade that comes next; None where none is known.
        ready: Whether its binary is ready.
    """
    lines: list[str] = []
    for name, samples in _samples(found, plan, ready=ready).items():
        if samples:
            lines += [f"# HELP cosmovisor_{name} {_HELP[name]}", f"# TYPE cosmovisor_{name} gauge"]
            lines += [f"cosmovisor_{name}{_labels(labels)} {_number(number)}" for labels, number in samples]
    return "\n".join(lines)


def _samples(found: dict[str, Any], plan: dict[str, Any] | None, *, ready: bool) -> dict[str, list[Sample]]:
    node, link = found.get("node") or {}, found.get("link") or {}
    who = {
        "daemon": found["name"],
        "chain_id": found["chain_id"] or "",
        "version": node.get("version") or link.get("version") or "",
        "cosmovisor": __version__,
    }
    samples: dict[str, list[Sample]] = {
        "info": [(who, 1)],
        "supervisor_up": [({}, bool(found["supervisor"]))],
        "node_up": [({}, bool(node.get("pid")))],
        "height": _heights(found["heights"]),
        "upgrade_height": [],
        "upgrade_ready": [],
        "upgrade_blocks_left": [],
        "holding": [({}, found["phase"] == "holding")],
        "schedule_conflict": [({}, bool(found.get("conflict")))],
    }
    if plan is not None:
        name = {"name": str(plan["name"])}
        samples["upgrade_height"] = [(name, plan["height"])]
        samples["upgrade_ready"] = [(name, ready)]
        block = found["heights"]["block"]
        eta = (found.get("scout") or {}).get("eta") or {}
        if eta.get("height") == plan["height"]:
            samples["upgrade_expected_timestamp_seconds"] = [(name, eta["at"])]
        if block:
            samples["upgrade_blocks_left"] = [(name, max(0, plan["height"] - block["height"]))]
    if found.get("waiting_since"):
        samples["waiting_since_timestamp_seconds"] = [({}, found["waiting_since"])]
    if found["history"]:
        last = found["history"][-1]
        name = {"name": str(last["plan"]["name"])}
        samples["last_upgrade_timestamp_seconds"] = [(name, last["at"])]
        if last["downtime"]:
            samples["last_upgrade_downtime_seconds"] = [(name, last["downtime"])]
    if found["backups"]:
        samples["backup_timestamp_seconds"] = [({}, found["backups"][-1]["at"])]
    return samples


def _heights(heights: dict[str, Any]) -> list[Sample]:
    return [
        ({"of": of, "exact": str(int(found["strength"] == "exact"))}, found["height"])
        for of in ("block", "application")
        if (found := heights[of])
    ]


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join([f'{name}="{_escaped(item)}"' for name, item in labels.items()]) + "}"


def _escaped(item: str) -> str:
    return item.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(number: float) -> str:
    return str(int(number)) if int(number) == number else repr(float(number))
