"""Plays many nights: `python -m tests.simulation --nights 100000 --seed 0 --jobs 2`; `--replay SEED` tells one."""

from __future__ import annotations

import argparse
import collections
import itertools
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from tests.simulation.night import Outcome, play


def main() -> int:
    """Play nights, print what was counted; non-zero if one has shown a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="begin no night after this time")
    parser.add_argument("--replay", type=int)
    chosen = parser.parse_args()
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="nights-", dir=memory)
    try:
        if chosen.replay is not None:
            return _replay(chosen.replay, folder)
        seeds = range(chosen.seed, chosen.seed + chosen.nights)
        return _play(seeds, chosen.jobs, folder, chosen.minutes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _replay(seed: int, folder: str) -> int:
    outcome = play(seed, folder)
    _say("\n".join([f"faults: {outcome.faults}", *outcome.story, f"violations: {outcome.violations}"]))
    return bool(outcome.violations)


def _calm() -> None:
    """Leave an interrupt to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _some(tasks: list[tuple[int, str]]) -> list[tuple[Outcome, float]]:
    """Play some nights; their stories stay here, since a seed tells its story again."""
    found = [_one(task) for task in tasks]
    for outcome, _ in found:
        outcome.story.clear()
    return found


def _one(task: tuple[int, str]) -> tuple[Outcome, float]:
    seed, folder = task
    own = os.path.join(folder, str(os.getpid()))
    os.makedirs(own, exist_ok=True)
    began = time.perf_counter()
    return play(seed, own), time.perf_counter() - began


def _in_time(seeds: range, folder: str, minutes: float | None) -> Iterator[tuple[int, str]]:
    end = None if minutes is None else time.perf_counter() + 60.0 * minutes
    for seed in seeds:
        if end is not None and time.perf_counter() > end:
            return
        yield seed, folder


def _play(seeds: range, jobs: int, folder: str, minutes: float | None) -> int:
    began, bad, kinds = time.perf_counter(), 0, collections.Counter[str]()
    old = lives = starts = 0
    played, longest = 0.0, (0.0, 0)
    count = 0
    with multiprocessing.Pool(jobs, initializer=_calm) as pool:
        running: collections.deque[Any] = collections.deque()
        tasks = _in_time(seeds, folder, minutes)
        while True:
            # Only so many are handed out that the time limit means something, and in the order of their seeds.
            while len(running) < 4 * jobs and (chunk := list(itertools.islice(tasks, 10))):
                running.append(pool.apply_async(_some, (chunk,)))
            if not running:
                break
            for outcome, took in running.popleft().get():
                count += 1
                kinds.update(text.split(" at ")[0] for text in outcome.faults)
                old += outcome.old_starts
                lives += outcome.lives
                starts += outcome.starts
                played += outcome.seconds
                longest = max(longest, (took, outcome.seed))
                if outcome.violations:
                    bad += 1
                    _say(f"seed {outcome.seed}: {outcome.violations[:3]}; faults {outcome.faults}")
                if count % 1000 == 0:
                    _say(f"{count} nights, {bad} with violations, {time.perf_counter() - began:.0f} s")
    took = time.perf_counter() - began
    _say(f"{count} nights, seeds {seeds.start} to {seeds.start + count - 1}: {bad} with violations")
    _say(
        f"{took:.0f} s ({1000 * took * jobs / max(count, 1):.1f} ms of a job per night), {played / 3600:.0f} hours in made-up time"
    )
    _say(f"slowest: seed {longest[1]}, {longest[0]:.2f} s")
    _say(f"lives of supervisors {lives}, starts of nodes {starts}, of the old binary at a halt {old}")
    _say("faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
