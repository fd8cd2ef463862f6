"""Mutation testing of the decision code: small wrong changes, one at a time; each must make a test fail.

A mutant is a change of one place in `src/cosmovisor/decide`: a comparison, an `and`, a `not`, a constant, a
condition, a statement left out. Texts for the operator are not changed: no test holds their words. For each
mutant a child process is forked in which the function's code is replaced; then the tests of the room run
until the first fails. What survives them meets the enumeration of all cells.

    python tools/mutate.py [--only launch,running] [--jobs 2] [--page docs/mutation.md]
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib
import io
import os
import sys
import time
import types
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
ROOM = ROOT / "src" / "cosmovisor" / "decide"
TESTS = ROOT / "tests" / "unit" / "decide"
#: The enumeration takes seconds; it is asked last, and only about what it can see.
SLOW = "test_every_cell.py"
SEES = {
    "running": ("running",),
    "after_exit": ("exited", "start-up"),
    "launch": ("start-up",),
    "resume": ("start-up",),
    "going_back": ("running", "exited"),
    "schedule": ("running", "exited"),
    "words": ("running", "exited", "start-up"),
}
#: Seconds for one mutant; a mutant that makes a loop endless is found by it.
LIMIT = 120
#: Calls whose only effect is a text.
TEXT_CALLS = {"say", "AssertionError"}
COMPARISONS: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}


class Mutant(NamedTuple):
    """One change.

    Attributes:
        module: The module's short name.
        where: Dotted name of the function, or of the constant at module level.
        line: The line.
        text: What was changed, for the page.
        index: Which node of the module.
        choice: Which of the ways to change it.
    """

    module: str
    where: str
    line: int
    text: str
    index: int
    choice: int


def mutants(module: str) -> Iterator[Mutant]:
    """Return every mutant of a module."""
    for index, (node, parent, field, _) in enumerate(_walk(_parse(module))):
        for choice, (text, _) in enumerate(_ways(node, parent, field)):
            where, line = getattr(node, "where", ""), getattr(node, "lineno", 0)
            yield Mutant(module, where, line, text, index, choice)


def _parse(module: str) -> ast.Module:
    return ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8"))


def changed(mutant: Mutant) -> ast.Module:
    """Return the module with a mutant's change."""
    tree = _parse(mutant.module)
    node, parent, field, position = next(islice(_walk(tree), mutant.index, None))
    _, new = next(islice(_ways(node, parent, field), mutant.choice, None))
    value = getattr(parent, field)
    if isinstance(value, list):
        value[position] = new
    else:
        setattr(parent, field, new)
    return ast.fix_missing_locations(tree)


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.AST, str, int]]:
    """Return every node that may be changed, with its parent and place; functions and constants only."""
    for top in tree.body:
        if isinstance(top, ast.FunctionDef | ast.ClassDef):
            yield from _inside(top, top.name)
        elif isinstance(top, ast.Assign | ast.AnnAssign) and top.value is not None:
            target = top.targets[0] if isinstance(top, ast.Assign) else top.target
            if isinstance(target, ast.Name) and not target.id.startswith("__"):
                yield from _below(top, target.id, only="value")


def _inside(node: ast.FunctionDef | ast.ClassDef, where: str) -> Iterator[tuple[ast.AST, ast.AST, str, int]]:
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            if isinstance(member, ast.FunctionDef):
                yield from _inside(member, f"{where}.{member.name}")
        return
    yield from _below(node, where, only="body")


def _below(node: ast.AST, where: str, only: str = "") -> Iterator[tuple[ast.AST, ast.AST, str, int]]:
    for field, value in ast.iter_fields(node):
        if (only and field != only) or field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        children = value if isinstance(value, list) else [value]
        for position, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_text(child):
                continue
            child.where = where  # type: ignore[attr-defined]
            yield child, node, field, position
            yield from _below(child, where)


def _is_text(node: ast.AST) -> bool:
    """Tell whether a node is only words: docstrings, texts with values in them, calls that say something."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr):
        return _is_text(node.value) or (
            isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name in TEXT_CALLS
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value
        and len(node.value) > 30
    )


def _ways(node: ast.AST, parent: ast.AST, field: str) -> Iterator[tuple[str, ast.AST]]:
    """Return (words, replacement) for every way to change a node."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARISONS:
        new = copy.deepcopy(node)
        new.ops = [COMPARISONS[type(node.ops[0])]()]
        yield f"`{ast.unparse(node)}` becomes `{ast.unparse(new)}`", new
    elif isinstance(node, ast.BoolOp):
        new_bool = copy.deepcopy(node)
        new_bool.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"`{ast.unparse(node)}` becomes `{ast.unparse(new_bool)}`", new_bool
        for place in range(len(node.values)):
            less = copy.deepcopy(node)
            del less.values[place]
            short: ast.expr = less if len(less.values) > 1 else less.values[0]
            yield f"`{ast.unparse(node)}` becomes `{ast.unparse(short)}`", short
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"`{ast.unparse(node)}` becomes `{ast.unparse(node.operand)}`", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        new_op = copy.deepcopy(node)
        new_op.op = ARITHMETIC[type(node.op)]()
        yield f"`{ast.unparse(node)}` becomes `{ast.unparse(new_op)}`", new_op
    elif isinstance(node, ast.Constant) and field != "slice":
        yield from _constants(node)
    elif isinstance(node, ast.If | ast.IfExp):
        for value in (True, False):
            fixed = copy.deepcopy(node)
            fixed.test = ast.Constant(value)
            yield f"`if {ast.unparse(node.test)}` is always {value}", fixed
    elif (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(parent, ast.AST)
    ) or isinstance(node, ast.Continue | ast.Break):
        yield f"`{ast.unparse(node)}` is left out", ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None and not _is_constant(node.value):
        yield f"`{ast.unparse(node)[:60]}` returns None", ast.Return(ast.Constant(None))


