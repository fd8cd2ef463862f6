"""Mutation testing of the decision code: small wrong changes, one at a time; each must make a test fail.

What is changed stands in `tools/mutants.py`. A first round runs the tests of the room once and writes down
which lines each of them runs. Then a child process is forked for each mutant, in which the code of one
function is replaced; the tests that run the changed statement are run, those first that have found something
in this function before, until one fails. A mutant that no test runs survives. What survives the tests meets
a part of the published table of all combinations. A mutant that uses up its time is counted for itself: it
is not counted as killed.

    python tools/mutate.py [--only launch,running] [--jobs 2] [--sample 12 --seed 1] [--page docs/mutation.md]

It ends with 1 if fewer than 95 % are killed, if a survivor has no reason in `tools/survivors.toml`, or if a
reason stands there for a mutant that does not survive.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib
import io
import json
import mmap
import os
import resource
import signal
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import mutant_cells, mutation_page  # noqa: E402
from tools.mutants import ROOM, Mutant, change, modules, mutants, source  # noqa: E402

TESTS = ROOT / "tests" / "unit" / "decide"
#: Left out: all cells and random facts take seconds, of which a part is drawn instead; and what runs this.
LEFT_OUT = {"test_every_cell.py", "test_properties.py", "test_mutants.py"}
#: The modules that a table reads.
TABLES = {
    "after_exit",
    "going_back",
    "launch",
    "resume",
    "running",
    "schedule",
    "words",
}
#: Seconds of processor time for one test beside ten times what it takes without a mutant.
LIMIT = 4.0
#: Seconds on the clock for one mutant: a test that waits for ever uses no processor time.
LIMIT_ON_THE_CLOCK = 900
#: What becomes of a mutant.
SURVIVED, KILLED, BY_CELLS, TIMED_OUT = "survived", "killed", "killed by the cells", "timed out"
BROKEN, NOT_ASKED = "could not be made", "not asked"
_EXITS = {0: SURVIVED, 1: KILLED, 2: BY_CELLS, 3: BROKEN}
Lines = set[tuple[str, int]]


class Test(NamedTuple):
    """A collected test.

    Attributes:
        item: What pytest has collected.
        lines: (module, line) of what it runs of the room; None: that was not looked at.
        took: Seconds.
    """

    item: Any
    lines: Lines | None = None
    took: float = 0.0


def apply(mutant: Mutant) -> None:
    """Put a mutant's code into the running process.

    A function gets other code, so that nobody who holds it holds the old one. A constant or a default is
    taken from the changed module and put wherever the old one is.
    """
    module = importlib.import_module(f"cosmovisor.decide.{mutant.module}")
    space = dict(vars(module))
    exec(compile(change(mutant), str(ROOM / f"{mutant.module}.py"), "exec"), space)
    first, *rest = mutant.where.split(".")
    if not mutant.once:
        new: Any = getattr(space[first], rest[0]) if rest else space[first]
        old: Any = getattr(vars(module)[first], rest[0]) if rest else vars(module)[first]
        old.__code__ = new.__code__
        old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    elif rest:
        _replace_field(vars(module)[first], rest[0], vars(space[first])[rest[0]])
    else:
        for constant in first.split(","):
            _replace_constant(constant, vars(module)[constant], space[constant])


def _replace_field(holder: type, field: str, default: Any) -> None:
    """Change a field's default; `value` keeps them beside its `__init__`."""
    init: Any = holder.__init__  # type: ignore[misc]
    place = init.__code__.co_freevars.index("defaults")
    init.__closure__[place].cell_contents[field] = default
    setattr(holder, field, default)


def _replace_constant(constant: str, old: Any, new: Any) -> None:
    for other in list(sys.modules.values()):
        ours = getattr(other, "__name__", "").startswith(("cosmovisor.decide", "cosmovisor.supervisor"))
        if ours and constant in vars(other) and vars(other)[constant] is old:
            setattr(other, constant, new)


