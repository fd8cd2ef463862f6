"""Entry point of the console script; takes the fast path for what starts a node."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the exit status."""
    arguments = sys.argv[1:]
    from cosmovisor import streams

    streams.open_closed()
    from cosmovisor.cli import starting

    found = starting.node_arguments(arguments)
    if found is not None and sys.platform != "win32":
        return starting.start(*found)
    from cosmovisor.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
