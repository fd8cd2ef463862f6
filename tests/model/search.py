"""Breadth-first search over every state that a configuration can reach; the first break found has the shortest trace."""

from __future__ import annotations

import time
from array import array
from collections import deque
from typing import NamedTuple

from tests.model.chain import Config
from tests.model.engine import Engine
from tests.model.laws import BrokenError
from tests.model.moves import first, is_goal, moves

#: More states than any configuration has; a search that comes here has lost its normal form.
LIMIT = 3_000_000


class Result(NamedTuple):
    """What a search has found.

    Attributes:
        config: The configuration.
        states: How many states were reached.
        depth: Moves of the longest shortest trace.
        broken: The law that was broken; empty: none.
        trace: The moves that lead to the break.
        whole: Whether the search came to its end.
        seconds: How long it took, of one core.
        known: How often laws were broken that the configuration leaves open, and how many states are stuck.
    """

    config: Config
    states: int
    depth: int
    broken: str
    trace: tuple[str, ...]
    whole: bool
    seconds: float
    known: tuple[tuple[str, int], ...] = ()


def search(config: Config, limit: int = LIMIT) -> Result:
    """Search a configuration, at most `limit` states."""
    engine = Engine(config)
    with engine.at_work():
        return _search(engine, config, limit)


def _search(engine: Engine, config: Config, limit: int) -> Result:
    began = time.process_time()
    here = first(engine)
    index = {here: 0}
    parents, depths = array("q", [-1]), array("H", [0])
    names: list[str] = [""]
    sources, targets = array("I"), array("I")  # every move that is no fault, for `_stuck`
    goals = bytearray(1)
    known: dict[str, int] = {}
    queue = deque([here])
    number, whole = -1, True
    while queue:
        here = queue.popleft()
        number += 1
        goals[number] = is_goal(config, here)
        for name, there, fault in moves(engine, here):
            if isinstance(there, BrokenError):
                if there.law in config.open:
                    known[there.law] = known.get(there.law, 0) + 1
                    continue  # what follows a break that is known is not searched
                trace = (*_trace(parents, names, number), name, f"!! {there}")
                seconds = time.process_time() - began
                return Result(config, len(index), depths[-1], there.law, trace, False, seconds)
            place = index.get(there)
            if place is None:
                place = len(index)
                if place >= limit:
                    whole = False
                    continue
                index[there] = place
                parents.append(number)
                names.append(name)
                depths.append(depths[number] + 1)
                goals.append(0)
                queue.append(there)
            if not fault:
                sources.append(number)
                targets.append(place)
    stuck = _stuck(sources, targets, goals) if whole else []
    seconds = time.process_time() - began
    if stuck and not config.residue:
        trace = (*_trace(parents, names, stuck[0]), "!! stuck: the top cannot be reached any more")
        return Result(config, len(index), max(depths), "stuck", trace, whole, seconds)
    if stuck:
        known["stuck"] = len(stuck)
    return Result(config, len(index), max(depths), "", (), whole, seconds, tuple(sorted(known.items())))


def _stuck(sources: array[int], targets: array[int], goals: bytearray) -> list[int]:
    """Return the states from which no goal can be reached without a further fault, in the order of their depth."""
    # The moves into each state lie together: starts[s] to starts[s + 1] of `before`.
    starts = array("I", bytes(4 * (len(goals) + 1)))
    for target in targets:
        starts[target + 1] += 1
    for place in range(len(goals)):
        starts[place + 1] += starts[place]
    fill, before = starts[:], array("I", bytes(4 * len(sources)))
    for source, target in zip(sources, targets, strict=True):
        before[fill[target]] = source
        fill[target] += 1
    good = bytearray(goals)
    pending = [number for number, goal in enumerate(goals) if goal]
    while pending:
        there = pending.pop()
        for source in before[starts[there] : starts[there + 1]]:
            if not good[source]:
                good[source] = 1
                pending.append(source)
    return [number for number, reached in enumerate(good) if not reached]


def _trace(parents: array[int], names: list[str], number: int) -> tuple[str, ...]:
    """Return the moves that lead to a state."""
    told = []
    while number > 0:
        told.append(names[number])
        number = parents[number]
    return tuple(reversed(told))


def failed(result: Result) -> bool:
    """Tell whether a search has not ended as it should: also where a residue is named and nothing shows it."""
    shown = {law for law, _ in result.known}
    needless = set(result.config.open) - shown or (result.config.residue and not shown)
    return bool(result.broken or not result.whole or needless)


def report(result: Result) -> str:
    """Return a result as text, with the counterexample if there is one."""
    said = f"{result.config.name}: {result.states} states, depth {result.depth}, {result.seconds:.1f} s"
    if not result.broken:
        known = "".join(f", {law} {times} times (known)" for law, times in result.known)
        needless = ", NEEDLESS RESIDUE" if result.whole and failed(result) else ""
        return said + known + needless + ("" if result.whole else " (not to its end)")
    lines = [
        f"{said}: BROKEN {result.broken}",
        *[f"  {place:3} {move}" for place, move in enumerate(result.trace, 1)],
    ]
    return "\n".join(lines)
