"""Writes docs/decisions.md: what the tables decide, over every combination that they can tell apart."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.cells import SLICES, TABLES, Slice, cells

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts

PAGE = Path(__file__).resolve().parents[1] / "docs" / "decisions.md"
TITLES = {
    "running": "While the node runs",
    "exited": "After the node has ended by itself",
    "start-up": "At start-up",
}
HEAD = """# Decisions

Written by `make tables` from the code itself; a change of behaviour changes this page. H is the upgrade
height of the plan P in the plan file, b the block-store height, a the application height. Each part shows one
slice of the facts: all combinations of the facts in its columns (those that contradict themselves left out),
everything else at rest: same data, genesis active, binary ready, nothing recorded. A row stands for all
combinations that end in it; a column says which values of a fact occur among them ("any": all of them). The
digest covers the decision of every single combination, so that one that moves from a row to another cannot
hide.

"""


class Row(NamedTuple):
    """What is collected of one row of a table."""

    do: set[str]
    seen: dict[str, set[str]]
    count: list[int]
    reason: list[str]


def collect(
    chosen: Slice, check: Callable[[Facts, Decision], None] | None = None
) -> tuple[dict[str, Row], int, str]:
    """Return the rows of a slice, the number of its cells, and the digest of all its decisions.

    Args:
        chosen: The slice.
        check: Called with every cell and its decision.
    """
    table, _, dimensions = chosen
    decide = TABLES[table]
    rows: dict[str, Row] = {}
    digest = hashlib.sha256()
    total = 0
    for labels, facts in cells(chosen):
        decision = decide(facts)
        if check is not None:
            check(facts, decision)
        total += 1
        said = decision.do + ("" if decision.proven else " (inferred)")
        digest.update(f"{list(labels.values())} {said} {decision.row} {decision.version}\n".encode())
        row = rows.get(decision.row)
        if row is None:
            row = rows[decision.row] = Row(
                set(), {name: set() for name in dimensions}, [0], [decision.reason]
            )
        row.do.add(said)
        row.count[0] += 1
        for name, label in labels.items():
            row.seen[name].add(label)
    return rows, total, digest.hexdigest()[:16]


def section(chosen: Slice, check: Callable[[Facts, Decision], None] | None = None) -> str:
    """Return the part of the page about one slice."""
    table, title, dimensions = chosen
    rows, total, digest = collect(chosen, check)
    parts = [
        f"## {TITLES[table]}: {title}\n",
        f"{total:,} combinations, digest `{digest}`.\n",
        "| row | decision | combinations | " + " | ".join(dimensions) + " |",
        "|---" * (3 + len(dimensions)) + "|",
    ]
    for name, row in rows.items():
        shown = [_values(row.seen[one], dimensions[one]) for one in dimensions]
        parts.append(
            f"| {name} | {', '.join(sorted(row.do))} | {row.count[0]:,} | " + " | ".join(shown) + " |"
        )
    parts.append("\nWhat the operator reads, one example for each row:\n")
    parts += [f"* **{name}**: {row.reason[0]}" for name, row in rows.items()]
    return "\n".join(parts) + "\n"


def page() -> str:
    """Return the whole page."""
    return HEAD + "\n".join(section(chosen) for chosen in SLICES)


def _values(seen: set[str], domain: dict[str, object]) -> str:
    """Return the values of a fact that occur in a row."""
    return "any" if len(seen) == len(domain) else "; ".join(one for one in domain if one in seen)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
