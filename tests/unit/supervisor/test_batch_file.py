"""The Go tool's schedule is taken over once, and only what is still to come."""

from __future__ import annotations

import os

import pytest

from cosmovisor.config.settings import Settings
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY
from cosmovisor.model.value import replace
from cosmovisor.plan import batch
from cosmovisor.supervisor import batch_file, context

AT_50 = Evidence(50, "exact", "cs.wal", 1.0)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "data").mkdir()
    return context.build(Settings(str(tmp_path), "simd"), [], {}, None)


def write(home, content):
    path = f"{home.plan_file}.batch"
    with open(path, "wb") as file:
        file.write(content)
    return path


def names(entries):
    return [(entry.plan.name, entry.plan.height, entry.version.folder, entry.source) for entry in entries]


def test_what_is_still_to_come_is_taken_over_and_the_file_stays(home):
    content = batch.dump([Plan("V1", 50), Plan("V2", 51), Plan("..", 60), Plan("v3", 51), Plan("v4", 70)])
    path = write(home, content)
    found, notes = batch_file.entries(home, EMPTY, AT_50, 0.0)
    assert names(found) == [
        ("V2", 51, "upgrades/v2", "batch file"),
        ("v4", 70, "upgrades/v4", "batch file"),
    ]
    assert len(notes) == 5
    with open(path, "rb") as file:
        assert file.read() == content


def test_what_is_scheduled_already_is_not_taken_twice(home):
    write(home, batch.dump([Plan("v2", 100)]))
    found, _ = batch_file.entries(home, EMPTY, AT_50, 0.0)
    assert batch_file.entries(home, replace(EMPTY, schedule=tuple(found)), AT_50, 0.0) == ([], [])


def test_a_file_older_than_our_own_document_was_taken_over_before(home):
    path = write(home, batch.dump([Plan("v2", 100)]))
    os.utime(path, (1000, 1000))
    assert batch_file.entries(home, EMPTY, AT_50, 1000.0) == ([], [])
    assert batch_file.entries(home, EMPTY, AT_50, 999.0)[0]


def test_without_a_height_nothing_is_taken_over_and_that_is_said(home):
    write(home, batch.dump([Plan("v2", 100)]))
    found, (note,) = batch_file.entries(home, EMPTY, UNKNOWN, 0.0)
    assert found == []
    assert "not known" in note


@pytest.mark.parametrize("content", [b"torn", b"{}", b"[1]"])
def test_a_file_that_is_none_is_said(home, content):
    write(home, content)
    found, (note,) = batch_file.entries(home, EMPTY, AT_50, 0.0)
    assert found == []
    assert "not taken over" in note


def test_no_file_and_an_empty_one_are_no_news(home):
    assert batch_file.entries(home, EMPTY, AT_50, 0.0) == ([], [])
    write(home, b"[]")
    assert batch_file.entries(home, EMPTY, AT_50, 0.0) == ([], [])
