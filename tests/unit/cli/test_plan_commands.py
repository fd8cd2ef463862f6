"""check-plan and make-plan as commands: report, JSON, exit status, errors."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from tests.support import binaries
from tests.support.file_server import Server, public
from tests.support.staging_home import sha256

from cosmovisor.cli import check_plan, make_plan
from cosmovisor.staging import network

PROGRAM = binaries.elf(binaries.AMD64)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(network, "Network", public)
    found = Server()
    found.files["/testd"] = PROGRAM
    yield found
    found.close()


def run(command, *words, **given):
    return CliRunner().invoke(command.COMMAND, list(words), **given)


def test_check_plan_reports_and_ends_with_0_for_a_good_plan(server, tmp_path):
    info = json.dumps(
        {"binaries": {"linux/amd64": server.url("/testd") + f"?checksum=sha256:{sha256(PROGRAM)}"}}
    )
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"name": "v2", "height": 5, "info": info}))
    for words, text in (([str(path)], None), (["-"], path.read_text()), ([info], None)):
        result = run(check_plan, *words, "--daemon", "testd", input=text)
        assert result.exit_code == 0, result.output
        assert "| this cosmovisor | ✓ |" in result.stdout
    found = json.loads(run(check_plan, str(path), "--daemon", "testd", "-o", "json").stdout)
    assert found["good"] is True
    assert found["verdicts"]["Go 1.7.1"]["linux/amd64"]["works"] is True


def test_check_plan_ends_with_1_for_a_bad_one(server):
    result = run(check_plan, '{"binaries":{"linux/amd64":"https://x"}', "--daemon", "testd")
    assert result.exit_code == 1
    assert "brace is missing" in result.stdout


def test_check_plan_needs_the_daemons_name(server, monkeypatch):
    monkeypatch.delenv("DAEMON_NAME", raising=False)
    assert "--daemon" in run(check_plan, "{}").exception.next_step


def test_make_plan_prints_a_list_for_a_local_file(server, tmp_path):
    path = binaries.place(str(tmp_path / "testd"), PROGRAM)
    result = run(make_plan, f"linux/amd64={path}@https://example.org/testd")
    assert json.loads(result.stdout) == {
        "binaries": {"linux/amd64": f"https://example.org/testd?checksum=sha256:{sha256(PROGRAM)}"}
    }
