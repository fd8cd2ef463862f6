"""Which upgrade is rehearsed."""

from __future__ import annotations

import pytest

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import PlanError, UsageError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import PlanRecord, ScheduleEntry, State
from cosmovisor.rehearsal import target

V2, V3 = Plan("v2", 20), Plan("v3", 30)


def test_the_plan_that_comes_first_is_the_next():
    schedule = (ScheduleEntry(V2, Version("v2", "upgrades/v2")),)
    assert target.pending(State(known_plan=V3, schedule=schedule), None) == [V2, V3]


@pytest.mark.parametrize("done", [{"stage": "proven"}, {"stage": "switched"}, {"passed": True}])
def test_a_plan_that_is_applied_or_passed_is_not_rehearsed_again(done):
    state = State(records=(PlanRecord(V2, **done),), known_plan=V3)
    assert target.pending(state, V2) == [V3]


def test_the_plan_file_of_the_chain_counts(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "upgrade-info.json").write_text('{"name":"v9","height":90,"info":"x"}')
    assert target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "") == Plan("v9", 90, "x")
    assert target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "v9").height == 90


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_plan_file_that_says_nothing_leaves_nothing_to_rehearse(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "upgrade-info.json").write_text(text)
    with pytest.raises(UsageError, match="no plan"):
        target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "")


def test_a_name_that_nobody_knows_yet_can_be_rehearsed(tmp_path):
    assert target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "v2") == Plan("v2", 0)


def test_a_name_that_can_never_be_a_folder_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "upgrade-info.json").write_text('{"name":"..","height":1}')
    with pytest.raises(PlanError):
        target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "")
    with pytest.raises(PlanError):
        target.choose(Layout(str(tmp_path), "demod"), str(tmp_path), "..")
