"""What the processes of a tool use, read from `/proc`."""

from __future__ import annotations

import dataclasses
import os


@dataclasses.dataclass(frozen=True)
class Usage:
    """Sums over the processes of a tool, its nodes left out.

    Attributes:
        memory: Proportional memory in MiB. Pages of the tool's own program files count in full, so that a
            second process of the same program on the machine does not make the tool look smaller.
        wakeups: Voluntary context switches so far.
        processes: Number of processes.
    """

    memory: float
    wakeups: int
    processes: int


def usage(pid: int, without: set[int], own: tuple[str, ...]) -> Usage:
    """Read the usage of a process and its descendants.

    Args:
        pid: The tool's first process.
        without: Processes that do not count: the nodes.
        own: Path prefixes of the tool's own program files.
    """
    memory = wakeups = processes = 0
    for process in descendants(pid) - without:
        try:
            memory += _memory(process, own)
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/status") as file:
                    wakeups += sum(int(line.split()[1]) for line in file if line.startswith("voluntary"))
            processes += 1
        except (FileNotFoundError, ProcessLookupError):
            continue
    return Usage(round(memory / 1024, 2), wakeups, processes)


def descendants(pid: int) -> set[int]:
    """Return a process and everything below it."""
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        process = waiting.pop()
        found.add(process)
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children") as file:
                    waiting += [int(child) for child in file.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _memory(pid: int, own: tuple[str, ...]) -> int:
    total = 0
    mine = False
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            words = line.split()
            if not words[0].endswith(":"):
                mine = len(words) > 5 and words[5].startswith(own)
            elif words[0] == ("Rss:" if mine else "Pss:"):
                total += int(words[1])
    return total
