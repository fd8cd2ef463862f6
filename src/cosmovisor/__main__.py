"""Entry point of the console script; takes the fast path for what starts a node."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def main() -> int:
    """Run the command line and return the exit status."""
    arguments = sys.argv[1:]
    from cosmovisor import streams

    streams.open_closed()
    from cosmovisor.cli import starting

    found = starting.node_arguments(arguments)
    if found is not None and sys.platform != "win32":
        _leave(starting.start(*found))
    from cosmovisor.cli.main import run

    return run(arguments)


def _leave(status: int) -> NoReturn:
    """End at once: taking the interpreter apart would keep the service manager waiting."""
    import os

    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            continue
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main())
