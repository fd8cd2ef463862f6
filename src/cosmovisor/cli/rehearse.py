"""`cosmovisor rehearse`: the upgrade night, played through beforehand."""

from __future__ import annotations

import click

from cosmovisor.cli.common import Session, command


@command("rehearse")
@click.argument("name", default="", metavar="[NAME]")
@click.option("--full-backup", is_flag=True, help="Take the whole backup (node down) instead of a sample.")
@click.option("--trial", is_flag=True, help="Run the real new binary on a copy of the data, without keys.")
@click.option("--script", is_flag=True, help="Run your COSMOVISOR_CUSTOM_PREUPGRADE script in the stand-in.")
@click.option("--data", default="", metavar="FOLDER", help="Data for the trial: that of a backup, say.")
@click.option("--limit", default=300.0, metavar="SECONDS", help="How long the trial may take.")
def rehearse(
    session: Session, name: str, full_backup: bool, trial: bool, script: bool, data: str, limit: float
) -> int:
    """Play the whole upgrade NAME, or the next one that is known, with a stand-in node on a scratch home.

    The binary is staged and proven as on the night, the backup is measured on the real data, and the downtime
    is forecast. The real node is not touched. The exit status is 1 when the night would fail.
    """
    from cosmovisor.model.value import fields
    from cosmovisor.rehearsal import rehearse as room
    from cosmovisor.rehearsal import target

    plan = target.choose(session.layout, session.node_home, name)
    wishes = room.Wishes(full_backup=full_backup, trial=trial, data=data, limit=limit, script=script)
    outcome = room.rehearse(
        session.settings,
        session.layout,
        session.environ,
        session.config_file,
        plan,
        wishes,
        lambda text: click.echo(f"… {text}", err=True),
    )
    at = f" at height {plan.height}" if plan.height else ""
    lines = [f"Rehearsal of {plan.name}{at}", ""]
    lines += [check.line() for check in outcome.checks]
    lines += ["", outcome.forecast()]
    lines.append("The night is ready." if outcome.held else "The night would fail: see the lines with ✗.")
    document = {
        "plan": {"name": plan.name, "height": plan.height},
        "ok": outcome.held,
        "checks": [{key: getattr(check, key) for key in fields(check)} for check in outcome.checks],
        "seconds": {"switch": outcome.switch, "backup": outcome.backup, "start": outcome.start},
    }
    session.show("\n".join(lines), document)
    return 0 if outcome.held else 1


COMMAND = rehearse
