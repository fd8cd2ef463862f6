"""A short life in every test run; the long one is `make life`."""

from __future__ import annotations

import pytest
from tests.scenario.life import Life

from cosmovisor.demo import ledger


@pytest.mark.complaint(20)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_life_with_accidents_keeps_its_ledger_clean(tmp_path, seed):
    told: list[str] = []
    life = Life(tmp_path, seed, told.append)
    try:
        assert life.play(6) == [], told
        entries = life.world.entries()
    finally:
        life.world.close()
    # The checker is no ornament: the same ledger with one foreign signature is not clean.
    planted = {**[entry for entry in entries if entry["what"] == "sign"][7], "block": "F" * 64}
    assert ledger.conflicts([*entries, planted])
