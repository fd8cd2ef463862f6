"""`doctor` on the guards: locks, keys, the running supervisor's own words, the schedule beside the chain."""

from __future__ import annotations

import json
import os

import pytest

from cosmovisor.care.health import guards, machine
from cosmovisor.model.errors import StateError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import EMPTY, ScheduleEntry
from cosmovisor.model.value import replace
from cosmovisor.storage import calls, document, locks
from cosmovisor.supervisor import same_key

KEY = "A" * 40


@pytest.fixture
def healthy(home):
    home.binary()
    home.link("genesis")
    (home.root / "supervisor.lock").touch()
    return home.at(10, 10)


def outcomes(findings):
    return [(finding.check, finding.outcome) for finding in findings]


def test_locks_that_work_are_in_order_and_stay_free(healthy):
    assert outcomes(guards.lock(healthy.view())) == [("locks", "ok")]
    locks.hold(str(healthy.root / "supervisor.lock")).close()


def test_locks_that_do_not_work_are_wrong_with_a_way_on(healthy, monkeypatch):
    view = healthy.view()
    monkeypatch.setattr(calls, "lock", lambda fd, how: None)
    (found,) = guards.lock(view)
    assert (found.check, found.outcome) == ("locks", "wrong")
    assert "do not work on its file system" in found.text
    assert "local file system" in found.fix


def test_a_lock_that_somebody_has_is_not_touched(healthy):
    with locks.hold(str(healthy.root / "supervisor.lock")):
        assert outcomes(guards.lock(healthy.view())) == []


@pytest.mark.needs("linux")
def test_a_key_that_runs_elsewhere_on_this_machine_is_wrong_unless_it_is_allowed(healthy, tmp_path):
    chain = f"guard-{os.getpid()}"
    config = healthy.path / "config"
    config.mkdir()
    (config / "priv_validator_key.json").write_text(json.dumps({"address": KEY}))
    (config / "genesis.json").write_text(json.dumps({"chain_id": chain}))
    assert outcomes(guards.key(healthy.view())) == []
    taken = same_key.claim(chain, KEY)
    assert taken is not None
    try:
        (found,) = guards.key(healthy.view())
        assert found.outcome == "wrong"
        assert f"process {os.getpid()}" in found.text
        assert found.fix
        healthy.environ["COSMOVISOR_SAME_KEY"] = "allow"
        assert outcomes(guards.key(healthy.view())) == [("key", "note")]
    finally:
        taken.close()
    assert outcomes(guards.key(healthy.view())) == []


def test_what_a_running_supervisor_says_of_itself_is_passed_on(healthy, monkeypatch):
    told = {"phase": "running", "waiting": "", "node_home": str(healthy.path)}
    monkeypatch.setattr(guards.client, "ask", lambda *words: told)
    with locks.hold(str(healthy.root / "supervisor.lock")):
        view = healthy.view()
        assert outcomes(guards.supervisor(view)) == []
        told |= {"phase": "holding", "waiting": "its binary is not ready"}
        assert outcomes(guards.supervisor(view)) == [("upgrade", "wrong")]
        told |= {"phase": "backup", "waiting": "the step backup"}
        assert outcomes(guards.supervisor(view)) == [("supervisor", "note")]
        told |= {
            "phase": "running",
            "waiting": "",
            "watch": "no inotify watch is left",
            "node_home": "/other",
        }
        found = list(guards.supervisor(view))
        assert outcomes(found) == [("watch", "note"), ("home", "note")]
        assert "SIMD_HOME=/other cosmovisor doctor" in found[1].fix

        def silent(*_words):
            raise StateError("no answer", "Look at its log.")

        monkeypatch.setattr(guards.client, "ask", silent)
        assert outcomes(guards.supervisor(view)) == [("supervisor", "wrong")]


def test_a_schedule_that_meets_a_plan_of_the_chain_is_said(healthy):
    entry = ScheduleEntry(Plan("v7", 700), Version("v7", "upgrades/v7"))
    state = replace(EMPTY, schedule=(entry,), known_plan=Plan("v8", 800))
    document.save(str(healthy.root / "state.json"), state)
    (found,) = guards.schedule(healthy.view())
    assert "followed first" in found.text
    document.save(str(healthy.root / "state.json"), replace(state, known_plan=None))
    assert list(guards.schedule(healthy.view())) == []


def test_a_disk_that_is_read_only_is_not_taken_for_a_wrong_owner(healthy, monkeypatch):
    monkeypatch.setattr(machine, "_is_read_only", lambda path: True)
    found = [one for one in machine.places(healthy.view()) if one.outcome == "wrong"]
    assert [one.check for one in found] == ["folders", "data"]
    assert all("read-only" in one.text and "chown" not in one.fix for one in found)
