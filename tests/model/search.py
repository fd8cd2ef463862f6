"""Breadth-first search over every state that a configuration can reach; the first break found has the shortest trace."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import NamedTuple

from tests.model import world as worlds
from tests.model.chain import Config
from tests.model.laws import BrokenError


class Result(NamedTuple):
    """What a search has found.

    Attributes:
        config: The configuration.
        states: How many states were reached.
        depth: Moves of the longest shortest trace.
        broken: The law that was broken; empty: none.
        trace: The moves that lead to the break.
        whole: Whether the search came to its end.
        seconds: How long it took.
    """

    config: Config
    states: int
    depth: int
    broken: str
    trace: tuple[str, ...]
    whole: bool
    seconds: float


def search(config: Config, limit: int = 1_000_000) -> Result:
    """Search a configuration, at most `limit` states."""
    began = time.monotonic()
    first = worlds.first(config)
    index = {hash(first): 0}
    parents: list[tuple[int, str]] = [(-1, "")]
    depths = [0]
    back: list[list[int]] = [[]]
    goals: list[int] = []
    queue = deque([(0, first)])
    whole = True
    while queue:
        number, here = queue.popleft()
        if worlds.is_goal(config, here):
            goals.append(number)
        moves = worlds.moves(config, here)
        while True:
            try:
                name, there, fault = next(moves)
            except StopIteration:
                break
            except BrokenError as error:
                if error.law in config.open:
                    break  # what follows a break that is known is not searched
                trace = (*_trace(parents, number), f"!! {error}")
                return Result(
                    config, len(index), depths[-1], error.law, trace, False, time.monotonic() - began
                )
            key = hash(there)
            known = index.get(key)
            if known is None:
                if len(index) >= limit:
                    whole = False
                    continue
                known = len(parents)
                index[key] = known
                parents.append((number, name))
                depths.append(depths[number] + 1)
                back.append([])
                queue.append((known, there))
            if not fault:
                back[known].append(number)
    stuck = _stuck(back, goals) if whole and not config.residue else None
    seconds = time.monotonic() - began
    if stuck is not None:
        trace = (*_trace(parents, stuck), "!! stuck: the top cannot be reached any more")
        return Result(config, len(index), max(depths), "stuck", trace, whole, seconds)
    return Result(config, len(index), max(depths), "", (), whole, seconds)


def _stuck(back: list[list[int]], goals: list[int]) -> int | None:
    """Return the first state from which no goal can be reached without a further fault."""
    good = bytearray(len(back))
    pending = list(goals)
    for goal in goals:
        good[goal] = 1
    while pending:
        for before in back[pending.pop()]:
            if not good[before]:
                good[before] = 1
                pending.append(before)
    return next((number for number, reached in enumerate(good) if not reached), None)


def _trace(parents: list[tuple[int, str]], number: int) -> tuple[str, ...]:
    """Return the moves that lead to a state."""
    names = []
    while number > 0:
        number, name = parents[number]
        names.append(name)
    return tuple(reversed(names))


def report(result: Result) -> str:
    """Return a result as text, with the counterexample if there is one."""
    said = f"{result.config.name}: {result.states} states, depth {result.depth}, {result.seconds:.1f} s"
    if not result.broken:
        return said + ("" if result.whole else " (not to its end)")
    lines = [
        f"{said}: BROKEN {result.broken}",
        *[f"  {place:3} {move}" for place, move in enumerate(result.trace, 1)],
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    from tests.model.configs import CONFIGS

    wanted = sys.argv[1:] or list(CONFIGS)
    failed = False
    for wanted_name in wanted:
        found = search(CONFIGS[wanted_name])
        failed = failed or bool(found.broken)
        print(report(found), flush=True)  # noqa: T201
    sys.exit(failed)
