"""Entry point of the console script; takes the fast path for what starts a node."""

from __future__ import annotations

import sys

#: First words that start the daemon; every other word is a command of ours and may take its time to import.
_STARTING = ("run", "start")


def main() -> int:
    """Run the command line and return the exit status."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in _STARTING:
        from cosmovisor.cli import starting

        return starting.start(arguments)
    from cosmovisor.cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
