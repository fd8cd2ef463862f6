"""Write `docs/complaints.md`: what operators of the Go tool complain about, and what closes each row.

A test claims a row with `@pytest.mark.complaint(N)` (or a module-wide `pytestmark`). A row that no test
claims is listed as open, so the page can only promise what is proven. `--check` compares without writing.
"""

from __future__ import annotations

import ast
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = os.path.join(ROOT, "docs", "complaints.md")

ROWS = {
    1: "The upgrade is not performed; the old binary is restarted for ever",
    2: "The upgrade is performed too early",
    3: "A restart inside the upgrade window starts the old binary",
    4: "After a snapshot or state sync the wrong binary runs in a loop",
    5: "A stale or left-over plan file triggers something",
    6: "The node is killed hard at the upgrade height",
    7: "The download fails at the height and the node stays down",
    8: "Nobody notices that the binary is missing until the chain stops",
    9: "The backup takes an hour",
    10: "The backup fills the disk and stops the node",
    11: "The binary should be fetched when governance decides, not at the height",
    12: "Emergency upgrades by height, without governance",
    13: "Many upgrades while syncing from genesis",
    14: "Case and characters of plan names",
    15: "A half-finished download blocks the retry",
    16: "Archive shapes are not understood",
    17: "Shared libraries such as libwasmvm",
    18: "Other RPC ports, several chains on one machine",
    19: "The chain must offer a `status` command",
    20: "Double signing around upgrades and restores",
    21: "Going back when the new version cannot start",
    22: "The database is still locked when the new process starts",
    23: "Races on the plan file",
    24: "The `current` link is fragile",
    25: "No monitoring, no alerts",
    26: "Containers: state is lost, the image is read-only",
    27: "PID 1 and signals",
    28: "Crash handling and restart loops",
    29: "File permissions",
    30: "Checksums and authenticity",
    31: "Installation fails, versions are confusing",
    32: "Its own version is unknown",
    33: "Settings of the shell and of the service differ",
    34: "`DAEMON_HOME` and `--home` differ",
    35: "Setting names are misread",
    36: "The `pre-upgrade` hook is weak",
    37: "Output is polluted, JSON is broken",
    38: "Long log lines freeze the node",
    39: "Patch releases without a plan",
    40: "Companion processes",
    41: "`--unsafe-skip-upgrades`",
    42: "Testing before the day",
    43: "Binaries from source",
    44: "Errors shown on a healthy start",
    45: "Wrong platform or missing architecture",
    46: "Upgrades with a new chain id and an exported genesis",
    47: "Windows and macOS",
    48: "Reputation: where is the proof?",
}

#: Why a row that no test closes is open; what there is all the same.
OPEN = {
    40: "out of reach: one node is supervised, since law 1 and the order of an upgrade are about one "
    "database; companions belong to the service manager (`PartOf=`, `After=`)",
    43: "out of reach: building runs code of a plan; build beforehand and hand the file to `add-upgrade`, "
    "which proves it",
    46: "out of reach: export, migration and a new chain id are the chain's own procedure, with a new "
    "home; the sign-state record is kept by chain id, so that it does not stand in the way",
    47: "out of reach without such machines: Windows lacks the signals, locks and links (it is said at "
    "the start), and nothing was tried on macOS",
    48: "no scenario can close it: the figures and the proofs that anyone can repeat are in "
    "`docs/en/proof.md`",
}

HEAD = """\
<!-- Written by tools/generate_complaints.py from the tests' marks; do not edit. -->
# What operators complained about, and what proves that it is closed

The rows are problems that operators of the Go tool reported in public threads. A row is closed by tests that
play the story with real processes; each is named here. An open row is one that we do not claim; it says why.
"""


def claims(root: str = ROOT) -> dict[int, list[str]]:
    """Return row → tests that claim it, as `path::test`."""
    found: dict[int, list[str]] = {}
    for place, folders, names in os.walk(os.path.join(root, "tests")):
        folders.sort()
        for name in sorted(names):
            if not name.startswith("test_") or not name.endswith(".py"):
                continue
            path = os.path.join(place, name)
            with open(path, encoding="utf-8") as file:
                tree = ast.parse(file.read())
            for row, test in _marked(tree):
                found.setdefault(row, []).append(f"{os.path.relpath(path, root)}::{test}")
    return found


def _marked(tree: ast.Module) -> list[tuple[int, str]]:
    everywhere: list[int] = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        ):
            everywhere += _rows(node.value)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = [row for mark in node.decorator_list for row in _rows(mark)]
            found += [(row, node.name) for row in dict.fromkeys([*everywhere, *own])]
    return found


def _rows(node: ast.expr) -> list[int]:
    """Return the row numbers of every `pytest.mark.complaint(…)` inside an expression."""
    return [
        argument.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "complaint"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def page(found: dict[int, list[str]]) -> str:
    """Return the page's text.

    Raises:
        SystemExit: A test claims a row that does not exist.
    """
    unknown = sorted(set(found) - set(ROWS))
    if unknown:
        raise SystemExit(f"no such row: {unknown}, claimed by {found[unknown[0]][0]}")
    tests_in_all = len({test for tests in found.values() for test in tests})
    lines = [
        HEAD,
        f"{len(found)} of {len(ROWS)} rows are closed by {tests_in_all} tests.\n",
    ]
    lines += ["| # | Complaint | Closed by |", "| --- | --- | --- |"]
    for row, text in ROWS.items():
        tests: dict[str, list[str]] = {}
        for claim in found.get(row, []):
            path, _, test = claim.partition("::")
            tests.setdefault(path, []).append(test.removeprefix("test_").replace("_", " "))
        cell = "<br>".join(f"`{path}`: " + "; ".join(names) for path, names in tests.items())
        if not cell:
            cell = f"open: {OPEN[row]}" if row in OPEN else "open"
        lines.append(f"| {row} | {text} | {cell} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or compare it."""
    text = page(claims())
    if "--check" in sys.argv[1:]:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() == text:
                return 0
        print("docs/complaints.md is stale; run: python tools/generate_complaints.py")
        return 1
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
