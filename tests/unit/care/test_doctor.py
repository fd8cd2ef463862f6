"""`doctor` finds what would go wrong, and names the fix."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from tests.support import binaries

from cosmovisor.care import doctor
from cosmovisor.care.finding import bad, good, note
from cosmovisor.care.health import guards
from cosmovisor.config.load import load
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY, ScheduleEntry, Version
from cosmovisor.model.value import replace
from cosmovisor.storage import document, locks


def examine(home, **environ):
    environ = home.environ | environ
    return doctor.examine(load(environ), environ, None)


def wrong(findings):
    return {finding.check: finding for finding in findings if finding.outcome == "wrong"}


def texts(findings, check):
    return "\n".join(finding.text for finding in findings if finding.check == check)


@pytest.fixture
def healthy(home):
    home.binary()
    home.link("genesis")
    return home.at(10, 10)


def test_a_healthy_home_has_nothing_to_repair(healthy):
    findings = examine(healthy)
    assert wrong(findings) == {}
    checks = {finding.check for finding in findings}
    assert {"configuration", "current", "start", "heights", "backup", "space", "next upgrade"} <= checks
    assert not any("cannot check" in finding.text for finding in findings)


def test_every_finding_that_is_wrong_has_a_fix(home):
    home.link("upgrades/gone")
    (home.root / "state.json").write_text("torn")
    findings = examine(home, COSMOVISOR_CUSTOM_PREUPGRADE="missing.sh")
    assert {"current", "start", "state document", "script"} <= set(wrong(findings))
    assert all(finding.fix for finding in wrong(findings).values())


def test_a_wrong_configuration_is_all_there_is(home):
    findings = examine(home, COSMOVISOR_TRUST="x", DAEMON_POLL_INTERVAL="0")
    assert [finding.check for finding in findings] == ["configuration", "configuration"]
    assert len(wrong(findings)) == 1


def test_warnings_of_the_configuration_are_notes(healthy):
    findings = examine(healthy, DEAMON_NAME="x")
    assert "DAEMON_NAME" in texts(findings, "configuration")
    assert wrong(findings) == {}


def test_a_dangling_link_is_wrong(healthy):
    healthy.link("upgrades/gone")
    assert "adopt" in wrong(examine(healthy))["current"].fix


def test_a_torn_plan_file_is_wrong(healthy):
    (healthy.path / "data/upgrade-info.json").write_text('{"name":')
    assert "plan file" in wrong(examine(healthy))


def test_a_plan_without_its_binary_is_wrong_and_with_it_is_to_be_proven(healthy):
    healthy.plan("v2", 100)
    findings = examine(healthy)
    assert "there is no binary" in wrong(findings)["upgrade v2 at 100"].text
    healthy.binary("upgrades/v2")
    findings = examine(healthy)
    assert wrong(findings) == {}
    assert "not proven" in texts(findings, "upgrade v2 at 100")


def test_a_binary_of_another_machine_is_wrong(healthy):
    healthy.plan("v2", 100)
    place = healthy.binary("upgrades/v2")
    place.write_bytes(binaries.elf(machine=243 if binaries.LOCAL != 243 else 62))
    assert "upgrades/v2/bin/simd" in wrong(examine(healthy))
    place.write_bytes(b"")
    assert "empty" in wrong(examine(healthy))["upgrades/v2/bin/simd"].text


def test_what_is_scheduled_is_looked_at_too(healthy):
    entry = ScheduleEntry(Plan("v7", 700), Version("v7", "upgrades/v7"))
    document.save(str(healthy.root / "state.json"), replace(EMPTY, schedule=(entry,)))
    assert "upgrade v7 at 700" in wrong(examine(healthy))


def test_folders_that_nobody_looks_at_are_named(healthy):
    healthy.binary("upgrades/V2")
    (healthy.root / "upgrades/empty").mkdir()
    text = texts(examine(healthy), "folders")
    assert "upgrades/V2 is not looked at" in text
    assert "upgrades/empty holds no usable" in text
    assert "V2 is not looked at" not in texts(examine(healthy, COSMOVISOR_DISABLE_RECASE="true"), "folders")


def test_folders_that_differ_in_case_alone_are_wrong(healthy):
    healthy.plan("v2", 100)
    healthy.binary("upgrades/v2", "#!/bin/sh\n# one\n")
    healthy.binary("upgrades/V2", "#!/bin/sh\n# two\n")
    assert "folders" in wrong(examine(healthy))


def test_a_node_without_a_supervisor_is_wrong(healthy):
    with locks.hold(str(healthy.root / "node.lock")):
        assert "node" in wrong(examine(healthy))


@pytest.mark.needs("linux")
def test_a_binary_of_this_home_that_runs_elsewhere_is_wrong(healthy):
    place = healthy.root / "genesis/bin/simd"
    place.unlink()
    shutil.copy("/bin/sleep", place)
    process = subprocess.Popen([place, "60"])
    try:
        assert str(process.pid) in wrong(examine(healthy))["node"].text
    finally:
        process.kill()
        process.wait()


def test_a_running_supervisor_is_in_order(healthy, monkeypatch):
    monkeypatch.setattr(guards.client, "ask", lambda *_words: {"phase": "running", "waiting": ""})
    with locks.hold(str(healthy.root / "supervisor.lock")):
        findings = examine(healthy)
    assert "runs" in texts(findings, "supervisor")
    assert wrong(findings) == {}


def test_no_source_of_heights_is_said(healthy):
    findings = examine(healthy.at())
    assert "no source of heights answers" in texts(findings, "heights")


def test_missing_data_is_wrong(healthy):
    (healthy.path / "data").rmdir()
    assert {"start", "data"} <= set(wrong(examine(healthy)))


def test_the_go_tools_batch_file_is_named(healthy):
    (healthy.path / "data/upgrade-info.json.batch").write_text("[]")
    assert "batch file" in texts(examine(healthy), "schedule")


def test_a_check_that_fails_by_itself_is_said_and_the_others_go_on(healthy, monkeypatch):
    def broken(_view):
        raise ZeroDivisionError("x")

    monkeypatch.setattr(doctor, "CHECKS", (broken, *doctor.CHECKS))
    findings = examine(healthy)
    assert "cannot check this: ZeroDivisionError" in texts(findings, "broken")
    assert "space" in {finding.check for finding in findings}


def test_lines():
    assert good("a", "b").line() == "✓ a: b"
    assert note("a", "b").line() == "• a: b"
    assert bad("a", "b", "c").line() == "✗ a: b\n    → c"