class Store:
    """What was killed in earlier runs, one line each, as long as its function has not changed since.

    Tests that were only added cannot let a mutant live again; where tests were taken away, begin a new file.

    Args:
        path: The file; None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
        self.fates = {(line["source"], line["key"]): line["fate"] for line in map(json.loads, lines)}

    def known(self, mutant: Mutant, *, all_fates: bool = False) -> str | None:
        """Return the fate of a mutant that was killed, or of any that was run."""
        fate: str | None = self.fates.get((source(mutant), mutant.key))
        return fate if fate is not None and (all_fates or fate.startswith("killed")) else None

    def add(self, mutant: Mutant, fate: str) -> None:
        """Keep what became of a mutant."""
        if self.path is not None:
            line = {"source": source(mutant), "key": mutant.key, "fate": fate}
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


class Runner:
    """A pytest plugin that collects once and then runs the tests for each mutant in a forked child.

    Args:
        everything: The mutants.
        jobs: Worker processes.
        tell: Told of each mutant and its fate.
        watch: Whether to look first which test runs what; a few mutants are quicker without.
    """

    def __init__(
        self,
        everything: list[Mutant],
        jobs: int,
        tell: Callable[[Mutant, str], None],
        *,
        watch: bool = True,
    ) -> None:
        self.everything = everything
        self.tell = tell
        self.jobs = jobs
        self.watch = watch
        self.tests: list[Test] = []
        self.names: list[str] = []
        self.cells: list[Any] = []
        self.able: dict[tuple[str, tuple[int, int], bool], list[int]] = {}
        self.fates: dict[str, str] = {}

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take the place of the ordinary loop over the tests."""
        self.tests = [_watched(item) if self.watch else Test(item) for item in session.items]
        self.names = [test.item.path.name for test in self.tests]
        self.cells = mutant_cells.draw() if self.watch else []
        gc.collect()
        gc.freeze()
        workers = [self._start(number) for number in range(self.jobs)]
        for reader in workers:
            with os.fdopen(reader) as lines:
                for line in lines:
                    index, fate = line.rstrip("\n").split(" ", 1)
                    self.fates[self.everything[int(index)].key] = fate
                    self.tell(self.everything[int(index)], fate)
        for _ in workers:
            os.wait()
        return True

    def _start(self, number: int) -> int:
        """Fork a worker; return where it tells what became of its mutants."""
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(reader)
            before: dict[str, list[int]] = {}
            mine = range(number, len(self.everything), self.jobs)
            for count, index in enumerate(mine):
                fate = self._fate(self.everything[index], before)
                os.write(writer, f"{index} {fate}\n".encode())
                if number == 0 and count % 50 == 0:
                    print(f"{count} of {len(mine)}", file=sys.stderr, flush=True)
            os._exit(0)
        os.close(writer)
        return reader

    def _order(self, mutant: Mutant, before: list[int]) -> list[int]:
        """Return which tests can notice a mutant: those that have noticed one there, then the quick ones."""
        able = self.able.get((mutant.module, mutant.lines, mutant.once))
        if able is None:
            first, last = mutant.lines
            lines = {(mutant.module, line) for line in range(first, last + 1)}
            able = [
                number
                for number, test in enumerate(self.tests)
                if mutant.once or test.lines is None or lines & test.lines
            ]
            able.sort(key=lambda number: (mutant.module not in self.names[number], self.tests[number].took))
            self.able[mutant.module, mutant.lines, mutant.once] = able
        found = set(able)
        known = [number for number in reversed(before) if number in found]
        return [*known, *(number for number in able if number not in set(known))] if known else able

    def _fate(self, mutant: Mutant, before: dict[str, list[int]]) -> str:
        """Tell what becomes of a mutant, in a forked child."""
        killers = before.setdefault(f"{mutant.module}.{mutant.where}", [])
        order = self._order(mutant, killers)
        note = mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            cells = self.cells if mutant.module in TABLES else []
            _child(mutant, [(number, self.tests[number]) for number in order], cells, note)
        until = time.monotonic() + LIMIT_ON_THE_CLOCK
        pause = 0.001
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(pause)
            pause = min(0.02, pause * 1.3)
        if os.WIFSIGNALED(status):
            return TIMED_OUT
        fate = _EXITS[os.WEXITSTATUS(status)]
        if fate == KILLED:
            killer = int.from_bytes(note[:8], "little")
            if killer in killers:
                killers.remove(killer)
            killers.append(killer)
        return fate


def _child(mutant: Mutant, tests: list[tuple[int, Test]], cells: list[Any], note: mmap.mmap) -> None:
    """Run the tests with a mutant, until the first fails; never return."""
    status = 3
    try:
        memory = 2 * 1024**3
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        apply(mutant)
        status = 1
        for number, test in tests:
            note[:8] = number.to_bytes(8, "little")
            signal.setitimer(signal.ITIMER_PROF, LIMIT + 10 * test.took)
            _run_item(test.item)
        signal.setitimer(signal.ITIMER_PROF, 0)
        status = 2
        if mutant_cells.agree(cells):
            status = 0
    finally:
        os._exit(status)


