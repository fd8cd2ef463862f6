"""Measures this program beside the Go tool v1.5.0 in one run and writes the page of figures."""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import sys
import tempfile

from benchmarks import measure, report
from benchmarks.home import Tool, compile_nodes
from benchmarks.report import Figure
from tools.go_tool import go_tool

import cosmovisor

GO = "go"
OURS = "ours"
WITH_SCOUT = "ours with the scout"


def main() -> int:
    """Measure, write the pages, and return 0 when every figure has values."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--samples", type=int, default=20, help="samples of each quick figure")
    parser.add_argument("--idle", type=float, default=60, help="seconds of the idle figures")
    parser.add_argument(
        "--only", default="", help="figures: version,start,idle,upgrade,stop; the pages stay as they are"
    )
    given = parser.parse_args()
    plan = measure.Plan(given.samples, given.idle)
    # As an installation does, whatever this shell has set: what is measured is no compiler of ours.
    compileall.compile_dir(os.path.dirname(cosmovisor.__file__), quiet=1)
    work = tempfile.mkdtemp(prefix="bench-")
    try:
        compile_nodes(work)
        figures = run(work, plan, given.only.split(",") if given.only else [])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(report.table(figures, "en"), end="")
    if not given.only:
        report.write(figures, given.samples, given.idle)
    missing = [figure.key for figure in figures if not (figure.go and figure.ours)]
    if missing:
        print(f"no value for: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


def run(work: str, plan: measure.Plan, only: list[str]) -> list[Figure]:
    """Take all measurements and return the rows of the table."""
    program = os.path.join(os.path.dirname(sys.executable), "cosmovisor")
    # The Go tool runs from a copy of its own, so that no other process shares its pages.
    copy = shutil.copy2(go_tool().path, os.path.join(work, "cosmovisor-go"))
    quiet = ("COSMOVISOR_SCOUT", "off")
    go, ours = Tool(GO, (copy,)), Tool(OURS, (program,), (quiet,))
    scout = Tool(WITH_SCOUT, (program,), (("COSMOVISOR_SCOUT", "on"),))
    pair = [go, ours]
    figures = []

    def wanted(name: str) -> bool:
        return not only or name in only

    def add(key: str, samples: measure.Samples, reach: float) -> None:
        figures.append(Figure(key, "ms", samples[GO], samples[OURS], reach))

    if wanted("version"):
        add("version", measure.run_version(work, pair, plan), 0.5)
    if wanted("start"):
        add("start", measure.first_instruction(work, pair, plan), 1.0)
    if wanted("idle"):
        resting = measure.idle(work, [go, ours, scout], plan, (sys.base_prefix, sys.prefix))
        figures += _idle_figures(resting)
    if wanted("upgrade"):
        add("upgrade", measure.upgrade(work, pair, plan), 0.2)
    if wanted("stop"):
        add("stop", measure.stop(work, pair, plan), 1.2)
    return figures


def _idle_figures(resting: dict[str, tuple[measure.Usage, float]]) -> list[Figure]:
    def memory(label: str) -> list[float]:
        return [resting[label][0].memory] if label in resting else []

    def wakeups(label: str) -> list[float]:
        return [resting[label][1]] if label in resting else []

    return [
        Figure("memory", "MiB", memory(GO), memory(OURS), 0.7),
        Figure("scout", "MiB", memory(GO), memory(WITH_SCOUT), 1.5),
        Figure("wakeups", "", wakeups(GO), wakeups(OURS), 0.1),
    ]


if __name__ == "__main__":
    sys.exit(main())
