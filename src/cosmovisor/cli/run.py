"""`cosmovisor run`: only its help is here, since `__main__` starts the node without this module."""

from __future__ import annotations

import click

from cosmovisor.cli.common import CONTEXT

EPILOG = """\
\b
Examples:
  cosmovisor run start                     run the node, go through upgrades
  cosmovisor run start --home /data/node   everything after run belongs to the daemon
  cosmovisor run query bank total          answered by the right binary, not supervised
"""


@click.command(
    "run",
    context_settings=CONTEXT
    | {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    epilog=EPILOG,
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS OF THE DAEMON]")
def run(words: tuple[str, ...]) -> int:
    """Run the daemon with the given arguments and keep it on the right binary.

    All arguments go to the daemon unchanged, --help too; only --cosmovisor-config FILE is taken out. Standard
    streams, environment and working directory are the daemon's, and its exit status becomes ours (128+n for a
    signal). Ours are: 64 wrong usage, 78 configuration, 75 no usable binary within COSMOVISOR_HOLD_LIMIT,
    1 the rest.

    Words that end by themselves (version, query, tx, keys, status, export, init, ...) are answered by the
    right binary without any supervision.
    """
    from cosmovisor.cli.starting import run_node

    return run_node(list(words))


COMMAND = run