def _run_item(item: Any) -> None:
    """Run one test; raise what it raises."""
    from _pytest.outcomes import Skipped

    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.ihook.pytest_runtest_call(item=item)
    except Skipped:
        pass
    finally:
        item.ihook.pytest_runtest_teardown(item=item, nextitem=None)


def _watched(item: Any) -> Test:
    """Run a test and write down which lines of the room it runs."""
    lines: Lines = set()
    room = str(ROOM) + os.sep
    names: dict[str, str] = {}

    def each(frame: types.FrameType, event: str, _: Any) -> Any:
        path = frame.f_code.co_filename
        if not path.startswith(room):
            return None
        if event in {"call", "line"}:
            name = names.get(path) or names.setdefault(path, Path(path).stem)
            lines.add((name, frame.f_lineno))
        return each

    began = time.process_time()
    sys.settrace(each)
    try:
        _run_item(item)
    finally:
        sys.settrace(None)
    return Test(item, lines, time.process_time() - began)


def fates(
    everything: list[Mutant], jobs: int, tell: Callable[[Mutant, str], None], *, watch: bool = True
) -> dict[str, str]:
    """Run all mutants; return what became of each, by its key."""
    import pytest
    from hypothesis import Phase, settings

    settings.register_profile("mutate", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutate")
    tests = [str(path) for path in sorted(TESTS.glob("test_*.py")) if path.name not in LEFT_OUT]
    runner = Runner(everything, jobs, tell, watch=watch)
    off = [word for name in ("cacheprovider", "xdist", "timeout", "logging") for word in ("-p", f"no:{name}")]
    options = ["-q", "-s", "--assert=plain", *off, "-o", "addopts=", "-o", "timeout="]
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = pytest.main([*options, "--import-mode=importlib", *tests], plugins=[runner])
    if len(runner.fates) != len(everything):
        print(told.getvalue())
        raise SystemExit(f"the tests do not pass without a mutant (pytest ended with {code})")
    return runner.fates


def sample(everything: list[Mutant], size: int, seed: int) -> list[Mutant]:
    """Draw mutants by a seed, so that another change elsewhere does not change the choice."""
    return sorted(everything, key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())[:size]


def main() -> int:
    """Run, print what survives, and write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", default="", help="modules, with commas")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="only count")
    parser.add_argument("--sample", type=int, default=0, help="only so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--store", type=Path, help="keep what is killed; ask the next time only about the rest"
    )
    parser.add_argument("--no-run", action="store_true", help="only tell what the store knows")
    parser.add_argument("--exactly", help="only this one, by its name")
    parser.add_argument("--no-reasons", action="store_true", help="let no reason count")
    parser.add_argument("--page", type=Path, help="write the page")
    options = parser.parse_args()
    names = [name for name in modules() if not options.only or name in options.only.split(",")]
    everything = [mutant for name in names for mutant in mutants(name)]
    if options.sample:
        explained = mutation_page.reasons()
        everything = sample(
            [one for one in everything if one.key not in explained], options.sample, options.seed
        )
    if options.exactly:
        everything = [one for one in everything if one.key == options.exactly]
    if options.list:
        print(len(everything))
        return 0
    began = time.monotonic()
    store = Store(options.store)
    asked = [(one.key, store.known(one, all_fates=options.no_run)) for one in everything]
    found = {key: fate for key, fate in asked if fate is not None}
    left = [one for one in everything if one.key not in found]
    if options.no_run:
        found |= dict.fromkeys((one.key for one in left), NOT_ASKED)
    elif left:
        watch = not (options.sample or options.exactly)
        found |= fates(left, options.jobs, store.add, watch=watch)
    known = {} if options.no_reasons else mutation_page.reasons()
    report = mutation_page.Report(everything, found, known, time.monotonic() - began)
    report.stored = options.store is not None
    print(report.text())
    if options.page:
        options.page.write_text(report.page(), encoding="utf-8")
    return 1 if report.problems(whole=not (options.sample or options.exactly)) else 0


if __name__ == "__main__":
    sys.exit(main())
