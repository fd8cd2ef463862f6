"""The supervisor's environment for a sync, and when it is given up."""

from __future__ import annotations

import sys

import pytest

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import CosmovisorError, StateError
from cosmovisor.sync import drive
from cosmovisor.sync.drive import Drive, supervisor_command, supervisor_environ
from cosmovisor.sync.plan import Step, SyncPlan
from cosmovisor.sync.progress import Progress


def test_what_the_operator_has_not_set_is_set_for_an_unattended_run():
    environ, changed = supervisor_environ({"A": "b"}, {})
    assert environ == {
        "A": "b",
        "COSMOVISOR_RESTART": "on",
        "COSMOVISOR_BACKUP": "off",
        "DAEMON_RESTART_AFTER_UPGRADE": "true",
    }
    assert changed == ["COSMOVISOR_RESTART=on", "COSMOVISOR_BACKUP=off"]


@pytest.mark.parametrize("variable", ["COSMOVISOR_BACKUP", "UNSAFE_SKIP_BACKUP"])
@pytest.mark.parametrize("origin", ["environment", "file"])
def test_what_the_operator_has_set_about_backups_stays(variable, origin):
    environ, changed = supervisor_environ({}, {variable: origin})
    assert "COSMOVISOR_BACKUP" not in environ
    assert changed == ["COSMOVISOR_RESTART=on"]


def test_the_command_is_the_ordinary_supervisor():
    assert supervisor_command("/c.toml", ["start", "--x"])[1:] == [
        "-m",
        "cosmovisor",
        "run",
        "start",
        "--x",
        "--cosmovisor-config",
        "/c.toml",
    ]


def test_a_supervisor_that_ends_again_and_again_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(drive, "FIRST", 0.0)
    monkeypatch.setattr(drive, "LOOK", 0.001)
    (tmp_path / "cosmovisor").mkdir()
    plan = SyncPlan("", None, (Step("v2", 10),))
    said: list[str] = []
    count = tmp_path / "count"
    driver = Drive(
        Layout(str(tmp_path), "testd"),
        plan,
        None,
        Progress(plan),
        command=[sys.executable, "-S", "-c", f"open({str(count)!r}, 'a').write('x'); raise SystemExit(75)"],
        environ={},
        output=None,
        node=None,
        others=(),
        show=lambda: None,
        say=said.append,
    )
    with pytest.raises(StateError, match="last with 75"):
        driver.run(keep_running=False)
    assert count.read_text() == "x" * drive.TRIES
    assert any("status 75" in line for line in said)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(CosmovisorError):
        drive.open_log(str(tmp_path / "no" / "log"))
