"""`run` and the legacy `start`, without the command-line library: its import would delay the node."""

from __future__ import annotations

import gc
import os
import sys

#: New objects until the next look for garbage, ten times what Python would wait for.
_GARBAGE = 7000
_OPTION = "--cosmovisor-config"
_NOTICE = "cosmovisor: `cosmovisor start` is the old form; it works as `cosmovisor run start`\n"


def node_arguments(arguments: list[str]) -> tuple[list[str], str | None] | None:
    """Tell whether this command line starts the daemon.

    Args:
        arguments: Our own arguments. `start ...` is `run start ...`: Go's version 1.0 ran the daemon without
            `run`, and the most-copied unit file still says so.

    Returns:
        The daemon's arguments and a configuration file named before the word `run`, or None.
    """
    place = 0
    file: str | None = None
    while place < len(arguments) and arguments[place].startswith("-"):
        word, equals, given = arguments[place].partition("=")
        if word not in {_OPTION, "-c"}:
            return None
        if not equals:
            place += 1
            if place == len(arguments):
                return None
            given = arguments[place]
        file = given or None
        place += 1
    word = arguments[place] if place < len(arguments) else ""
    if word == "run":
        return arguments[place + 1 :], file
    if word == "start":
        if sys.stderr:
            sys.stderr.write(_NOTICE)
        return arguments[place:], file
    return None


def start(arguments: list[str], config_file: str | None = None) -> int:
    """Run the daemon and return the exit status; errors are told.

    Args:
        arguments: The daemon's arguments, which may hold our own option.
        config_file: A configuration file named before the word `run`, or None.
    """
    try:
        return run_node(arguments, config_file)
    except Exception as error:  # the last boundary: a text and a status, no traceback
        from cosmovisor.cli.boundary import report

        return report(error)
    except KeyboardInterrupt as error:
        from cosmovisor.cli.boundary import report

        return report(error)


def run_node(arguments: list[str], config_file: str | None = None) -> int:
    """Run the daemon and return the exit status.

    Raises:
        CosmovisorError: It could not be started.
    """
    # Hardly anything that is loaded on the way is garbage: looking for it so often would only delay the node.
    gc.set_threshold(_GARBAGE)
    environ = dict(os.environ)
    if arguments in (["--help"], ["-h"]):
        from cosmovisor.config.load import load

        if load(environ, config_file).problems:
            # Nobody has set anything up yet: the daemon's help cannot be shown, ours can.
            from cosmovisor.cli.main import run as command_line

            return command_line(["help", "run"])
    from cosmovisor.supervisor import run

    return run.run(arguments, environ, config_file)
