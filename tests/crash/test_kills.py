"""SIGKILL and failing calls in the middle of real upgrades: a seeded sample of what `make cuts` does in full."""

from __future__ import annotations

import errno
import os
import random
import sys

import pytest
from tests.support.cuts import FAULTS, Cut, Cutting, draw

#: Forty cuts in four homes, ten upgrades each.
HOMES, UPGRADES = 4, 10


@pytest.mark.slow
@pytest.mark.needs("linux")
@pytest.mark.parametrize("home", range(HOMES))
def test_whatever_is_killed_the_right_binary_runs_and_nothing_is_half_done(tmp_path, home):
    cutting = Cutting(tmp_path)
    dice = random.Random(home)
    try:
        cutting.upgrade()
        assert cutting.upgrade() == []
        calls = cutting.log()
        assert len(calls) > 100
        fired = 0
        for _ in range(UPGRADES):
            cut = draw(dice, calls)
            fired += len(cutting.upgrade(cut))
        sys.stdout.write(f"home {home}: {fired} of {UPGRADES} cuts reached\n")
        assert fired > UPGRADES // 2
    finally:
        cutting.close()


@pytest.mark.slow
@pytest.mark.needs("linux")
def test_a_call_that_fails_once_is_said_and_the_upgrade_is_made_all_the_same(tmp_path):
    cutting = Cutting(tmp_path)
    dice = random.Random(5)
    try:
        cutting.upgrade()
        cutting.upgrade()
        calls = cutting.log()
        parts = ("staging", "backup.partial/", "state.json [", "current", "upgrades/")
        for part, name in zip(parts, (*FAULTS, "ENOSPC"), strict=True):
            label, nth = dice.choice([call for call in calls if part in call[0]])
            assert cutting.upgrade(Cut(label, nth, "before", name)), label
            said = "".join(each.log() for each in cutting.world.supervisors)
            assert part == "staging" or os.strerror(getattr(errno, name)) in said, (
                f"{name} at {label} was not said"
            )
    finally:
        cutting.close()
