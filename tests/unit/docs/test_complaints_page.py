"""The page of complaints is what the tests claim, no more and no less."""

from __future__ import annotations

import pytest
from tools import generate_complaints as page


def test_the_page_is_fresh():
    with open(page.PAGE, encoding="utf-8") as file:
        assert file.read() == page.page(page.claims()), "run: python tools/generate_complaints.py"


def test_marks_of_a_module_and_of_a_test_are_both_found(tmp_path):
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text(
        "import pytest\npytestmark = pytest.mark.complaint(3)\n"
        "@pytest.mark.complaint(5)\ndef test_a(): pass\ndef test_b(): pass\ndef helper(): pass\n"
    )
    assert page.claims(str(tmp_path)) == {
        3: ["tests/test_x.py::test_a", "tests/test_x.py::test_b"],
        5: ["tests/test_x.py::test_a"],
    }


def test_a_row_that_does_not_exist_cannot_be_claimed():
    with pytest.raises(SystemExit, match="no such row"):
        page.page({99: ["tests/test_x.py::test_a"]})


def test_every_open_row_says_why_and_no_closed_row_does():
    assert set(page.OPEN) == set(page.ROWS) - set(page.claims())
    assert "| 47 | Windows and macOS | open: out of reach" in page.page({})
