"""The seven figures. Samples of several tools are taken in turn, so that a slow moment hits all of them."""

from __future__ import annotations

import dataclasses
import os
import random
import time

from benchmarks.home import Home, Tool
from benchmarks.processes import Usage, usage

BLOCK_MS = "2000"


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much is measured: samples of each quick figure, and seconds of the idle one."""

    samples: int
    idle: float


Samples = dict[str, list[float]]


def run_version(work: str, tools: list[Tool], plan: Plan) -> Samples:
    """`run version` over the bare program's `version`, milliseconds."""
    homes = {tool.label: Home(work, tool) for tool in tools}
    found: Samples = {tool.label: [] for tool in tools}
    for turn in range(plan.samples + 1):
        for tool in tools:
            home = homes[tool.label]
            bare = _timed([home.node, "version"], home)
            whole = _timed([*tool.command, "run", "version"], home)
            if turn:  # the first one warms the page cache
                found[tool.label].append(whole - bare)
    return found


def first_instruction(work: str, tools: list[Tool], plan: Plan) -> Samples:
    """Start of `run start` to the first instruction of the node, milliseconds."""
    found: Samples = {tool.label: [] for tool in tools}
    for turn in range(plan.samples + 1):
        for tool in tools:
            home = Home(work, tool)
            began = time.monotonic_ns()
            process = home.start("run", "start")
            stamp = home.await_stamp("started", "old", process)
            home.finish(process)
            if turn and stamp:
                found[tool.label].append((stamp.at - began) / 1e6)
    return found


def upgrade(work: str, tools: list[Tool], plan: Plan) -> Samples:
    """Plan file complete to the first instruction of the new program, milliseconds."""
    found: Samples = {tool.label: [] for tool in tools}
    dice = random.Random(1)
    for _ in range(plan.samples):
        for tool in tools:
            home = Home(work, tool, BENCH_HALT_MS=str(dice.randint(900, 1300)))
            process = home.start("run", "start")
            new = home.await_stamp("started", "new", process)
            wrote = next((stamp for stamp in home.stamps() if stamp.what == "wrote"), None)
            home.finish(process)
            if new and wrote:
                found[tool.label].append((new.at - wrote.at) / 1e6)
    return found


def stop(work: str, tools: list[Tool], plan: Plan) -> Samples:
    """SIGTERM to the tool until its exit, milliseconds."""
    found: Samples = {tool.label: [] for tool in tools}
    dice = random.Random(1)
    for _ in range(plan.samples):
        for tool in tools:
            home = Home(work, tool)
            process = home.start("run", "start")
            if home.await_stamp("started", "old", process):
                time.sleep(dice.uniform(0.8, 1.3))
                began = time.monotonic_ns()
                process.terminate()
                process.wait(30)
                found[tool.label].append((time.monotonic_ns() - began) / 1e6)
            home.finish(process)
    return found


def idle(work: str, tools: list[Tool], plan: Plan, own: tuple[str, ...]) -> dict[str, tuple[Usage, float]]:
    """Memory and wake-ups a minute while a validator makes a block every two seconds."""
    found = {}
    live = []
    for tool in tools:
        home = Home(work, tool, BENCH_BLOCK_MS=BLOCK_MS)
        process = home.start("run", "start")
        home.await_stamp("started", "old", process)
        live.append((tool, home, process))
    time.sleep(min(15, plan.idle))  # what is imported after the node's start is imported by then

    def read(home: Home, pid: int) -> Usage:
        mine = (*own, os.path.realpath(home.tool.command[0]))
        return usage(pid, {stamp.pid for stamp in home.stamps()}, mine)

    before = [(time.monotonic(), read(home, process.pid)) for _, home, process in live]
    time.sleep(plan.idle)
    for (tool, home, process), (began, first) in zip(live, before, strict=True):
        last = read(home, process.pid)
        minutes = (time.monotonic() - began) / 60
        if process.poll() is None:
            found[tool.label] = (last, (last.wakeups - first.wakeups) / minutes)
        home.finish(process)
    return found


def _timed(line: list[str], home: Home) -> float:
    null = os.open(os.devnull, os.O_RDWR)
    began = time.monotonic_ns()
    pid = os.posix_spawnp(
        line[0],
        line,
        home.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, null, number) for number in (0, 1, 2)],
    )
    os.waitpid(pid, 0)
    took = (time.monotonic_ns() - began) / 1e6
    os.close(null)
    return took
