"""Stories played on a real file system, with the power cut at every write; and with single flushes left out."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cosmovisor.backup import taking
from cosmovisor.storage import calls
from tests.support import cut_steps, disks
from tests.support.cut_steps import Picture, Story


@dataclass
class Outcome:
    """What the cuts of one story on one file system showed."""

    writes: int = 0
    flushes: int = 0
    states: int = 0
    wrong: list[str] = field(default_factory=list)


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder in memory where there is one: each state is a disk image of its own."""
    place = "/dev/shm" if shutil.disk_usage("/dev/shm").free > 2 << 30 else None
    with tempfile.TemporaryDirectory(prefix="power-cut-", dir=place) as folder:
        yield Path(folder)


def pictures(story: Story, root: Path) -> list[Picture]:
    """What is visible before the first and after each step."""
    root.mkdir()
    with _small_disk():
        story.seed(root)
        seen = [cut_steps.picture(root)]
        for _, step in story.steps:
            step(root)
            seen.append(cut_steps.picture(root))
    return seen


def play(story: Story, kind: str, *, seed: int, subsets: int, skip: int = -1, first: bool = False) -> Outcome:
    """Record a story on a fresh file system and judge what every cut leaves.

    Args:
        story: What to play.
        kind: The file system.
        seed: For the random parts.
        subsets: How many random parts after the last flush are tried for each cut.
        skip: The flush with this number is left out; -1 for none.
        first: End at the first wrong state.
    """
    with workshop() as folder:
        return disks.apart(lambda: _play(story, kind, folder, seed, subsets, skip, first=first))


def _play(
    story: Story, kind: str, folder: Path, seed: int, subsets: int, skip: int, *, first: bool
) -> Outcome:
    outcome = Outcome()
    wanted = pictures(story, folder / "wanted")
    place = folder / "disk"
    place.mkdir()
    disk = disks.Disk(place, kind)

    def run(root: Path, returned: Callable[[], None]) -> None:
        with _small_disk(), without_flush(skip) as count:
            for _, step in story.steps:
                step(root)
                returned()
        outcome.flushes = count[0]

    disk.record(story.seed, run)
    outcome.writes = sum(entry is not None for entry in disk.entries)
    for length, writes in disk.cuts(random.Random(seed), subsets):
        done = disk.done(length)
        fine = cut_steps.allowed(story, wanted, done)

        def judge(root: Path, fine: list[Picture] = fine) -> str:
            seen = cut_steps.picture(root)
            return "" if seen in fine else cut_steps.difference(seen, fine[-1])

        outcome.states += 1
        text = disk.look(writes, judge)
        if text:
            outcome.wrong.append(f"{kind}, {story.name}: cut at write {length}, after {done} steps: {text}")
            if first:
                break
    return outcome


@contextmanager
def without_flush(skip: int) -> Iterator[list[int]]:
    """Leave out the flush with this number; counts them."""
    count = [0]
    originals = {name: getattr(calls, name) for name in ("fsync", "sync_file_system")}

    def wrapped(name: str) -> Callable[[int], None]:
        def call(fd: int) -> None:
            count[0] += 1
            if count[0] - 1 != skip:
                originals[name](fd)

        return call

    for name in originals:
        setattr(calls, name, wrapped(name))
    try:
        yield count
    finally:
        for name, original in originals.items():
            setattr(calls, name, original)


@contextmanager
def _small_disk() -> Iterator[None]:
    """The disks of a test are smaller than what is to stay free beside a backup."""
    kept, taking.RESERVE = taking.RESERVE, 0
    try:
        yield
    finally:
        taking.RESERVE = kept
