"""`cosmovisor schedule`: list, remove, export."""

from __future__ import annotations

import os
from typing import Any

import click

from cosmovisor.care import schedule as care
from cosmovisor.cli.common import CONTEXT, Session, command
from cosmovisor.config.layout import data, plan_file
from cosmovisor.model.state import ScheduleEntry
from cosmovisor.plan import batch
from cosmovisor.storage import durable


@click.group("schedule", context_settings=CONTEXT)
def schedule() -> None:
    """The operator's own upgrades, kept apart from the chain's plan file."""


def rows(session: Session, entries: tuple[ScheduleEntry, ...]) -> list[dict[str, Any]]:
    """Return the entries for JSON."""
    return [
        {
            "name": entry.plan.name,
            "height": entry.plan.height,
            "exact": entry.exact,
            "source": entry.source,
            "binary": session.layout.bin(entry.version),
            "binary_there": os.path.isfile(session.layout.bin(entry.version)),
        }
        for entry in entries
    ]


def table_text(session: Session, entries: tuple[ScheduleEntry, ...]) -> str:
    """Write the entries, one a line."""
    lines = []
    for row in rows(session, entries):
        mark = "binary in place" if row["binary_there"] else f"binary missing: {row['binary']}"
        exact = "exactly at" if row["exact"] else "at or after"
        lines.append(f"  {row['name']}  {exact} height {row['height']}  ({mark})")
    return "\n".join(lines)


@command("list")
def show(session: Session) -> None:
    """Show the schedule, by height."""
    entries = care.read(session.layout)
    session.show(table_text(session, entries) or "Nothing is scheduled.", rows(session, entries))


@command("remove")
@click.argument("name")
def remove(session: Session, name: str) -> None:
    """Take the upgrade NAME out of the schedule; its binary stays."""
    entry = care.remove(session.layout, name)
    text = f"Removed {entry.plan.name} at height {entry.plan.height}."
    session.show(text, {"removed": {"name": entry.plan.name, "height": entry.plan.height}})


@command("export")
@click.option("--write", is_flag=True, help="Write the file that the Go tool (1.7 and later) reads.")
def export(session: Session, write: bool) -> None:
    """Print the schedule in the Go tool's form, for the way back to it.

    The Go tool takes its upgrades from data/upgrade-info.json.batch. Versions before 1.7 know no such
    file and need `add-upgrade --upgrade-height` for each upgrade anew.
    """
    content = batch.dump([entry.plan for entry in care.read(session.layout)])
    if not write:
        click.echo(content.decode())
        return
    folder = data(session.node_home)
    durable.make_folder(folder, 0o700)
    path = f"{plan_file(session.node_home)}.batch"
    durable.write_file(path, content, 0o600)
    session.show(f"Written: {path}", {"written": path})


for each in (show, remove, export):
    schedule.add_command(each)

COMMAND = schedule
