"""Every small wrong change that can be made to the decision code, one at a time.

What is changed: functions, their defaults, the fields' defaults of classes, and the constants of a module in
`src/cosmovisor/decide`. Not changed are words for the operator (no test should hold them), annotations and
decorators. Compared with two known tools:

========================================================  =======  ==========  ====
change                                                    mutmut   cosmic-ray  here
========================================================  =======  ==========  ====
comparison: `==` `!=`, `<` `<=`, `in` `not in`, `is`       yes      yes         yes
every other comparison (`<` becomes `==`, `>`, ...)        no       yes         no
`and` becomes `or`                                        yes      yes         yes
one operand of `and`, `or` left out                       no       no          yes
`not`, unary minus left out                               yes      yes         yes
arithmetic and set operators                              yes      yes         yes
number + 1, number - 1                                    + 1      yes         yes
`True` becomes `False`, another text                      yes      booleans    yes
a condition is always true, always false                  no       no          yes
`break`, `continue` become each other, or are left out    partly   yes         yes
a loop is never entered                                   no       yes         yes
a call is left out as a statement                         no       no          yes
a named argument is left out                              yes      no          yes
a positional argument becomes None, or is left out        yes      no          no
`x = ...` becomes `x = None`, `x += ...` `x = ...`         yes      no          yes
`return ...` returns None                                 no       no          yes
an element of a set, tuple, list or dict is left out      no       no          yes
`if` of a comprehension left out                          no       no          yes
`min` becomes `max`, `any` becomes `all`                  no       no          yes
defaults of arguments, of fields, constants of a module   no       yes         yes
decorators removed, exceptions exchanged                  no       yes         no
========================================================  =======  ==========  ====

A positional argument that is None nearly always ends in an exception, which would only raise the score.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOM = Path(__file__).resolve().parents[1] / "src" / "cosmovisor" / "decide"
#: Calls whose arguments are only words, and where the words begin; a number in words is none that changes.
TEXT_CALLS = {"say": 1, "AssertionError": 0, "float": 0}
#: Names that hold words for the operator.
TEXT_NAMES = {"why", "said", "reason", "what", "next_step", "fix", "waiting"}
PAIRS = (
    (ast.Eq, ast.NotEq),
    (ast.Lt, ast.LtE),
    (ast.Gt, ast.GtE),
    (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot),
    (ast.Add, ast.Sub),
    (ast.Mult, ast.Div),
    (ast.BitOr, ast.BitAnd),
)
OTHER: dict[Any, Any] = {ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult}
OTHER |= {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
Way = tuple[str, ast.AST]


class Mutant(NamedTuple):
    """One change.

    Attributes:
        module: The module's short name.
        where: Dotted name of the function, of the field, or of the constant at module level.
        text: What was changed and in which statement; with `where` it names the mutant whatever its line.
        lines: First and last line of the statement's head: without them a change cannot be noticed.
        index: Which node of the module.
        choice: Which of the ways to change it.
        once: True for what is run at import only: constants and the defaults of fields.
    """

    module: str
    where: str
    text: str
    lines: tuple[int, int]
    index: int
    choice: int
    once: bool

    @property
    def key(self) -> str:
        """Name the mutant, whatever its line."""
        return f"{self.module}.{self.where}: {self.text}"


class Place(NamedTuple):
    """A node that may be changed.

    Attributes:
        node: The node.
        parent: What it belongs to.
        field: The field of the parent.
        position: The place in the field, if that is a list.
        where: Dotted name of what it is part of.
        statement, once: The statement around it; whether it is run at import only.
        top: The statement at module level that it is part of.
    """

    node: ast.AST
    parent: ast.AST
    field: str
    position: int
    where: str
    statement: ast.AST
    once: bool
    top: ast.stmt


def modules() -> list[str]:
    """Return the modules of the room."""
    return [path.stem for path in sorted(ROOM.glob("*.py")) if path.stem != "__init__"]


def mutants(module: str) -> list[Mutant]:
    """Return every mutant of a module; what reads alike is counted."""
    found: list[Mutant] = []
    seen: dict[tuple[str, str], int] = {}
    for index, place in enumerate(_places(module)):
        for choice, (change, _) in enumerate(_ways(place)):
            text = f"{change}, in `{_head(place.statement)}`"
            number = seen[place.where, text] = seen.get((place.where, text), 0) + 1
            text = text if number == 1 else f"{text} ({number})"
            lines = _lines(place.statement)
            found.append(Mutant(module, place.where, text, lines, index, choice, place.once))
    return found


def change(mutant: Mutant) -> ast.Module:
    """Make a mutant's change, and return the statement at module level that it is in, as a module.

    The tree that all mutants share is changed: to be called once, in a process of its own.
    """
    place = _places(mutant.module)[mutant.index]
    _, new = next(islice(_ways(place), mutant.choice, None))
    value = getattr(place.parent, place.field)
    if isinstance(value, list):
        value[place.position] = new
    else:
        setattr(place.parent, place.field, new)
    return ast.fix_missing_locations(ast.Module([place.top], []))


def source(mutant: Mutant) -> str:
    """Return a digest of the function, class or constant at module level that a mutant changes."""
    return _digest(_places(mutant.module)[mutant.index].top)


@functools.cache
def _digest(top: ast.stmt) -> str:
    return hashlib.sha256(ast.unparse(top).encode()).hexdigest()


@functools.cache
def _places(module: str) -> list[Place]:
    """Return every node of a module that may be changed; a run is about one state of the code."""
    tree = ast.parse((ROOM / f"{module}.py").read_text(encoding="utf-8"))
    return [place for top in tree.body for place in _inside(top)]


def _head(node: ast.AST) -> str:
    """Return the first line of a statement, shortened."""
    line = ast.unparse(node).splitlines()[0]
    return line if len(line) <= 90 else line[:87] + "..."


def _lines(node: ast.AST) -> tuple[int, int]:
    """Return the lines of a statement without those of its body."""
    first = getattr(node, "lineno", 0)
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return first, max(first, body[0].lineno - 1)
    return first, getattr(node, "end_lineno", first)


# -- where -------------------------------------------------------------------------------------------------


def _inside(top: ast.stmt) -> Iterator[Place]:
    """Return every node that may be changed in a statement at module level."""
    if isinstance(top, ast.FunctionDef):
        yield from _function(top, top.name, top)
    elif isinstance(top, ast.ClassDef):
        for member in top.body:
            if isinstance(member, ast.FunctionDef):
                yield from _function(member, f"{top.name}.{member.name}", top)
            elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                around = Place(member, top, "", 0, f"{top.name}.{member.target.id}", member, True, top)
                yield from _below(around, "value")
    elif isinstance(top, ast.Assign | ast.AnnAssign) and top.value is not None:
        target = top.targets[0] if isinstance(top, ast.Assign) else top.target
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        where = ",".join(one.id for one in names if isinstance(one, ast.Name))
        if not where.startswith("__") and where != "TYPE_CHECKING":
            yield from _below(Place(top, top, "", 0, where, top, True, top), "value")


def _function(node: ast.FunctionDef, where: str, top: ast.stmt) -> Iterator[Place]:
    yield from _below(Place(node.args, node, "", 0, where, node, False, top))
    yield from _below(Place(node, node, "", 0, where, node, False, top), "body")


def _below(around: Place, only: str = "") -> Iterator[Place]:
    node = around.node
    for field, value in ast.iter_fields(node):
        if (only and field != only) or field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        children = value if isinstance(value, list) else [value]
        for position, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_text(child) or _is_words(node, field, position):
                continue
            statement = child if isinstance(child, ast.stmt) else around.statement
            place = around._replace(
                node=child, parent=node, field=field, position=position, statement=statement
            )
            yield place
            yield from _below(place)


def _is_text(node: ast.AST) -> bool:
    """Tell whether a node is only words: a docstring, a text with values in it, a sentence."""
    if isinstance(node, ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.IfExp):
        return all(_is_text(one) or _is_empty(one) for one in (node.body, node.orelse))
    if isinstance(node, ast.Assign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return _is_said(node.value) and all(getattr(one, "id", "") in TEXT_NAMES for one in targets)
    if isinstance(node, ast.keyword):
        return _is_text(node.value) or getattr(node.value, "id", "") in TEXT_NAMES
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    row = node.value.startswith("back: ")
    return " " in node.value and len(node.value) >= 30 and not row


def _is_said(node: ast.AST) -> bool:
    """Tell whether what becomes a sentence of the operator's is only words, however short."""
    if isinstance(node, ast.IfExp):
        return _is_said(node.body) and _is_said(node.orelse)
    return _is_text(node) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_empty(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value == ""


def _is_words(parent: ast.AST, field: str, position: int) -> bool:
    """Tell whether a child is an argument of a call that says something."""
    if not isinstance(parent, ast.Call) or field not in {"args", "keywords"}:
        return False
    first = TEXT_CALLS.get(_called(parent))
    return first is not None and (field == "keywords" or position >= first)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


# -- how ---------------------------------------------------------------------------------------------------


def _ways(place: Place) -> Iterator[Way]:
    """Return (words, replacement) for every way to change a node."""
    node = place.node
    if isinstance(node, ast.expr | ast.comprehension | ast.keyword):
        yield from _expressions(node, place)
    else:
        yield from _statements(node)


def _becomes(node: ast.AST, new: ast.AST) -> Way:
    return f"`{_short(node)}` becomes `{_short(new)}`", new


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 100 else text[:97] + "..."


def _without(node: ast.AST, field: str, position: int) -> ast.AST:
    new = copy.deepcopy(node)
    del getattr(new, field)[position]
    return new


def _expressions(node: ast.AST, place: Place) -> Iterator[Way]:
    if isinstance(node, ast.Compare):
        for number, operator in enumerate(node.ops):
            compare = copy.deepcopy(node)
            compare.ops[number] = OTHER[type(operator)]()
            yield _becomes(node, compare)
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _becomes(node, other)
        for number, value in enumerate(node.values):
            less = _without(node, "values", number)
            assert isinstance(less, ast.BoolOp)
            text = f"`{_short(value)}` is left out of `{_short(node)}`"
            yield text, less if len(less.values) > 1 else less.values[0]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield _becomes(node, node.operand)
    elif isinstance(node, ast.BinOp) and type(node.op) in OTHER:
        binary = copy.deepcopy(node)
        binary.op = OTHER[type(node.op)]()
        yield _becomes(node, binary)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.IfExp):
        yield from _fixed(node)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.comprehension):
        for number, test in enumerate(node.ifs):
            yield f"`if {_short(test)}` is left out", _without(node, "ifs", number)
    elif isinstance(node, ast.Set | ast.List | ast.Tuple) and not isinstance(
        getattr(node, "ctx", None), ast.Store
    ):
        if not isinstance(place.parent, ast.Subscript) and not _is_unpacked(place.parent):
            for number, one in enumerate(node.elts):
                yield f"`{_short(one)}` is left out of `{_short(node)}`", _without(node, "elts", number)
    elif isinstance(node, ast.Dict):
        for number, key in enumerate(node.keys):
            entry = _without(node, "keys", number)
            del entry.values[number]  # type: ignore[attr-defined]
            yield f"`{_short(key) if key else '**'}` is left out", entry


