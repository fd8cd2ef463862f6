"""The staged binary: its proofs, made now by the process that makes them on the night."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NotStaged, StagedBinary
from cosmovisor.rehearsal.check import Check, failed, ok, warning
from cosmovisor.staging import ready

#: A download of a large release on a slow line.
_LIMIT = 3600.0


def stage(
    environ: Mapping[str, str], config_file: str | None, plan: Plan, progress: Callable[[str], None]
) -> None:
    """Let a staging process do what it does when the plan is scheduled; its outcome is asked afterwards."""
    words = [sys.executable, "-m", "cosmovisor", "prepare-upgrade", "--supervised"]
    if config_file:
        words += ["--cosmovisor-config", config_file]
    order = {"name": plan.name, "height": plan.height, "info": plan.info, "urgent": False, "execute": True}
    with subprocess.Popen(
        words,
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            return
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.close()
        try:
            for line in process.stdout:
                told = json.loads(line)
                if told.get("event") == "progress":
                    progress(str(told.get("text", "")))
        except (ValueError, AttributeError):
            process.kill()
        process.wait(_LIMIT)


def examine(settings: Settings, layout: Layout, plan: Plan) -> tuple[list[Check], StagedBinary | None]:
    """Tell whether the binary would be taken at the height."""
    found = ready.check(settings, layout, plan)
    if isinstance(found, NotStaged):
        return [failed("binary", found.reason, found.fix)], None
    return list(_proofs(found)), found


def _proofs(staged: StagedBinary) -> Iterator[Check]:
    yield ok("binary", f"{staged.path} is in place and proven (sha256 {staged.sha256[:12]}…)")
    for proof in staged.proofs:
        if proof.outcome == "warning":
            yield warning(f"binary, {proof.name}", proof.text, proof.fix)
    if staged.trust in {"none", "https"}:
        yield warning(
            "binary, trust", f"its origin is known by {staged.trust} alone", "Compare its digest with others."
        )
    if staged.no_pre_upgrade:
        yield ok("pre-upgrade", "the binary has no such command; it will not be asked")
