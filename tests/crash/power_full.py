"""`make power-cut`: ext4, xfs and btrfs, every write, many random parts of what was not flushed; then without each flush."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass

from tests.support import disks, power
from tests.support.cut_steps import STORIES


@dataclass(frozen=True)
class Task:
    kind: str
    story: str
    seed: int
    subsets: int
    skip: int = -1


def work(task: Task) -> tuple[Task, power.Outcome]:
    story = STORIES[task.story]
    return task, power.play(
        story, task.kind, seed=task.seed, subsets=task.subsets, skip=task.skip, first=task.skip >= 0
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--states", type=int, default=10_000, help="how many states at least, over all file systems"
    )
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    kinds = []
    for kind in disks.MAKE:
        reason = disks.missing(kind)
        print(f"{kind}: {reason or 'tried'}")
        if not reason:
            kinds.append(kind)
    if not kinds:
        print("no file system can be tried here; as root: apt-get install e2fsprogs xfsprogs btrfs-progs")
        return 1
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        wrong, flushes = _whole(pool, kinds, options.states)
        unnoticed = _without(pool, kinds, flushes)
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if wrong or unnoticed else 0


def _whole(pool, kinds: list[str], goal: int) -> tuple[list[str], dict[str, int]]:
    wrong: list[str] = []
    flushes: dict[str, int] = {}
    totals: dict[tuple[str, str], int] = {}
    seed = 0
    while sum(totals.values()) < goal:
        seed += 1
        tasks = [Task(kind, story, seed, 8) for kind in kinds for story in STORIES]
        for task, outcome in pool.imap_unordered(work, tasks):
            key = (task.kind, task.story)
            totals[key] = totals.get(key, 0) + outcome.states
            flushes[task.story] = max(flushes.get(task.story, 0), outcome.flushes)
            wrong += outcome.wrong
            for text in outcome.wrong:
                print(text, flush=True)
        print(f"round {seed}: {sum(totals.values())} states, {len(wrong)} wrong", flush=True)
    for (kind, story), count in sorted(totals.items()):
        print(f"{kind:6} {story:8} {count:6} states")
    print(f"{sum(totals.values())} states in all, {len(wrong)} wrong")
    return wrong, flushes


def _without(pool, kinds: list[str], flushes: dict[str, int]) -> int:
    """Leave out each flush once on each file system; which of them notices?"""
    tasks = [
        Task(kind, story, 1, 4, skip)
        for story, count in flushes.items()
        for skip in range(count)
        for kind in kinds
    ]
    noticed: dict[tuple[str, int], set[str]] = {(task.story, task.skip): set() for task in tasks}
    for task, outcome in pool.imap_unordered(work, tasks):
        if outcome.wrong:
            noticed[task.story, task.skip].add(task.kind)
    for kind in kinds:
        print(
            f"{kind:6} notices {sum(kind in by for by in noticed.values())} of {len(noticed)} left-out flushes"
        )
    unseen = sorted(key for key, by in noticed.items() if not by)
    print(f"{len(noticed) - len(unseen)} of {len(noticed)} are noticed by at least one; not by any: {unseen}")
    return 0  # the strictest disk (tests/crash/test_strict_disk.py) notices every one of them


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main())