def _is_unpacked(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)


def _calls(node: ast.Call) -> Iterator[Way]:
    name = _called(node)
    if isinstance(node.func, ast.Name) and name in CALLS:
        other = copy.deepcopy(node)
        other.func = ast.Name(CALLS[name], ast.Load())
        yield _becomes(node, other)
    if name in TEXT_CALLS:
        return
    for number, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not _is_text(keyword):
            yield f"`{_short(keyword)}` is left out", _without(node, "keywords", number)


def _statements(node: ast.AST) -> Iterator[Way]:
    if isinstance(node, ast.If):
        yield from _fixed(node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield f"`{_short(node)}` is left out", ast.Pass()
    elif isinstance(node, ast.Continue | ast.Break):
        other = ast.Break() if isinstance(node, ast.Continue) else ast.Continue()
        yield f"`{_short(node)}` is left out", ast.Pass()
        yield _becomes(node, other)
    elif isinstance(node, ast.For):
        empty = copy.deepcopy(node)
        empty.iter = ast.Tuple([], ast.Load())
        yield "the loop is never entered", empty
    elif isinstance(node, ast.Return) and node.value is not None and not _is_simple(node.value):
        yield f"`{_short(node)}` returns None", ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Assign) and not isinstance(node.value, ast.Constant):
        nothing = copy.deepcopy(node)
        nothing.value = ast.Constant(None)
        yield _becomes(node, nothing)
    elif isinstance(node, ast.AugAssign):
        yield _becomes(node, ast.copy_location(ast.Assign([node.target], node.value), node))


def _fixed(node: ast.If | ast.IfExp) -> Iterator[Way]:
    for value in (True, False):
        fixed = copy.deepcopy(node)
        fixed.test = ast.Constant(value)
        yield f"`if {_short(node.test)}` is always {value}", fixed


def _is_simple(node: ast.AST) -> bool:
    """Tell whether a value is changed as the constant that it is."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool | str))


def _constants(node: ast.Constant) -> Iterator[Way]:
    value = node.value
    if isinstance(value, bool):
        yield f"`{value}` becomes `{not value}`", ast.Constant(not value)
    elif isinstance(value, int | float):
        yield f"`{value}` becomes `{value + 1}`", ast.Constant(value + 1)
        yield f"`{value}` becomes `{value - 1}`", ast.Constant(value - 1)
    elif isinstance(value, str) and value:
        yield f"`{value!r}` becomes another text", ast.Constant(value + "?")
