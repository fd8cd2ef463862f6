"""Measures what is done ahead of the height, and writes a page in both languages.

Whether staging disturbs a chain, what it costs beside the usual programs, what the scout costs, and what a
warmed start is worth.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks import release
from benchmarks.home import compile_nodes
from benchmarks.processes import descendants, usage
from benchmarks.proxy import CountingProxy
from benchmarks.report import LANGUAGES, machine, texts
from tools.go_build import build
from tools.real_chain import recipes

from cosmovisor.demo import binary, ledger
from cosmovisor.demo import home as homes
from cosmovisor.demo.address import choose
from cosmovisor.demo.options import Options

PROG = "demod"
PROGRAM = os.path.join(os.path.dirname(sys.executable), "cosmovisor")


class Chain:
    """A demo chain of one validator in a folder; its ledger tells when each block was signed."""

    def __init__(self, folder: str, interval: float, laddr: str = "") -> None:
        self.folder = folder
        self.ledger = os.path.join(folder, "ledger")
        self.laddr = laddr or choose()
        homes.create(folder, PROG, chain_id="bench-1", laddr=self.laddr, params={"block_interval": interval})
        self.program = os.path.join(folder, "cosmovisor", "genesis", "bin", PROG)
        binary.write(self.program, Options(prog=PROG, ledger=self.ledger, leash=os.getpid()))

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment of supervisor and staging."""
        names = ("PATH", "HOME", "LANG")
        own = {name: os.environ[name] for name in names if name in os.environ}
        return {**own, "DAEMON_HOME": self.folder, "DAEMON_NAME": PROG, **more}

    def block_gaps(self, windows: list[tuple[float, float]]) -> list[float]:
        """Return the milliseconds between neighbouring blocks inside the windows."""
        times = [
            entry["at"]
            for entry in ledger.read(self.ledger)
            if entry["what"] == "sign" and entry["step"] == 3
        ]
        gaps = []
        for begin, end in windows:
            inside = [at for at in times if begin <= at <= end]
            gaps += [(later - earlier) * 1000 for earlier, later in itertools.pairwise(inside)]
        return gaps


@dataclasses.dataclass
class Results:
    """All values of the page, by the names that the texts use."""

    values: dict[str, str] = dataclasses.field(default_factory=dict)
    numbers: dict[str, float] = dataclasses.field(default_factory=dict)

    def put(self, **values: float) -> None:
        """Add values; numbers are shortened."""
        self.numbers |= values
        for name, given in values.items():
            self.values[name] = f"{given:.3g}" if given < 100 else f"{given:,.0f}"


#: What is measured, by the names of `--only`.
PARTS = ("blocks", "programs", "scout", "starts")
#: Size of the release, in MiB, and of one that must not need more memory.
SIZE, LARGE = 120, 480
#: Seconds between two blocks: what a demo chain has unless told otherwise.
INTERVAL = 0.5
GOALS = {"ratio": 1.1, "share": 1.3, "peak": 80, "large_peak": 80, "requests_on": 60}


