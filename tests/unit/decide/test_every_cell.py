"""Every combination of facts: the laws hold on each, and the published page tells what is decided on each."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.decision_laws import check
from tools.cells import SLICES, Slice
from tools.generate_decisions import HEAD, section

PAGE = Path(__file__).parents[3] / "docs" / "decisions.md"


@pytest.mark.parametrize("chosen", SLICES, ids=[f"{table}: {title}" for table, title, _ in SLICES])
def test_the_laws_hold_and_the_page_is_fresh(chosen: Slice) -> None:
    assert section(chosen, check) in PAGE.read_text(encoding="utf-8"), "run `make tables`"


def test_the_page_holds_nothing_else() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert text.count("\n## ") == len(SLICES)
