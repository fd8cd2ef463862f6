"""Whether each upgrade to come is ready, and whether the folders say what their makers meant."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cosmovisor.care import look
from cosmovisor.care.finding import Finding, bad, good, note
from cosmovisor.config.folders import escaped, recased, unescaped
from cosmovisor.model.plan import GENESIS_VERSION, Plan
from cosmovisor.model.receipts import NotStaged
from cosmovisor.staging import preflight, prove, ready

_PREPARE = "Prove it now: cosmovisor prepare-upgrade"


def plans(view: look.View) -> Iterator[Finding]:
    """Readiness of the binary of each plan to come."""
    if not view.plans:
        yield good("next upgrade", "none is known")
    for plan in view.plans:
        yield from _plan(view, plan)


def _plan(view: look.View, plan: Plan) -> Iterator[Finding]:
    name = f"upgrade {plan.name} at {plan.height}"
    staged = ready.check(view.context.settings, view.context.layout, plan)
    if isinstance(staged, NotStaged):
        version = view.context.layout.version_for(plan.name, view.context.settings.recase)
        path = view.context.layout.bin(version)
        if os.path.isfile(path):
            scheduled = any(entry.plan == plan for entry in view.state.schedule)
            yield note(name, staged.reason, f"{_PREPARE} {plan.name}" if scheduled else _PREPARE)
            yield from _static(view, path, view.context.layout.folder(version))
        else:
            yield bad(name, staged.reason, staged.fix)
        return
    yield good(name, f"ready: {staged.path}, from {staged.source}, trust {staged.trust}")
    for proof in staged.proofs:
        if proof.outcome == "warning":
            yield note(name, proof.text, proof.fix)


def folders(view: look.View) -> Iterator[Finding]:
    """The binaries that are there: the active one, and folders under names that nobody looks for."""
    layout, recase = view.context.layout, view.context.settings.recase
    active = view.seen.link.version or GENESIS_VERSION
    path = layout.bin(active)
    if os.path.lexists(path):
        yield from _static(view, path, layout.folder(active))
    for folder in view.seen.folders:
        name = folder.version.folder.rpartition("/")[2]
        if folder.version == GENESIS_VERSION:
            continue
        if recase and name != escaped(recased(unescaped(name))) and folder.usable:
            yield note(
                "folders",
                f"upgrades/{name} is not looked at: names are lower-cased",
                f"Rename it to {escaped(recased(unescaped(name)))}, or set COSMOVISOR_DISABLE_RECASE=true.",
            )
        if not folder.usable:
            yield note("folders", f"upgrades/{name} holds no usable bin/{layout.daemon_name}")
    if view.facts.twins:
        names = " and ".join([version.folder for version in view.facts.twins])
        yield bad(
            "folders", f"{names} differ only in case and hold different binaries", "Remove the wrong one."
        )
    batch = f"{view.context.plan_file}.batch"
    if os.path.exists(batch):
        yield note("schedule", f"the Go tool's batch file {batch} is there")


def _static(view: look.View, path: str, folder: str) -> Iterator[Finding]:
    """Look at a binary as exec and the loader will."""
    name = os.path.relpath(path, view.context.layout.root)
    proofs = preflight.examine(path, prove.library_path(folder, view.context.environ), view.context.environ)
    # Execute bits that are missing are added at the launch, as the Go tool does.
    wrong = [proof for proof in proofs if proof.outcome == "blocking" and proof.name != "mode"]
    for proof in wrong:
        yield bad(name, proof.text, proof.fix)
    for proof in proofs:
        if proof.outcome == "warning":
            yield note(name, proof.text, proof.fix)
    if not wrong:
        yield good(name, "can be executed here")
