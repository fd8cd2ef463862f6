"""Entry point of the console script; takes the fast path for what starts a node."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the exit status."""
    from cosmovisor.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
