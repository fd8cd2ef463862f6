"""The command line."""

from __future__ import annotations

import sys


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    sys.stderr.write(f"cosmovisor: unknown command {' '.join(arguments)!r}\n")
    return 64
