"""The staging process as its parents use it: a plan on standard input, JSON lines back."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner
from tests.support import binaries

from cosmovisor.backup import taking
from cosmovisor.cli.prepare_upgrade import COMMAND
from cosmovisor.model.errors import UsageError
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import EMPTY, ScheduleEntry
from cosmovisor.model.value import replace
from cosmovisor.staging import priority, ready
from cosmovisor.storage import document


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.setattr(priority, "lower", lambda *, urgent: None)  # the test process keeps its own limits
    os.makedirs(tmp_path / "cosmovisor" / "genesis" / "bin")
    binaries.place(str(tmp_path / "cosmovisor/genesis/bin/testd"), binaries.elf())

    def run(document):
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        env = {"DAEMON_HOME": str(tmp_path), "DAEMON_NAME": "testd"}
        result = CliRunner().invoke(COMMAND, ["--supervised"], input=data, env=env)
        return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]

    return run


def test_a_binary_placed_by_hand_is_proven_and_ready(ask, tmp_path):
    layout = binaries.layout(tmp_path)
    path = binaries.place(layout.bin(layout.version_for("V2", True)), binaries.elf(), 0o644)
    code, lines = ask({"name": "V2", "height": 10, "info": "", "urgent": True, "execute": False})
    assert code == 0
    assert [line["event"] for line in lines] == ["progress", "staged"]
    assert (lines[-1]["path"], lines[-1]["source"], lines[-1]["committed"]) == (path, "hand", True)
    assert isinstance(ready.check(binaries.settings(tmp_path), layout, Plan("V2", 10)), StagedBinary)


def test_a_binary_that_cannot_run_is_refused_with_reason_and_fix(ask, tmp_path):
    layout = binaries.layout(tmp_path)
    binaries.place(layout.bin(layout.version_for("v2", True)), b"")
    code, lines = ask({"name": "v2", "height": 10})
    assert code == 1
    assert lines[-1]["event"] == "failed"
    assert "0 bytes" in lines[-1]["reason"]
    assert lines[-1]["fix"]
    assert lines[-1]["retry_after"] > 0


def test_a_file_that_is_still_written_is_tried_again_soon(ask, tmp_path):
    layout = binaries.layout(tmp_path)
    path = binaries.place(layout.bin(layout.version_for("v2", True)), binaries.elf())
    with open(path, "ab"):
        code, lines = ask({"name": "v2", "height": 10})
    assert code == 1
    assert "still being written" in lines[-1]["reason"]
    assert lines[-1]["retry_after"] <= 1
    assert ask({"name": "v2", "height": 10})[0] == 0


@pytest.mark.parametrize(
    "document",
    [
        b"", b"{", b"[]", b"null", b"{}", {"name": "v2"}, {"height": 1}, {"name": 1, "height": 1},
        {"name": "..", "height": 1}, {"name": "", "height": 1}, {"name": "v2", "height": "1"},
        {"name": "v2", "height": True}, {"name": "v2", "height": 1, "info": []},
        {"name": "v2", "height": 1, "urgent": "yes"}, b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_request_that_is_no_plan_ends_with_a_reason(ask, document):
    code, lines = ask(document)
    assert code == 1
    assert [line["event"] for line in lines] == ["failed"]
    assert lines[0]["reason"]


def test_without_a_plan_of_the_chain_the_schedule_is_prepared(tmp_path, monkeypatch):
    monkeypatch.setattr(priority, "lower", lambda *, urgent: None)
    os.makedirs(tmp_path / "cosmovisor" / "genesis" / "bin")
    binaries.place(str(tmp_path / "cosmovisor/genesis/bin/testd"), binaries.elf())
    layout = binaries.layout(tmp_path)
    version = layout.version_for("v7", True)
    path = binaries.place(layout.bin(version), binaries.elf(), 0o755)
    entry = ScheduleEntry(Plan("v7", 900), version, exact=False, source="add-upgrade", added_at=1.0)
    document.save(layout.state_file, replace(EMPTY, schedule=(entry,)))
    env = {"DAEMON_HOME": str(tmp_path), "DAEMON_NAME": "testd"}
    for words in ([], ["V7"]):
        monkeypatch.setattr("cosmovisor.cli.prepare_upgrade._from_chain", lambda session: None)
        result = CliRunner().invoke(COMMAND, words, env=env)
        assert result.exit_code == 0, result.output
        assert f"Upgrade preparation complete: {path}" in result.output
    result = CliRunner().invoke(COMMAND, ["v8"], env=env)
    assert isinstance(result.exception, UsageError)
    assert "v8 is not in the operator's schedule" in result.exception.cause


def test_room_for_the_backup_of_the_nodes_own_home_is_looked_at(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(taking, "free_space", lambda folder: 1 << 20)
    node_home = tmp_path / "elsewhere"
    (node_home / "data" / "application.db").mkdir(parents=True)
    (node_home / "data" / "application.db" / "000001.ldb").write_bytes(b"x" * 1000)
    layout = binaries.layout(tmp_path)
    binaries.place(layout.bin(layout.version_for("v2", True)), binaries.elf())
    code, lines = ask({"name": "v2", "height": 10, "node_home": str(node_home)})
    assert code == 0
    assert any("the backup will not fit" in text for text in lines[-1]["warnings"])
    assert lines[-1]["confidence"] == {"level": "unconfirmed", "text": "placed by hand"}