def _is_constant(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield f"`{value}` becomes `{not value}`", ast.Constant(not value)
    elif isinstance(value, int | float):
        yield f"`{value}` becomes `{value + 1}`", ast.Constant(value + 1)
    elif isinstance(value, str) and value:
        yield f"`{value!r}` becomes another text", ast.Constant(value + "?")


# -- one mutant ------------------------------------------------------------------------------------------


def apply(mutant: Mutant) -> None:
    """Put a mutant's code into the running process."""
    name = f"cosmovisor.decide.{mutant.module}"
    module = importlib.import_module(name)
    path = str(ROOM / f"{mutant.module}.py")
    code = compile(changed(mutant), path, "exec")
    parts = mutant.where.split(".")
    found: Any = module
    for part in parts:
        found = getattr(found, part)
    if isinstance(found, types.FunctionType):
        for part in parts:
            code = next(
                one for one in code.co_consts if isinstance(one, types.CodeType) and one.co_name == part
            )
        found.__code__ = code
        return
    space: dict[str, Any] = {"__name__": name}
    exec(code, space)
    for other in list(sys.modules.values()):
        ours = getattr(other, "__name__", "").startswith("cosmovisor.decide")
        if ours and vars(other).get(mutant.where) is found:
            setattr(other, mutant.where, space[mutant.where])


class Runner:
    """A pytest plugin that collects once and then runs the tests for each mutant in a forked child.

    Args:
        everything: The mutants.
        jobs: Worker processes.
    """

    def __init__(self, everything: list[Mutant], jobs: int) -> None:
        self.everything = everything
        self.jobs = jobs
        self.alive: list[Mutant] = []

    def pytest_runtestloop(self, session: Any) -> bool:
        """Take the place of the ordinary loop over the tests."""
        if not self._passes(session, session.items):
            raise SystemExit("the tests fail without a mutant")
        importlib.import_module("tools.generate_decisions")
        workers = []
        for number in range(self.jobs):
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.close(reader)
                for index in range(number, len(self.everything), self.jobs):
                    if not self._is_killed(session, self.everything[index]):
                        os.write(writer, f"{index}\n".encode())
                os._exit(0)
            os.close(writer)
            workers.append(reader)
        found = []
        for reader in workers:
            with os.fdopen(reader) as lines:
                found += [int(line) for line in lines]
        for _ in workers:
            os.wait()
        self.alive = [self.everything[index] for index in sorted(found)]
        return True

    def _is_killed(self, session: Any, mutant: Mutant) -> bool:
        """Tell in a forked child whether a test fails with this mutant."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 1)
                os.dup2(null, 2)
                apply(mutant)
                if self._passes(session, _ordered(session.items, mutant.module)) and _cells_agree(mutant):
                    status = 0
            finally:
                os._exit(status)
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status != 0
            time.sleep(0.005)
        os.kill(child, 9)
        os.waitpid(child, 0)
        return True

    def _passes(self, session: Any, items: list[Any]) -> bool:
        """Run tests until the first fails."""
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else None
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return False
        return True


def _ordered(items: list[Any], module: str) -> list[Any]:
    """Return the tests with the likeliest to fail first: those whose file names the module."""
    return sorted(items, key=lambda item: module not in item.path.name)


def _cells_agree(mutant: Mutant) -> bool:
    """Tell whether the enumeration of all cells, as far as it sees the module, is still as published."""
    from tools.cells import SLICES
    from tools.generate_decisions import PAGE, section

    text = PAGE.read_text(encoding="utf-8")
    tables = SEES.get(mutant.module, ())
    return all(section(chosen) in text for chosen in SLICES if chosen[0] in tables)


def survivors(everything: list[Mutant], jobs: int) -> list[Mutant]:
    """Run all mutants; return those that no test noticed."""
    import pytest

    tests = [str(path) for path in sorted(TESTS.glob("test_*.py")) if path.name != SLOW]
    runner = Runner(everything, jobs)
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:timeout",
        "-o",
        "addopts=",
        "-o",
        "timeout=",
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main([*options, *tests], plugins=[runner])
    return runner.alive


def main() -> int:
    """Run, and print what survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    names = [
        path.stem
        for path in sorted(ROOM.glob("*.py"))
        if path.stem not in {"__init__", "events", "commands", "policy"}
    ]
    names = [name for name in names if not options.only or name in options.only.split(",")]
    everything = [mutant for name in names for mutant in mutants(name)]
    if options.list:
        print(len(everything))
        return 0
    began = time.monotonic()
    alive = survivors(everything, options.jobs)
    killed = len(everything) - len(alive)
    for name in names:
        total = sum(one.module == name for one in everything)
        left = sum(one.module == name for one in alive)
        print(f"{name}: {total - left} of {total}")
    score = 100 * killed / max(1, len(everything))
    print(f"all: {killed} of {len(everything)} ({score:.1f} %), {time.monotonic() - began:.0f} s", flush=True)
    for one in alive:
        print(f"  {one.module}.{one.where}, line {one.line}: {one.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
