"""`backup` and `restore` as the operator types them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.support.nights import Night

from cosmovisor.cli import backup, restore
from cosmovisor.model.errors import BackupError


@pytest.fixture
def night(tmp_path, monkeypatch) -> Night:
    night = Night(tmp_path, keys=60)
    for name in os.environ:
        if name.startswith(("DAEMON_", "COSMOVISOR_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DAEMON_HOME", str(night.home))
    monkeypatch.setenv("DAEMON_NAME", "evmosd")
    monkeypatch.setenv("DAEMON_DATA_BACKUP_DIR", str(night.base))
    return night


def run(*words: str) -> Result:
    command = restore.COMMAND if words[0] == "restore" else backup.COMMAND
    result = CliRunner().invoke(command, words[1:])
    if isinstance(result.exception, BackupError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_backups_are_listed_with_what_they_hold(night):
    assert "There is no backup" in run("backup", "list").stdout
    receipt = night.take()
    assert os.path.basename(receipt.path) in run("backup", "list").stdout
    (row,) = json.loads(run("backup", "list", "-o", "json").stdout)
    assert (row["path"], row["name"], row["height"], row["bytes"]) == (receipt.path, "v2", 42, receipt.size)


def test_a_backup_is_checked_by_name_or_path(night):
    receipt = night.take()
    assert "is whole" in run("backup", "check", os.path.basename(receipt.path)).stdout
    Path(receipt.path, "data", "tree.sqlite").unlink()
    with pytest.raises(BackupError, match=r"tree\.sqlite is missing"):
        run("backup", "check", receipt.path)
    with pytest.raises(BackupError, match="no backup nothing"):
        run("backup", "check", "nothing")


def test_the_next_backup_is_forecast(night, monkeypatch):
    assert "it fits" in run("backup", "forecast").stdout
    found = json.loads(run("backup", "forecast", "-o", "json").stdout)
    assert found["fits"] is True
    assert found["data_bytes"] > 0
    monkeypatch.setenv("COSMOVISOR_BACKUP", "off")
    assert "off" in run("backup", "forecast").stdout


def test_a_restore_tells_what_it_did_and_what_it_left_alone(night):
    receipt = night.take()
    (night.home / "data" / "extra").write_bytes(b"new")
    said = run("restore", os.path.basename(receipt.path)).stdout
    assert not (night.home / "data" / "extra").exists()
    (aside,) = night.home.glob("data-before-restore-*")
    assert (aside / "extra").exists()
    for text in (f"The former data is now {aside}", "The sign-state stays at height 41", "Left alone"):
        assert text in said


def test_a_restore_for_programs(night):
    receipt = night.take()
    done = json.loads(run("restore", receipt.path, "-o", "json").stdout)
    assert done["plan"] == {"name": "v2", "height": 42}
    assert set(done["aside"]) == {"data", "wasm"}
