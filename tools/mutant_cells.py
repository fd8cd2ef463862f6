"""What the tables decide on a part of all cells, to be compared with what they decide with a mutant.

Each cell of the published table is tested by `tests/unit/decide/test_every_cell.py`; with every mutant that
would take too long. A part drawn from a seed sees less, so that a score can only be too low.
"""

from __future__ import annotations

import random
from itertools import product
from typing import Any

from tools.cells import SLICES, TABLES, UNKNOWN, build, possible

from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts

#: One cell in so many is drawn.
ONE_IN = 10


def draw() -> list[tuple[str, Facts, Any]]:
    """Return (table, facts, decision) of the cells that are drawn, in no order."""
    dice = random.Random(0)
    found = []
    for table, _, dimensions in SLICES:
        for labels in product(*dimensions.values()):
            if dice.randrange(ONE_IN):
                continue
            values = {name: dimensions[name][label] for name, label in zip(dimensions, labels, strict=True)}
            if possible(values.get("b", UNKNOWN), values.get("a", UNKNOWN)):
                facts = build(table, values)
                found.append((table, facts, _seen(TABLES[table](facts))))
    dice.shuffle(found)
    return found


def agree(drawn: list[tuple[str, Facts, Any]]) -> bool:
    """Tell whether the tables still decide the same."""
    return all(_seen(TABLES[table](facts)) == decision for table, facts, decision in drawn)


def _seen(decision: Decision) -> tuple[Any, ...]:
    """Return what a decision does, without its words."""
    return (
        decision.do,
        decision.row,
        decision.plan,
        decision.version,
        decision.proven,
        decision.passed,
        decision.remember_ahead,
    )