def main() -> int:
    """Measure and write the pages; return 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="make bench-ahead", description=__doc__)
    parser.add_argument("--turns", type=int, default=8, help="windows with and without staging")
    parser.add_argument("--seconds", type=float, default=15, help="length of a window")
    parser.add_argument("--idle", type=float, default=60, help="seconds of the scout's figures")
    parser.add_argument("--only", default="", help=f"parts: {','.join(PARTS)}; the pages stay as they are")
    given = parser.parse_args()
    parts = given.only.split(",") if given.only else list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    results = Results()
    results.values |= {
        "run": f"{given.turns} x {given.seconds:g} s",
        "load_before": _load(),
        "nice": str(os.nice(0)),
    }
    work = tempfile.mkdtemp(prefix="bench-ahead-")
    try:
        compile_nodes(work)
        if {"blocks", "programs"} & set(parts):
            _with_server(work, SIZE, lambda url, digest: _staged(parts, work, url, digest, given, results))
        if "programs" in parts:
            _with_server(work, LARGE, lambda url, digest: large(work, url, digest, results))
        if "scout" in parts:
            scout(work, given.idle, results)
        if "starts" in parts:
            starts(work, results)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    results.values["load_after"] = _load()
    for name, found in results.values.items():
        print(f"{name}: {found}")
    missed = [name for name, most in GOALS.items() if results.numbers.get(name, 0.0) > most]
    if not given.only:
        write(results, missed)
    if missed:
        print(f"goals that were missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def _with_server(work: str, mib: int, measure: Callable[[str, str], None]) -> None:
    archive, digest = release.pack(work, os.path.join(work, "new"), mib)
    server = release.Server(archive)
    try:
        measure(server.url, digest)
    finally:
        server.close()
        os.unlink(archive)


def _staged(
    parts: list[str], work: str, url: str, digest: str, given: argparse.Namespace, results: Results
) -> None:
    if "blocks" in parts:
        blocks(work, url, digest, given.turns, given.seconds, results)
    if "programs" in parts:
        against_programs(work, url, digest, results)


def blocks(work: str, url: str, digest: str, turns: int, seconds: float, results: Results) -> None:
    """Compare the chain's block times with and without staging, in turn."""
    chain = Chain(os.path.join(work, "chain"), INTERVAL)
    environ = chain.environ(DAEMON_ALLOW_DOWNLOAD_BINARIES="true")
    quiet: list[tuple[float, float]] = []
    busy: list[tuple[float, float]] = []
    null = subprocess.DEVNULL
    with subprocess.Popen(
        [chain.program, "start", "--home", chain.folder], stdin=null, stdout=null, stderr=null
    ) as node:
        time.sleep(3)
        for turn in range(turns):
            began = time.time()
            time.sleep(seconds)
            quiet.append((began, time.time()))
            began, count = time.time(), 0
            while time.time() - began < seconds:
                name = f"v{turn}.{count}"
                release.stage(PROGRAM, environ, name, url, digest)
                shutil.rmtree(os.path.join(chain.folder, "cosmovisor", "upgrades", name))
                count += 1
            busy.append((began, time.time()))
        node.terminate()
    without, during = (_percentile_99(chain.block_gaps(windows)) for windows in (quiet, busy))
    results.put(without=without, during=during, ratio=during / without)


def _percentile_99(samples: list[float]) -> float:
    return statistics.quantiles(samples, n=100)[98]


def against_programs(work: str, url: str, digest: str, results: Results, runs: int = 5) -> None:
    """Compare the time of staging with the usual programs, in turn."""
    chain = Chain(os.path.join(work, "alone"), 1.0)
    environ = chain.environ(DAEMON_ALLOW_DOWNLOAD_BINARIES="true")
    ours, theirs, memory = [], [], 0.0
    for turn in range(runs):
        took, peak = release.stage(PROGRAM, environ, f"v{turn}", url, digest, urgent=True)
        shutil.rmtree(os.path.join(chain.folder, "cosmovisor", "upgrades", f"v{turn}"))
        ours.append(took)
        memory = max(memory, peak)
        theirs.append(release.by_hand(os.path.join(work, "by-hand"), url, digest))
    mine, usual = statistics.median(ours), statistics.median(theirs)
    results.put(staged=mine, programs=usual, share=mine / usual, peak=memory)


def large(work: str, url: str, digest: str, results: Results) -> None:
    """Stage a release of four times the size: what it needs of memory must not grow."""
    chain = Chain(os.path.join(work, "large"), 1.0)
    environ = chain.environ(DAEMON_ALLOW_DOWNLOAD_BINARIES="true")
    _, peak = release.stage(PROGRAM, environ, "v1", url, digest, urgent=True)
    shutil.rmtree(os.path.join(chain.folder, "cosmovisor", "upgrades"))
    results.put(large_peak=peak)


