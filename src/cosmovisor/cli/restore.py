"""`cosmovisor restore`: put a backup back."""

from __future__ import annotations

import os

import click

from cosmovisor.cli.backup import resolve
from cosmovisor.cli.common import Session, command
from cosmovisor.model.sizes import in_words


@command("restore")
@click.argument("name", metavar="BACKUP")
@click.option("--home", "home", metavar="FOLDER", help="The node's home, where it is not DAEMON_HOME.")
def restore(session: Session, name: str, home: str | None) -> None:
    """Put the data of BACKUP back in the place of the present data, which is kept beside it.

    BACKUP is a folder, or a name out of `cosmovisor backup list`. The node and its supervisor must be
    stopped. The sign-state never goes back: no height is signed a second time because of a restore.
    """
    from cosmovisor import backup

    path = resolve(session, name)
    node_home = os.path.abspath(home) if home else session.node_home
    done = backup.restore(session.layout, node_home, path, lambda text: click.echo(f"{text} ...", err=True))
    plan = done.manifest.plan
    size = in_words(done.manifest.size)
    lines = [
        f"Restored {path}: the data before {plan.name} at height {plan.height} ({size}).",
        *[f"The former {what} is now {where}" for what, where in done.aside.items()],
        *[f"{note[:1].upper()}{note[1:]}." for note in done.notes],
    ]
    document = {
        "backup": path,
        "plan": {"name": plan.name, "height": plan.height},
        "bytes": done.manifest.size,
        "aside": done.aside,
        "notes": list(done.notes),
    }
    session.show("\n".join(lines), document)


COMMAND = restore
