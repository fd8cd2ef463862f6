"""`cosmovisor explain`: the last decisions and why; replays the facts of another machine."""

from __future__ import annotations

import sys
import time

import click

from cosmovisor.cli.common import Session, command
from cosmovisor.model.errors import CosmovisorError

_LARGEST = 4 << 20


@command("explain")
@click.option(
    "-n", "--last", type=click.IntRange(1, 1000), default=3, show_default=True, help="How many decisions."
)
@click.option(
    "--facts", metavar="FILE", help="Facts from another machine (a line of decisions.jsonl); - for stdin."
)
def explain(session: Session, last: int, facts: str | None) -> None:
    """Show the last decisions with the facts that they were made of.

    With --facts the tables are asked again with facts from elsewhere; no home is needed. The record of this
    home is cosmovisor/decisions.jsonl, one decision a line.
    """
    from cosmovisor.care import explain as care

    if facts is not None:
        _replay(session, facts)
        return
    entries = care.read(session.layout.decisions_file, last)
    if not entries:
        raise care.ExplainError("no decision is recorded yet", "Start the node: cosmovisor run start")
    blocks = []
    for entry in entries:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.at))
        lines = [f"{when}  {entry.row}", f"  {entry.reason}"]
        if entry.fix:
            lines.append(f"  → {entry.fix}")
        if entry.facts is None:
            lines.append("  (its facts were written by another version)")
        else:
            lines += [f"    {label}: {text}" for label, text in care.summary(entry.facts)]
        blocks.append("\n".join(lines))
    session.show("\n\n".join(blocks), [entry.document for entry in entries])


def _replay(session: Session, path: str) -> None:
    from cosmovisor.care import explain as care

    facts = care.load_facts(_read(path))
    decisions = care.replay(facts)
    lines = [f"{label}: {text}" for label, text in care.summary(facts)]
    for table, decision in decisions:
        version = "" if decision.version is None else f" {decision.version.folder}"
        lines += ["", f"{table}: {decision.do}{version}  ({decision.row})", f"  {decision.reason}"]
        if decision.next_step:
            lines.append(f"  → {decision.next_step}")
    document = [
        {
            "table": table,
            "do": decision.do,
            "row": decision.row,
            "reason": decision.reason,
            "version": None if decision.version is None else decision.version.folder,
            "proven": decision.proven,
            "next": decision.next_step,
        }
        for table, decision in decisions
    ]
    session.show("\n".join(lines), document)


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_LARGEST + 1) if sys.stdin else b""
    try:
        with open(path, "rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as error:
        raise CosmovisorError(f"cannot read {path}: {error.strerror}", "Name a file with facts.") from None


COMMAND = explain
