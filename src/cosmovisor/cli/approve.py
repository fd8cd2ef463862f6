"""`cosmovisor approve`: take a binary in spite of its checks."""

from __future__ import annotations

import click

from cosmovisor.cli.common import Session, command


@command("approve")
@click.argument("name")
def approve(session: Session, name: str) -> None:
    """Accept the binary of the upgrade NAME in spite of checks that forbid it.

    The approval holds for this very file: any change ends it. A digest mismatch can never be approved.
    """
    from cosmovisor.care import approve as care
    from cosmovisor.plan import names

    version = session.layout.version_for(names.check(name), session.settings.recase)
    record, lifted = care.approve(session.layout, version)
    told = care.tell(session.layout)
    lines = [f"Approved: {record.path} (sha256 {record.sha256})."]
    lines += [f"  no longer forbids: {proof.text}" for proof in lifted] or ["  no check had forbidden it"]
    if told:
        lines.append("The supervisor looks again now.")
    document = {
        "path": record.path,
        "sha256": record.sha256,
        "lifted": [{"check": proof.name, "text": proof.text} for proof in lifted],
        "supervisor_told": told,
    }
    session.show("\n".join(lines), document)


COMMAND = approve
