"""What a rehearsal adds up to."""

from __future__ import annotations

from cosmovisor.model.plan import Plan
from cosmovisor.rehearsal import check
from cosmovisor.rehearsal.rehearse import Outcome

PLAN = Plan("v2", 20)


def test_all_measured_parts_add_up():
    text = Outcome(PLAN, (), 0.5, 2.0, 1.5).forecast()
    assert "about 4.0 s" in text
    assert "migration" not in text


def test_what_was_not_tried_is_named_as_missing():
    assert "plus the new binary's own start and migration" in Outcome(PLAN, (), 0.5, 2.0, -1.0).forecast()


def test_without_a_measurement_there_is_no_forecast():
    assert "No forecast" in Outcome(PLAN, (), -1.0, 2.0, 1.0).forecast()
    assert "No forecast" in Outcome(PLAN, (), 0.5, -1.0, 1.0).forecast()


def test_a_warning_does_not_make_the_night_fail_and_a_failure_does():
    assert Outcome(PLAN, (check.ok("a", "b"), check.warning("c", "d")), 1, 1, 1).held
    assert not Outcome(PLAN, (check.ok("a", "b"), check.failed("c", "d", "e")), 1, 1, 1).held


def test_a_line_shows_the_fix_below_it():
    assert check.failed("backup", "no room", "Make room.").line() == "✗ backup: no room\n    Make room."
