"""The power goes at every write to a real file system: a sample of what `make power-cut` does in full."""

from __future__ import annotations

import sys

import pytest
from tests.support import power
from tests.support.cut_steps import BACKUP, UPGRADE


@pytest.mark.needs("mounts")
@pytest.mark.parametrize("story", [UPGRADE, BACKUP], ids=lambda story: story.name)
def test_every_cut_shows_old_or_new(story):
    with power.workshop() as folder:
        outcome = power.play(story, "ext4", folder, seed=1, subsets=1)
    sys.stdout.write(f"ext4, {story.name}: {outcome.states} states, {outcome.writes} writes\n")
    assert outcome.wrong == []
    assert outcome.states > outcome.writes
    assert outcome.flushes > len(story.steps)


@pytest.mark.needs("mounts")
def test_flushes_that_are_left_out_are_noticed():
    noticed = []
    for skip in (0, 1, 2, 3, 6, 8, 9):
        with power.workshop() as folder:
            outcome = power.play(UPGRADE, "ext4", folder, seed=1, subsets=2, skip=skip, first=True)
        if outcome.wrong:
            noticed.append(skip)
    assert noticed
