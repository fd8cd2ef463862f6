"""The power goes at every write to a real file system: a sample of what `make power-cut` does in full."""

from __future__ import annotations

import sys

import pytest
from tests.support import power
from tests.support.cut_steps import BACKUP, UPGRADE


@pytest.mark.needs("mounts")
@pytest.mark.parametrize("story", [UPGRADE, BACKUP], ids=lambda story: story.name)
def test_every_cut_shows_old_or_new(story):
    outcome = power.play(story, "ext4", seed=1, subsets=1)
    sys.stdout.write(f"ext4, {story.name}: {outcome.states} states, {outcome.writes} writes\n")
    assert outcome.wrong == []
    assert outcome.states > outcome.writes
    assert outcome.flushes > len(story.steps)


@pytest.mark.needs("mounts")
@pytest.mark.parametrize("skip", [0, 7, 10])
def test_a_flush_that_is_left_out_is_noticed(skip):
    """Of a folder, of a new file, of a replaced link; `make power-cut` leaves out each of them."""
    outcome = power.play(UPGRADE, "ext4", seed=1, subsets=2, skip=skip, first=True)
    assert outcome.wrong