def scout(work: str, seconds: float, results: Results) -> None:
    """Read the memory of the scout and count what the node is asked, with it and without it."""
    for word in ("off", "on"):
        proxy = CountingProxy()
        chain = Chain(os.path.join(work, f"scout-{word}"), 1.0, f"tcp://127.0.0.1:{proxy.port}")
        own = choose()
        proxy.target, proxy.host = int(own.rpartition(":")[2]), own.split("//")[1].rpartition(":")[0]
        real = f"{chain.program}-real"
        os.rename(chain.program, real)
        with open(chain.program, "w") as file:
            # The supervisor reads the proxy's address in config.toml; the node listens elsewhere.
            file.write(f'#!/bin/sh\nexec {real} "$@" --rpc.laddr {own}\n')
        os.chmod(chain.program, 0o755)
        environ = chain.environ(COSMOVISOR_SCOUT=word)
        line = [PROGRAM, "run", "start", "--home", chain.folder]
        null = subprocess.DEVNULL
        with subprocess.Popen(line, env=environ, stdin=null, stdout=null, stderr=null) as process:
            time.sleep(10)
            nodes = {entry["pid"] for entry in ledger.starts(ledger.read(chain.ledger))}
            before, began = proxy.requests, time.monotonic()
            time.sleep(seconds)
            minute = (proxy.requests - before) * 60 / (time.monotonic() - began)
            results.put(**{f"requests_{word}": minute})
            own_files = (sys.base_prefix, sys.prefix)
            if word == "on":
                alone = usage(process.pid, nodes | (descendants(process.pid) - {process.pid}), own_files)
                whole = usage(process.pid, nodes, own_files)
                results.put(scout_memory=whole.memory - alone.memory, both_memory=whole.memory)
            process.terminate()
        proxy.close()


def starts(work: str, results: Results, runs: int = 7) -> None:
    """Compare the start of a real daemon whose pages are not in memory with one that was warmed."""
    from cosmovisor.config.layout import Layout
    from cosmovisor.model.plan import Version
    from cosmovisor.staging import warm

    built = build(recipes.NEW)
    version = Version("v", "upgrades/v")
    layout = Layout(os.path.join(work, "warm"), recipes.DAEMON)
    target = os.path.dirname(os.path.dirname(layout.bin(version)))
    shutil.copytree(built.folder, target)
    subprocess.run(["sync", "-f", target], check=True)
    paths = [layout.bin(version), *(entry.path for entry in os.scandir(os.path.join(target, "lib")))]

    def start() -> float:
        began = time.monotonic()
        environ = {**os.environ, "LD_LIBRARY_PATH": os.path.join(target, "lib"), "HOME": work}
        subprocess.run([layout.bin(version), "version"], env=environ, capture_output=True, check=True)
        return time.monotonic() - began

    def cold() -> float:
        _drop(paths)
        return start()

    def warmed() -> float:
        _drop(paths)
        warm.warm(layout, version)
        return start()

    kinds: tuple[tuple[str, Callable[[], float]], ...] = (("cold", cold), ("warmed", warmed))
    taken: dict[str, list[float]] = {name: [] for name, _ in kinds}
    for _ in range(runs):
        for name, measure in kinds:
            taken[name].append(measure())
    results.put(cold=statistics.median(taken["cold"]), warmed=statistics.median(taken["warmed"]))


def _drop(paths: list[str]) -> None:
    """Ask the kernel to forget the pages of files."""
    for path in paths:
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write(results: Results, missed: list[str]) -> None:
    """Write `docs/en/figures-ahead.md` and `docs/zh/figures-ahead.md`; a goal that was missed carries ✗."""
    marks = {f"{name}_goal": " ✗" if name in missed else "" for name in GOALS}
    facts = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), **marks, **results.values}
    for language in LANGUAGES:
        page = texts(f"ahead-{language}")["page"].lstrip().format(size=SIZE, large=LARGE, **facts)
        with open(os.path.join("docs", language, "figures-ahead.md"), "w") as file:
            file.write(page)


if __name__ == "__main__":
    sys.exit(main())
