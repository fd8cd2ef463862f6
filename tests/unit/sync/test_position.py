"""How far the data is, and what is left on disk for the supervisor to find."""

from __future__ import annotations

import json
import pathlib
import shutil

from cosmovisor.config.layout import Layout
from cosmovisor.sync import position
from cosmovisor.sync.plan import Step, SyncPlan

HALT = pathlib.Path(__file__).parents[2] / "data" / "halt"
PLAN = SyncPlan("", None, (Step("v2", 10), Step("v3", 20), Step("v4", 30)))


def layout(tmp_path) -> Layout:
    return Layout(str(tmp_path), "testd")


def binaries(tmp_path, *names: str) -> None:
    for name in names:
        path = tmp_path / "cosmovisor" / "upgrades" / name / "bin" / "testd"
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")


def test_what_is_needed_at_each_height():
    v2, v3, v4 = PLAN.steps
    assert position.needed(PLAN, 0) == (None, (v2, v3, v4))
    assert position.needed(PLAN, 10) == (None, (v2, v3, v4))  # halted there, not applied yet
    assert position.needed(PLAN, 11) == (v2, (v3, v4))
    assert position.needed(PLAN, 99) == (v4, ())


def test_the_height_of_real_data_at_a_halt(tmp_path):
    shutil.copytree(HALT / "consensus", tmp_path / "data")
    found = position.height(layout(tmp_path), str(tmp_path))
    assert found.height == 24
    assert sorted(path.name for path in (tmp_path / "cosmovisor").iterdir()) == []


def test_a_new_home_is_at_no_height(tmp_path):
    assert position.height(layout(tmp_path), str(tmp_path)).height == 0


def test_a_damaged_document_is_left_for_the_start_to_tell(tmp_path):
    shutil.copytree(HALT / "consensus", tmp_path / "data")
    state = tmp_path / "cosmovisor" / "state.json"
    state.parent.mkdir()
    state.write_text("{")
    assert position.height(layout(tmp_path), str(tmp_path)).height == 24
    assert [path.name for path in state.parent.iterdir()] == ["state.json"]
    assert state.read_text() == "{"


def test_upgrades_behind_the_data_are_marked_once_where_no_link_tells(tmp_path):
    binaries(tmp_path, "v2", "v4")
    done = position.mark(layout(tmp_path), PLAN, 25, recase=True)
    assert [step.name for step in done] == ["v2"]  # v3 has no binary, v4 is ahead
    marker = tmp_path / "cosmovisor" / "upgrades" / "v2" / "upgrade-info.json"
    assert json.loads(marker.read_text()) == {"name": "v2", "height": 10, "info": ""}
    marker.write_text("{}")
    assert position.mark(layout(tmp_path), PLAN, 25, recase=True) == []
    assert marker.read_text() == "{}"


def test_nothing_is_marked_where_a_link_says_what_is_active(tmp_path):
    binaries(tmp_path, "v2")
    (tmp_path / "cosmovisor" / "current").symlink_to("upgrades/v2")
    assert position.mark(layout(tmp_path), PLAN, 25, recase=True) == []
