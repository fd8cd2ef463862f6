"""The reference is what the code says."""

from __future__ import annotations

import pytest
from tools import generate_reference, reference_zh

from cosmovisor.config import table

HOW = "run: .venv/bin/python tools/generate_reference.py"


@pytest.mark.parametrize("language", generate_reference.TEXTS)
def test_the_reference_is_fresh(language):
    path = generate_reference.ROOT / "docs" / language / "reference.md"
    assert path.read_text(encoding="utf-8") == generate_reference.reference(language), HOW


def test_every_setting_is_explained_in_chinese_too():
    assert set(reference_zh.VARIABLES) == set(table.BY_NAME)


def test_a_change_to_the_table_is_noticed(monkeypatch):
    before = generate_reference.reference("en")
    changed = (*table.VARIABLES[:-1], table.Variable("COSMOVISOR_NEW", "text", "", "New.", "x", "here"))
    monkeypatch.setattr(table, "VARIABLES", changed)
    assert generate_reference.reference("en") != before
