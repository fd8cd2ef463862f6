"""Is the binary of a plan ready to run? One small file and a few `stat` calls, nothing else.

This is all of staging that the supervisor imports: it is asked at every launch and at every tick of a hold.
"""

from __future__ import annotations

import os
import stat

from cosmovisor.model.receipts import NotStaged, StagedBinary
from cosmovisor.staging import record as records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.model.plan import Plan


def check(settings: Settings, layout: Layout, plan: Plan) -> StagedBinary | NotStaged:
    """Tell whether the binary of a plan is in its place and proven.

    Costs one small file and a few `stat` calls; hashes nothing and runs nothing.

    Args:
        settings: For the rule of names.
        layout: The folder tree.
        plan: The plan as the chain has it.

    Returns:
        The receipt that the switch asks for, or why there is none. A missing or outdated proof is made by
        `cosmovisor prepare-upgrade`.
    """
    version = layout.version_for(plan.name, not settings.cosmovisor_disable_recase)
    path = layout.bin(version)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        record = records.load(layout.proof(version))
        if record is not None and records.is_for(record, plan) and record.path != path:
            return NotStaged(
                "the binary is fetched and checked, but the plan was not scheduled when that was done",
                f"Nothing to do: it is put to {path} as soon as the plan is scheduled.",
            )
        return NotStaged(f"there is no binary at {path}", f"Put the new binary to {path}.")
    except OSError as error:
        return NotStaged(
            f"cannot look at {path}: {error.strerror}", "Check the owner and mode of the folders."
        )
    if not stat.S_ISREG(status.st_mode):
        return NotStaged(f"{path} is not a regular file", f"Put the new binary itself to {path}.")
    record = records.load(layout.proof(version))
    if record is None:
        return NotStaged(f"{path} is not proven yet", "It is proven within seconds; see `cosmovisor status`.")
    why = outdated(record, layout.folder(version), path, status, plan)
    if why:
        return NotStaged(why, "It is proven again within seconds; see `cosmovisor status`.")
    twin = _new_twin(layout.upgrades, os.path.basename(version.folder), layout.daemon_name, record)
    if twin:
        return NotStaged(
            f"{twin} and {version.folder} differ only in case and both hold a binary",
            "They are compared within seconds; remove the one that is wrong.",
        )
    for proof in record.blocking:
        return NotStaged(proof.text, proof.fix)
    return StagedBinary(
        plan=plan,
        version=version,
        path=path,
        sha256=record.sha256,
        identity=record.identity,
        source=record.source,
        trust=record.trust,
        proofs=record.proofs,
        no_pre_upgrade=record.no_pre_upgrade,
        staged_at=record.staged_at,
        opinions=record.opinions,
    )


def outdated(
    record: records.Record, folder: str, path: str, status: os.stat_result, plan: Plan | None
) -> str:
    """Say why a record no longer speaks of what lies on the disk; empty where it still does.

    Args:
        record: The record.
        folder: The version's folder, absolute.
        path: The executable.
        status: Its `stat`.
        plan: The plan in question; None asks for the files only.
    """
    if record.path != path or record.identity != records.identity_of(status):
        return f"{path} has changed since it was proven"
    if not status.st_mode & 0o111:
        return f"{path} is not executable"
    if record.libraries != records.libraries_in(folder):
        return f"the libraries in {folder}/lib have changed since they were proven"
    # What was placed by hand is proven for its folder, whatever the plan's info says.
    if plan is not None and record.source != "hand" and not records.is_for(record, plan):
        return f"the plan has changed since {path} was proven"
    return ""


def _new_twin(upgrades: str, name: str, daemon_name: str, record: records.Record) -> str:
    """Find a folder whose name differs only in case, that holds a binary and was not compared yet."""
    try:
        names = os.listdir(upgrades)
    except OSError:
        return ""
    lower = name.lower()
    for other in names:
        alike = other != name and other.lower() == lower and f"upgrades/{other}" not in record.twins
        if alike and os.path.isfile(os.path.join(upgrades, other, "bin", daemon_name)):
            return f"upgrades/{other}"
    return ""
