"""SIGKILL in the middle of real upgrades: a seeded sample of what `make cuts` does in full."""

from __future__ import annotations

import random
import sys

import pytest
from tests.support.cuts import Cutting, draw

#: Forty cuts in four homes, ten upgrades each.
HOMES, UPGRADES = 4, 10


@pytest.mark.slow
@pytest.mark.needs("linux")
@pytest.mark.parametrize("home", range(HOMES))
def test_whatever_is_killed_the_right_binary_runs_and_nothing_is_half_done(tmp_path, home):
    cutting = Cutting(tmp_path)
    dice = random.Random(home)
    try:
        cutting.upgrade(None)
        assert cutting.upgrade(None) is False
        calls = cutting.log()
        assert len(calls) > 100
        fired = 0
        for _ in range(UPGRADES):
            cut = draw(dice, calls)
            fired += cutting.upgrade(cut)
        sys.stdout.write(f"home {home}: {fired} of {UPGRADES} cuts reached\n")
        assert fired > UPGRADES // 2
    finally:
        cutting.close()
