"""`run` and the legacy `start`, without the command-line library: its import would delay the node."""

from __future__ import annotations

import os
import sys

from cosmovisor.model.errors import CosmovisorError

_NOTICE = "cosmovisor: `cosmovisor start` is the old form; it works as `cosmovisor run start`\n"


def start(arguments: list[str], config_file: str | None = None) -> int:
    """Run the daemon and return the exit status.

    Args:
        arguments: Our own arguments, beginning with `run` or `start`.
        config_file: A configuration file named before that word, or None.
    """
    given = arguments[1:]
    if arguments[0] == "start":
        # Go's version 1.0 ran the daemon without `run`, and the most-copied unit file still says so.
        sys.stderr.write(_NOTICE)
        given = arguments
    from cosmovisor.supervisor import run

    try:
        return run.run(given, dict(os.environ), config_file)
    except CosmovisorError as error:
        return tell(error)


def tell(error: CosmovisorError) -> int:
    """Print an error, cause first, then the next step; return the exit status that belongs to it."""
    sys.stdout.flush()
    lines = [f"Error: {error.cause}"]
    if error.next_step:
        lines.append(error.next_step)
    sys.stderr.write("\n".join(lines) + "\n")
    return error.exit_status
