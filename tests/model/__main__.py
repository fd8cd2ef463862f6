"""`python -m tests.model [NAME...] [--jobs N]`: search configurations, each in a process of its own."""

from __future__ import annotations

import argparse
import sys

from tests.model.configs import CONFIGS
from tests.model.runs import run
from tests.model.search import report


def main() -> int:
    """Search what is named, print each result; return 1 if a law is broken or a search was not whole."""
    parser = argparse.ArgumentParser(prog="tests.model", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    failed = False
    for result in run(given.names or list(CONFIGS), given.jobs):
        print(report(result), flush=True)  # noqa: T201
        failed = failed or bool(result.broken) or not result.whole
    return failed


if __name__ == "__main__":
    sys.exit(main())
