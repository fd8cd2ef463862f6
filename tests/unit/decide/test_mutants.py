"""The mutants of this room: a few of them are run each time, so that what runs them all cannot rot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tools import mutants, mutation_page

ROOT = Path(__file__).parents[3]


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "mutate.py"), *words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=230,
    )


def test_a_sample_of_mutants_is_killed() -> None:
    found = run("--sample", "12", "--seed", "1", "--jobs", "1")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "all: 12 killed" in found.stdout


def test_a_mutant_that_no_test_notices_is_told() -> None:
    """Without a reason a survivor is a failure; a table that knows the reason is what keeps it from that."""
    key = next(iter(mutation_page.reasons()))
    found = run("--exactly", key, "--jobs", "1", "--no-reasons")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "1 survived" in found.stdout


def test_each_reason_belongs_to_a_mutant_of_the_code_as_it_is() -> None:
    known = {one.key for module in mutants.modules() for one in mutants.mutants(module)}
    gone = [key for key in mutation_page.reasons() if key not in known]
    assert gone == [], "run `make mutate`, and correct tools/survivors.toml"


def test_each_reason_is_a_sentence() -> None:
    for key, reason in mutation_page.reasons().items():
        assert len(reason) > 20 and reason.endswith("."), key


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("`==` becomes `!=`", "`phase == self.m.phase` becomes `phase != self.m.phase`"),
        ("`and` becomes `or`", "`plan is not None and is_pending(facts, plan)` becomes"),
        ("an operand is left out", "`busy` is left out of `busy or idle_for >="),
        ("a named argument is left out", "`next_at=NEVER` is left out"),
        ("a statement is left out", "`turn.save(state)` is left out"),
        ("a number", "`600.0` becomes `601.0`"),
        ("a truth", "`True` becomes `False`"),
        ("a condition", "`if turn.m.lives` is always True"),
        ("a loop", "the loop is never entered"),
        ("an element", "`turn.at` is left out of `(plan, turn.at)`"),
    ],
)
def test_every_kind_of_change_is_made(change: str, found: str) -> None:
    texts = [one.text for module in ("acting", "turn", "steps") for one in mutants.mutants(module)]
    assert any(text.startswith(found) for text in texts), change


def test_words_for_the_operator_are_not_changed() -> None:
    texts = [one.text for one in mutants.mutants("signals")]
    assert any(text.startswith("`'warn'` becomes another text") for text in texts), "how loudly is no word"
    assert not any("asked three times" in text.split(", in `")[0] for text in texts if "becomes" in text)
