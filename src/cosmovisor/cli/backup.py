"""`cosmovisor backup`: list, check, forecast."""

from __future__ import annotations

import os
import time

import click

from cosmovisor.cli.common import CONTEXT, Session, command
from cosmovisor.model.errors import BackupError
from cosmovisor.model.sizes import in_words


@click.group("backup", context_settings=CONTEXT)
def backup() -> None:
    """Backups that upgrades have taken, and what the next one will cost."""


def resolve(session: Session, name: str) -> str:
    """Return the folder of a backup that is given by its path or by its name in the backup folder.

    Raises:
        BackupError: There is no such folder.
    """
    from cosmovisor.backup import places

    for path in (name, os.path.join(places.base(session.settings), name)):
        if os.path.isdir(path):
            return os.path.abspath(path)
    raise BackupError(f"there is no backup {name}", "Choose one of: cosmovisor backup list")


@command("list")
def show(session: Session) -> None:
    """Show the backups of this program in the backup folder, oldest first."""
    from cosmovisor.backup import places

    base = places.base(session.settings)
    rows = [
        {
            "path": found.path,
            "name": found.manifest.plan.name,
            "height": found.manifest.plan.height,
            "taken_at": found.manifest.taken_at,
            "method": found.manifest.method,
            "bytes": found.manifest.size,
            "seconds": found.manifest.seconds,
            "node_home": found.manifest.node_home,
        }
        for found in places.listing(base)
    ]
    lines = [f"Backups in {base}:"]
    for row in rows:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(str(row["taken_at"]))))
        size = in_words(int(str(row["bytes"])))
        lines.append(f"  {os.path.basename(str(row['path']))}  {at}  {size}  {row['method']}")
    session.show("\n".join(lines) if rows else f"There is no backup in {base}.", rows)


@command("check")
@click.argument("name", metavar="BACKUP")
def check(session: Session, name: str) -> None:
    """Compare BACKUP with its manifest: every file, its size, and the digests that were taken."""
    from cosmovisor.backup import manifest

    path = resolve(session, name)
    known = manifest.read(path)
    found = manifest.problems(path, known)
    if found:
        raise BackupError(f"{path} is damaged: {'; '.join(found)}", "Use another one: cosmovisor backup list")
    text = f"{path} is whole: {len(known.items)} entries, {in_words(known.size)}."
    session.show(text, {"path": path, "entries": len(known.items), "bytes": known.size, "whole": True})


@command("forecast")
@click.option("--home", "home", metavar="FOLDER", help="The node's home, where it is not DAEMON_HOME.")
def forecast(session: Session, home: str | None) -> None:
    """Measure on a sample of the data how the next backup will be taken and how long it will last."""
    from cosmovisor.backup import forecast as measure

    found = measure(session.settings, os.path.abspath(home) if home else session.node_home)
    text = "Backups are off."
    if found.method != "off":
        fits = "it fits" if found.fits else "it does not fit"
        text = (
            f"The next backup: {found.method}, {in_words(found.bytes)} to write of {in_words(found.size)},"
            f" about {found.seconds:.1f} s; {in_words(found.free)} are free: {fits}."
        )
    document = {
        "method": found.method,
        "bytes": found.bytes,
        "data_bytes": found.size,
        "seconds": found.seconds,
        "free": found.free,
        "fits": found.fits,
    }
    session.show(text, document)


for each in (show, check, forecast):
    backup.add_command(each)

COMMAND = backup
