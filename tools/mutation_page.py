"""What a run of the mutants has shown: as text, as a page, and whether it is good enough."""

from __future__ import annotations

import subprocess
import tomllib
from collections import Counter
from pathlib import Path

from tools.mutants import Mutant

ROOT = Path(__file__).resolve().parents[1]
SURVIVORS = ROOT / "tools" / "survivors.toml"
#: Per cent that must be killed.
GOAL = 95.0
HEAD = """# Mutants of the decision code

Written by `make mutate` from a run; the list of changes stands in `tools/mutants.py`, beside those of two
known tools. A *mutant* is the decision code with one small wrong change. It is *killed* if a test of
`tests/unit/decide` fails with it; *killed by the cells* if those tests pass and only a part (one in ten) of
the published table of [all combinations](decisions.md) differs; it *survives* if both see nothing, also where
no test runs the changed line. One that uses up its time is counted for itself, not as killed. Words for the
operator are not changed.

"""


def reasons() -> dict[str, str]:
    """Return why a mutant may survive, by its key."""
    found = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("reason", [])
    return {key: one["text"] for one in found for key in one["mutants"]}


class Report:
    """The figures of one run.

    Args:
        everything: The mutants.
        fates: What became of each, by its key.
        known: Why one may survive, by its key.
        took: Seconds.
    """

    def __init__(
        self, everything: list[Mutant], fates: dict[str, str], known: dict[str, str], took: float
    ) -> None:
        self.everything = everything
        self.fates = fates
        self.took = took
        self.reasons = known
        self.stored = False
        self.survivors = [one for one in everything if not fates[one.key].startswith("killed")]

    @property
    def score(self) -> float:
        """Return how many per cent are killed."""
        return 100 * (1 - len(self.survivors) / max(1, len(self.everything)))

    def problems(self, *, whole: bool = True) -> list[str]:
        """Return what keeps this run from being good enough; of a `whole` module also reasons too many."""
        found = [] if self.score >= GOAL else [f"the score of {self.score:.1f} % is below {GOAL:g} %"]
        found += [f"no reason: {one.key}" for one in self.survivors if one.key not in self.reasons]
        if not whole:
            return found
        asked = {one.module for one in self.everything}
        alive = {one.key for one in self.survivors}
        found += [
            f"a reason, but nothing survives: {key}"
            for key in self.reasons
            if key.split(".")[0] in asked and key not in alive
        ]
        return found

    def rows(self) -> list[tuple[str, Counter[str]]]:
        """Return for each module, and for all together, how many had which fate."""
        found: dict[str, Counter[str]] = {}
        for one in self.everything:
            found.setdefault(one.module, Counter())[self.fates[one.key]] += 1
        return [*found.items(), ("all", sum(found.values(), Counter()))]

    def text(self) -> str:
        """Return the run for a terminal, with the survivors without a reason as lines for the file."""
        lines = []
        for name, row in self.rows():
            lines.append(f"{name}: " + ", ".join(f"{count} {fate}" for fate, count in sorted(row.items())))
        lines.append(f"score {self.score:.2f} %, {self.took:.0f} s")
        for one in self.survivors:
            if one.key not in self.reasons:
                fate = self.fates[one.key]
                note = "" if fate == "survived" else f"  # {fate}"
                lines.append(f"  '''{one.key}''',  # line {one.lines[0]}{note}")
        return "\n".join([*lines, *(text for text in self.problems() if "no reason" not in text)])

    def page(self) -> str:
        """Return the page."""
        commit = _git("log", "-1", "--format=%h of %cs", "--", "src/cosmovisor/decide")
        total, left = len(self.everything), len(self.survivors)
        waiting = sum(fate == "not asked" for fate in self.fates.values())
        told = f"Measured on the decision code of commit {commit}: {total:,} mutants, {total - left:,} killed"
        if waiting:
            rest = (
                f"so far, {left - waiting} survive, and {waiting:,} were *not asked* yet: there is no score."
            )
        else:
            rest = f"(**{self.score:.1f} %**), {left} left, each with its reason below."
        lines = [HEAD + told, rest]
        if self.stored:
            lines += [
                "",
                "What was killed in an earlier run was not asked again where its function had not changed.",
            ]
        lines += [
            "",
            "| Module | Mutants | Killed | By the cells | Timed out | Not asked | Survived | Score |",
        ]
        lines += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
        for name, row in self.rows():
            killed, run = row["killed"] + row["killed by the cells"], row.total() - row["not asked"]
            survived = row["survived"] + row["could not be made"]
            lines.append(
                f"| {name} | {row.total()} | {row['killed']} | {row['killed by the cells']} | "
                f"{row['timed out']} | {row['not asked']} | {survived} | "
                f"{f'{100 * killed / run:.1f} %' if run else ''} |"
            )
        lines += ["", "## What is left, and why", ""]
        by_reason: dict[str, list[Mutant]] = {}
        for one in self.survivors:
            if self.fates[one.key] != "not asked":
                text = self.reasons.get(one.key, "No reason is written down.")
                by_reason.setdefault(text, []).append(one)
        for reason, found in by_reason.items():
            lines += [f"* {reason}", ""]
            for one in found:
                note = "" if self.fates[one.key] == "survived" else f" ({self.fates[one.key]})"
                lines.append(f"    * `{one.module}.{one.where}`: {one.text}{note}")
            lines.append("")
        return "\n".join(lines).rstrip() + "\n"


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
