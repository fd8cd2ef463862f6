"""`cosmovisor patch`: a corrected binary of the active version."""

from __future__ import annotations

import click

from cosmovisor.cli.common import Session, command
from cosmovisor.model.errors import UsageError


@command("patch")
@click.argument("executable", metavar="PATH", required=False)
@click.option("--undo", is_flag=True, help="Put the former binary back.")
@click.option("--force", is_flag=True, help="Take a file that cannot run here.")
def patch(session: Session, executable: str | None, undo: bool, force: bool) -> None:
    """Put the file at PATH into the place of the active version's binary: a patch release without a plan.

    The link stays as it is, and a running node is not touched: the next start runs the new file. The former
    binary is kept beside it, for --undo.
    """
    from cosmovisor.care import patch as care

    if bool(executable) == undo:
        raise UsageError("name a file, or --undo", "Run 'cosmovisor patch --help' for usage.")
    session.warn()
    if executable:
        done = care.apply(session.layout, session.environ, executable, force=force)
    else:
        done = care.undo(session.layout)
    lines = [
        f"{done.version.folder} is patched: {done.path}" if executable else f"Put back: {done.path}",
        f"  {'the former binary' if executable else 'the patch'}: {done.previous}",
        "  Restart the node's service to run it; `cosmovisor patch --undo` exchanges the two again.",
    ]
    document = {"version": done.version.folder, "path": done.path, "previous": done.previous}
    session.show("\n".join(lines), document)


COMMAND = patch
