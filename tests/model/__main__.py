"""`python -m tests.model [NAME...] [--jobs N] [--page]`: search configurations, each in a process of its own."""

from __future__ import annotations

import argparse
import sys

from tests.model import page
from tests.model.configs import CONFIGS
from tests.model.runs import run
from tests.model.search import failed, report


def main() -> int:
    """Search what is named, print each result; return 1 if a law is broken or a search was not whole."""
    parser = argparse.ArgumentParser(prog="tests.model", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", action="store_true", help="write docs/model-run.md")
    given = parser.parse_args()
    results = []
    for result in run(given.names or list(CONFIGS), given.jobs):
        print(report(result), flush=True)  # noqa: T201
        results.append(result)
    if given.page:
        page.write(results)
    return any(failed(result) for result in results)


if __name__ == "__main__":
    sys.exit(main())
