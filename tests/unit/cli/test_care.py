"""`doctor`, `adopt`, `explain`, `approve` on the command line."""

from __future__ import annotations

import json
import os

import pytest
from tests.support import facts as given

from cosmovisor.storage import codec


@pytest.fixture
def place(home):
    folder = home / "cosmovisor/genesis/bin"
    folder.mkdir(parents=True)
    (folder / "simd").write_text("#!/bin/sh\n")
    (folder / "simd").chmod(0o755)
    return home


def test_doctor(call, place, environ):
    result = call("doctor")
    assert (result.status, result.err) == (0, "")
    assert "✓ start: would relink genesis" in result.out
    assert result.out.endswith("\nNothing to repair.\n")
    (place / "cosmovisor/genesis/bin/simd").unlink()
    result = call("doctor", "-o", "json")
    said = json.loads(result.out)
    assert (result.status, said["ok"]) == (1, False)
    assert {"check", "outcome", "text", "fix"} == set(said["findings"][0])
    environ.setenv("COSMOVISOR_TRUST", "x")
    result = call("doctor")
    assert result.status == 1
    assert "✗ configuration: COSMOVISOR_TRUST='x'" in result.out
    assert "1 to repair." in result.out


def test_adopt(call, place):
    result = call("adopt")
    assert result.status == 0
    assert "not recorded yet" in result.out
    assert not os.path.lexists(place / "cosmovisor/current")
    result = call("adopt", "--fix", "-o", "json")
    said = json.loads(result.out)
    assert said["decision"]["version"] == "genesis"
    assert len(said["done"]) == 2
    assert os.readlink(place / "cosmovisor/current") == "genesis"
    assert "Nothing had to be done." in call("adopt", "--fix").out
    assert call("adopt", "--use", "v2").status == 64
    assert call("adopt", "--fix", "--use", "v9").status == 1


def test_adopt_refuses_where_nothing_tells(call, home):
    result = call("adopt")
    assert result.status == 0
    result = call("adopt", "--fix")
    assert result.status == 1
    assert "refuse" in result.out


def test_explain(call, home, tmp_path):
    assert call("explain").status == 1
    record = {
        "at": 1.0,
        "row": "below H-1",
        "reason": "why",
        "fix": "do",
        "facts": codec.encode(given.facts()),
    }
    (home / "cosmovisor/decisions.jsonl").write_text(
        json.dumps(record) + "\n" + json.dumps(record | {"row": "two"})
    )
    out = call("explain", "-n", 1).out
    assert "  two\n  why\n  → do\n    plan file: absent\n" in out
    assert [entry["row"] for entry in json.loads(call("explain", "-o", "json").out)] == ["below H-1", "two"]
    assert call("explain", "-n", 0).status == 64
    (home / "cosmovisor/decisions.jsonl").write_text("")
    assert call("explain").status == 1


def test_explain_replays_facts_of_another_machine_without_a_home(call, nothing_set, tmp_path):
    (tmp_path / "facts").write_text(json.dumps(codec.encode(given.facts())))
    result = call("explain", "--facts", tmp_path / "facts")
    assert result.status == 0
    assert "start: " in result.out
    (said,) = json.loads(call("explain", "--facts", tmp_path / "facts", "-o", "json").out)
    assert said["table"] == "start"
    assert said["reason"]
    assert call("explain", "--facts", "/nowhere").status == 1


def test_approve(call, place):
    result = call("approve", "v2")
    assert result.status == 1
    assert "there is no binary at" in result.err
    assert "Next: Put it there: cosmovisor add-upgrade v2 PATH" in result.err
    binary = place / "cosmovisor/upgrades/v2/bin/simd"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    result = call("approve", "v2")
    assert result.status == 1
    assert "was not checked yet" in result.err
    assert call("approve", "..").status == 1
    assert call("approve").status == 64
