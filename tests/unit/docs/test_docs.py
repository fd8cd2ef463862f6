"""The documentation says the same in both languages, and names only what exists."""

from __future__ import annotations

import os
import pathlib
import re

import pytest

from cosmovisor.cli import catalog

ROOT = pathlib.Path(__file__).parents[3]
DOCS = ROOT / "docs"
LANGUAGES = ("en", "zh")
PAGES = sorted(str(path.relative_to(DOCS / "en")) for path in (DOCS / "en").rglob("*.md"))
TEXTS = sorted(
    str(path.relative_to(ROOT))
    for path in (*ROOT.glob("*.md"), *DOCS.rglob("*.md"))
    if not {".venv", "site"} & set(path.parts)
)


def outline(path: pathlib.Path) -> list[int]:
    """Return the levels of the headings, those inside code blocks left out."""
    text = re.sub(r"^( *)```.*?^\1```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [len(match) for match in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]


def code(text: str) -> list[str]:
    """Return the lines of code blocks and the inline code of a page."""
    blocks = re.findall(r"^ *```(?:sh)?\n(.*?)^ *```", text, flags=re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)


def test_both_languages_have_the_same_pages():
    chinese = sorted(str(path.relative_to(DOCS / "zh")) for path in (DOCS / "zh").rglob("*.md"))
    assert chinese == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_outline(page):
    assert outline(DOCS / "zh" / page) == outline(DOCS / "en" / page)


@pytest.mark.parametrize("page", TEXTS)
def test_links_to_files_lead_somewhere(page):
    path = ROOT / page
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", TEXTS)
def test_make_targets_that_are_named_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    named = {
        match
        for line in code((ROOT / page).read_text(encoding="utf-8"))
        for match in re.findall(r"^make ([a-z-]+)", line)
    }
    assert named <= targets


@pytest.mark.parametrize("page", TEXTS)
def test_commands_that_are_named_exist(page):
    lines = code((ROOT / page).read_text(encoding="utf-8"))
    named = {
        found for line in lines for found in re.findall(r"^(?:\S*/)?cosmovisor ([a-z][a-z-]+)(?: |$)", line)
    }
    assert named - {"start"} <= set(catalog.COMMANDS)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_continuous_integration_runs_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert {"make check", "make demo", "make test"} <= set(
        re.findall(r"make [a-z-]+", script.read_text(encoding="utf-8"))
    )
