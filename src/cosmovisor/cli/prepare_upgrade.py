"""`cosmovisor prepare-upgrade`: fetch and prove the binary of a plan ahead of its height."""

from __future__ import annotations

import os
import sys

import click

from cosmovisor.cli.common import Session, command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cosmovisor.model.plan import Plan
    from cosmovisor.model.receipts import Proof
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.request import Request


@command("prepare-upgrade")
@click.argument("name", required=False)
@click.option("--supervised", is_flag=True, hidden=True, help="Plan on standard input; JSON lines.")
@click.option("--plan", "given", metavar="FILE", help="A plan file instead of the chain's own answer.")
def prepare_upgrade(session: Session, name: str | None, supervised: bool, given: str | None) -> None:
    """Fetch and prove the binary of the scheduled upgrade now.

    The plan is asked of the node; where it does not answer, its plan file is read; where the chain has none,
    the operator's schedule is. NAME is an upgrade of that schedule. Works also where downloads are not
    allowed for the service.
    """
    if supervised:
        _supervised(session)
        return
    from cosmovisor.model import confidence
    from cosmovisor.staging.request import Request

    plan: Plan | None
    if given:
        plan = _from_file(given)
    else:
        plan = _from_schedule(session, name) if name else _from_chain(session) or _from_schedule(session)
    if plan is None:
        session.show("No active upgrade plan found", {"plan": None})
        return
    session.log.info("Preparing for upgrade", name=plan.name, height=plan.height)
    record = _stage(session, Request(plan, download=True), session.log.info)
    if record is None:
        return
    lines = [f"Upgrade preparation complete: {record.path} (sha256 {record.sha256})"]
    lines += [f"  {_mark(proof.outcome)} {proof.text}" for proof in record.proofs if proof.text]
    stated = confidence.of(record.trust, record.opinions)
    lines.append(f"Confidence: {stated.level} ({stated.text})")
    checks = [{"check": each.name, "outcome": each.outcome, "text": each.text} for each in record.proofs]
    document: dict[str, object] = {
        "path": record.path,
        "sha256": record.sha256,
        "source": record.source,
        "trust": record.trust,
        "confidence": stated.document(),
    }
    session.show(
        "\n".join(lines), {"plan": {"name": plan.name, "height": plan.height}, **document, "checks": checks}
    )


def _mark(outcome: str) -> str:
    return {"ok": "✓", "warning": "!", "blocking": "✗"}.get(outcome, "?")


def _supervised(session: Session) -> None:
    """One request on standard input, JSON lines on standard output: how supervisor and scout use this."""
    from cosmovisor.model.errors import CosmovisorError
    from cosmovisor.staging import prepare, priority, request

    answers = request.Answers(sys.stdout)
    try:
        asked = request.read(sys.stdin.buffer)
        priority.end_with_parent(asked.parent)
        record = _stage(session, asked, answers.progress)
        if record is None:
            answers.done("what was fetched for this plan is taken out")
            return
        version = session.layout.version_for(asked.plan.name, session.settings.recase)
        answers.staged(record, record.path == session.layout.bin(version))
    except CosmovisorError as error:
        answers.failed(*prepare.failure(error))
        click.get_current_context().exit(1)


def _stage(session: Session, asked: Request, progress: Callable[[str], None]) -> Record | None:
    from cosmovisor.staging import prepare, priority, probes

    def space(home: str) -> tuple[Proof, ...]:
        from cosmovisor.care.space import proofs

        return proofs(session.settings, home)

    priority.lower(urgent=asked.urgent)
    cage = probes.Prober(os.path.join(session.layout.staging, "cage.partial"), session.environ)
    around = prepare.Surroundings(
        session.settings,
        session.layout,
        session.environ,
        session.config_file,
        probes=cage,
        node_home=session.node_home,
        space=space,
    )
    return prepare.prepare(around, asked, progress)


def _from_file(path: str) -> Plan:
    from cosmovisor.model.errors import PlanError, UsageError
    from cosmovisor.plan import file

    try:
        with open(path, "rb") as stream:
            found = file.parse(stream.read(file.LARGEST + 1))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "Name a plan file.") from None
    if isinstance(found, file.Incomplete):
        raise PlanError(f"cannot use {path}: {found.reason}", "Name a complete plan file.")
    return found


def _from_schedule(session: Session, name: str = "") -> Plan | None:
    """Return the entry of this name, or without a name the next one; None where nothing is scheduled.

    Raises:
        UsageError: There is no entry of this name.
    """
    from cosmovisor.care import schedule
    from cosmovisor.model.errors import UsageError

    entries = schedule.read(session.layout)
    if not name:
        return entries[0].plan if entries else None
    for entry in entries:
        if entry.plan.name.casefold() == name.casefold():
            return entry.plan
    raise UsageError(
        f"{name} is not in the operator's schedule",
        "Leave the name out for the chain's own plan, or look at: cosmovisor schedule list",
    )


def _from_chain(session: Session) -> Plan | None:
    """Ask the node; a node that does not answer is no reason to give up while its plan file can be read."""
    from cosmovisor.chain import upgrade
    from cosmovisor.chain.address import rpc_address
    from cosmovisor.chain.rpc import Rpc
    from cosmovisor.config.layout import plan_file
    from cosmovisor.model.errors import ChainError

    address = rpc_address([], session.environ, session.settings.daemon_name, session.node_home)
    trouble: ChainError | None = None
    if address:
        try:
            return upgrade.current_plan(Rpc(address))
        except ChainError as error:
            trouble = error
    path = plan_file(session.node_home)
    if os.path.exists(path):
        if trouble is not None:
            session.log.warning(f"{trouble.cause}; reading {path}")
        return _from_file(path)
    if trouble is not None:
        raise ChainError(
            f"cannot ask the node for its plan: {trouble.cause}",
            "Start the node, or name a plan file with --plan.",
        )
    return None


COMMAND = prepare_upgrade
