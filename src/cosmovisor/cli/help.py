"""`cosmovisor help [COMMAND]`."""

from __future__ import annotations

import click

from cosmovisor.cli.common import CONTEXT


@click.command("help", context_settings=CONTEXT)
@click.argument("words", nargs=-1, metavar="[COMMAND]")
@click.pass_context
def show(context: click.Context, words: tuple[str, ...]) -> None:
    """Show the overview, or the help of one command."""
    here = context.find_root()
    command: click.Command = here.command
    for word in words:
        found = command.get_command(here, word) if isinstance(command, click.Group) else None
        if found is None:
            from cosmovisor.cli.main import unknown

            raise unknown(word)
        command, here = found, click.Context(found, info_name=word, parent=here)
    click.echo(command.get_help(here))


COMMAND = show
