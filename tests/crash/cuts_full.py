"""`make cuts`: every durable call and every journal step of a real upgrade is cut again and again, and made to fail.

Runs homes one after the other, on each a dozen upgrades with one cut each, always at the kind of call that was
cut least so far, until every kind was cut as often as asked for (or the time is over), then prints the counts.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.support.cuts import FAULTS, Cut, Cutting

#: In memory, so that the disk of a busy machine does not set the pace: nothing here is about power cuts.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
#: Upgrades of one home, and how many calls are cut in each: after a cut the next start goes on to the next one.
UPGRADES, CUTS = 12, 4
INSTANTS = ("a random instant, one", "a random instant, group")


def one_home(task: tuple[int, dict[str, int], int, bool]) -> tuple[dict[str, int], dict[str, int], str]:
    """Play one home; return how often each kind of call was cut, all kinds seen, and what was wrong."""
    seed, cut_before, goal, faults = task
    dice = random.Random(seed)
    done: collections.Counter[str] = collections.Counter()
    kinds: dict[str, int] = {}
    cuts: list[Cut] = []
    with tempfile.TemporaryDirectory(prefix="cuts-", dir=MEMORY) as folder:
        cutting = Cutting(Path(folder))
        try:
            cutting.upgrade()
            cutting.upgrade()
            calls = cutting.log()
            labels = {label for label, _ in calls}
            if faults:
                kinds = {f"{label} fails with {name}": 0 for label in labels for name in FAULTS}
            else:
                kinds = dict.fromkeys([*labels, *INSTANTS], 0)
            for _ in range(UPGRADES):
                had = {kind: cut_before.get(kind, 0) + done[kind] for kind in kinds}
                chosen = _least(dice, had, goal)
                if not chosen:
                    break
                cuts = [_cut(dice, kind, calls) for kind in chosen]
                for cut in cutting.upgrade(*cuts, blocks=dice.choice((8, 12, 20))):
                    done[chosen[cuts.index(cut)]] += 1
        except Exception:  # the text of the failure is the result
            told = "; ".join(cut.text() for cut in cuts) or "no cut"
            return dict(done), kinds, f"home {seed}, {told}\n{traceback.format_exc()}"
        finally:
            cutting.close()
    return dict(done), kinds, ""


def _least(dice: random.Random, had: dict[str, int], goal: int) -> list[str]:
    """Return the kinds that are to be cut next: the least cut ones, an instant by itself."""
    order = sorted((kind for kind, count in had.items() if count < goal), key=lambda kind: dice.random())
    order.sort(key=lambda kind: had[kind])
    chosen = order[:CUTS]
    for kind in chosen:
        if kind in INSTANTS:
            return [kind]
    # One error at a call, since two could not be told apart, and one cut of staging, which waits ever longer.
    return list({_place(kind): kind for kind in chosen}.values())


def _place(kind: str) -> str:
    return "staging" if kind.startswith("staging") else kind.partition(" fails with ")[0]


def _cut(dice: random.Random, kind: str, calls: list[tuple[str, int]]) -> Cut:
    if kind in INSTANTS:
        return Cut(f"after {dice.randrange(1500)} ms", whom=kind.rpartition(" ")[2])
    kind, _, fault = kind.partition(" fails with ")
    # A process that was started again counts from one: the first call of a kind is the surest to be reached.
    nth = dice.choice([1, *[number for label, number in calls if label == kind]])
    if fault:
        return Cut(kind, nth, "before", fault)
    return Cut(kind, nth, dice.choice(("before", "after")), dice.choice(("one", "group")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="how often each kind of call is cut")
    parser.add_argument("--minutes", type=float, default=240.0, help="end after this time, finished or not")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--faults", action="store_true", help="let each call fail with each error instead of a kill"
    )
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    counts: collections.Counter[str] = collections.Counter()
    kinds: set[str] = set()
    failures: list[str] = []
    seed, cuts = options.seed, 0
    with multiprocessing.get_context("spawn").Pool(options.jobs, maxtasksperchild=1) as pool:
        while time.monotonic() < end and not failures:
            tasks = [
                (seed + number, dict(counts), options.times, options.faults) for number in range(options.jobs)
            ]
            seed += options.jobs
            for done, seen, failure in pool.imap_unordered(one_home, tasks):
                counts.update(done)
                kinds |= seen.keys()
                cuts += sum(done.values())
                failures += [failure] if failure else []
            print(
                f"{cuts} cuts, least cut: {min(counts[kind] for kind in kinds) if kinds else 0} times",
                flush=True,
            )
            if kinds and min(counts[kind] for kind in kinds) >= options.times:
                break
    for kind in sorted(kinds):
        print(f"{counts[kind]:5} {kind}")
    print(f"{cuts} cuts at {len(kinds)} kinds of calls, the least cut {min(counts[k] for k in kinds)} times")
    for failure in failures:
        print(failure)
    return 1 if failures or min(counts[kind] for kind in kinds) < options.times else 0


if __name__ == "__main__":
    sys.exit(main())
