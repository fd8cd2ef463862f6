"""The screen of `status`: every line is for an operator, in each phase of an upgrade."""

from __future__ import annotations

import time

import pytest

from cosmovisor.cli.status import lines
from cosmovisor.model.state import EMPTY
from cosmovisor.supervisor import snapshot
from cosmovisor.supervisor.context import build


@pytest.fixture
def found(home, environ):
    import os

    from cosmovisor.config.load import load

    settings = load(os.environ).settings
    return snapshot.of_state(build(settings, ["start"], dict(os.environ), None), EMPTY)


def test_a_wait_of_the_staging_is_a_clock_time_and_no_count_of_seconds(found):
    at = time.mktime((2026, 11, 28, 21, 49, 38, 0, 0, -1))
    found["staging"] = {"progress": "", "next_try_at": at + 0.46}
    assert "Staging:        the next try is at 21:49:38" in lines(found)
    found["staging"] = {"progress": "fetching x, 5 % of 3 MiB", "next_try_at": 0.0}
    assert "Staging:        fetching x, 5 % of 3 MiB" in lines(found)
    found["staging"] = {"progress": "", "next_try_at": 0.0}
    assert not [line for line in lines(found) if line.startswith("Staging")]


def test_a_step_says_its_kind_and_how_far_it_is(found):
    found["step"] = {"kind": "backup", "progress": "3 of 9 files"}
    assert "Step:           backup, 3 of 9 files" in lines(found)


def test_what_is_said_of_the_next_upgrade_stands_under_one_heading(found):
    plan = {"name": "v2", "height": 80, "info": ""}
    found["known_plan"] = plan
    found["prospects"] = [{"plan": plan, "ready": False, "reason": "no binary", "fix": "Put it there."}]
    said = lines(found)
    at = said.index("Next upgrade:   v2 at height 80")
    assert said[at + 1] == " " * 16 + "✗ not ready: no binary. Put it there."


def test_without_a_supervisor_the_status_is_that_of_systemctl(call, home):
    result = call("status")
    assert result.status == 3
    assert "Supervisor:     ✗ not running" in result.out


def test_words_of_the_chain_cannot_change_the_terminal(found):
    found["known_plan"] = {"name": "bad \x1b[2J name", "height": 80, "info": ""}
    assert "Next upgrade:   bad \\u001b[2J name at height 80" in lines(found)


def test_metrics_are_a_third_form_and_others_are_refused(call, home):
    result = call("status", "-o", "metrics")
    assert result.status == 3
    assert "\ncosmovisor_supervisor_up 0\n" in result.out
    result = call("status", "-o", "yaml")
    assert result.status == 64
    assert "-o metrics" in result.err
