"""No durable step shows anything between old and new on the strictest disk, and no flush can be left out."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import cut_steps, power, strict_disk
from tests.support.cut_steps import STORIES, Picture, Story

from cosmovisor.backup import methods

#: Share of the states of an unfinished backup on which it is taken again.
AGAIN = 0.06


def pictures(story: Story, root: Path) -> list[Picture]:
    """What is visible before the first and after each step."""
    root.mkdir()
    story.seed(root)
    seen = [cut_steps.picture(root)]
    for _, step in story.steps:
        step(root)
        seen.append(cut_steps.picture(root))
    return seen


def play(story: Story, root: Path, skip: int = -1, *, first: bool = False) -> tuple[int, int, list[str]]:
    """Cut a story after each call in every way: how many states, how many differ visibly, what was wrong."""
    wanted = pictures(story, root / "wanted")
    stage = root / "stage"
    stage.mkdir()
    story.seed(stage)

    def run(returned: Callable[[], None]) -> None:
        for _, step in story.steps:
            step(stage)
            returned()

    states, wrong = 0, []
    known: dict[object, list[str]] = {}
    dice = random.Random(7)
    for text, disk, done in strict_disk.watch(stage, run, skip):
        for how, names, contents in disk.states():
            states += 1
            # Taking a backup again costs 30 ms: done for a sample, and for the content that is worst.
            again = story.again and done == 0 and how.endswith("zeros") and dice.random() < AGAIN
            key = (
                done,
                again,
                strict_disk.signature(names, contents, (lambda _: False) if again else cut_steps.hidden),
            )
            if key not in known:
                # At the same place: an unfinished backup is found again by the path of its home.
                shutil.rmtree(stage)
                strict_disk.materialise(names, contents, stage)
                known[key] = judge(story, wanted, stage, done, again=again)
            wrong += [f"{text}, {how}, after {done} steps: {what}" for what in known[key]]
            if first and wrong:
                return states, len(known), wrong
    return states, len(known), wrong


def judge(story: Story, wanted: list[Picture], place: Path, done: int, *, again: bool) -> list[str]:
    """What is wrong with a state, and with what the next start makes of it."""
    seen = cut_steps.picture(place)
    fine = cut_steps.allowed(story, wanted, done)
    if seen not in fine:
        return [cut_steps.difference(seen, fine[-1])]
    if again and seen != wanted[done + 1]:
        story.steps[done][1](place)
        seen = cut_steps.picture(place)
        if seen != wanted[done + 1]:
            return [f"taken again: {cut_steps.difference(seen, wanted[done + 1])}"]
    return []


def flushes(story: Story, root: Path) -> int:
    root.mkdir()
    story.seed(root)
    count = 0

    def run(returned: Callable[[], None]) -> None:
        for _, step in story.steps:
            step(root)

    for text, _disk, _done in strict_disk.watch(root, run):
        count += text.startswith(("after fsync", "after sync_file_system"))
    return count


@pytest.fixture
def workshop() -> Iterator[Path]:
    """A folder in memory: the flushes of hundreds of plays would wait for the disk of a busy machine."""
    with power.workshop() as folder:
        yield folder


@pytest.mark.parametrize(("name", "way"), [("upgrade", "link"), ("backup", "link"), ("backup", "copy")])
def test_every_cut_shows_old_or_new(workshop, monkeypatch, name, way):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: way)
    states, visible, wrong = play(STORIES[name], workshop)
    sys.stdout.write(f"{name}, {way}: {states} states, {visible} differ visibly\n")
    assert wrong == []
    assert states > 1000
    assert visible > len(STORIES[name].steps)


@pytest.mark.parametrize(("name", "way"), [("upgrade", "link"), ("backup", "copy")])
def test_every_flush_that_is_left_out_is_noticed(workshop, monkeypatch, name, way):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: way)
    story = STORIES[name]
    count = flushes(story, workshop / "count")
    unnoticed = []
    for skip in range(count):
        root = workshop / str(skip)
        root.mkdir()
        if not play(story, root, skip, first=True)[2]:
            unnoticed.append(skip)
    sys.stdout.write(f"{name}, {way}: {count} flushes, each left out once\n")
    assert unnoticed == []
    assert count > len(story.steps)
