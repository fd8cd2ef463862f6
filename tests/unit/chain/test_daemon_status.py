"""`<daemon> status`: standard output alone, bounded in time and size."""

from __future__ import annotations

import json
import time

import pytest
from tests.support.scripted_rpc import status

from cosmovisor.chain import daemon_status
from cosmovisor.model.errors import ChainError


def daemon(tmp_path, script: str) -> str:
    path = tmp_path / "testd"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def says(tmp_path, text: str) -> str:
    (tmp_path / "answer").write_text(text)
    return daemon(
        tmp_path,
        f'echo "warning: noise" >&2; [ "$1 $2 $3" = "status --home /h" ] || exit 3; cat {tmp_path}/answer',
    )


def test_its_standard_output_is_read_and_noise_is_not(tmp_path):
    found = daemon_status.ask(says(tmp_path, json.dumps(status(77))), "/h", 60)
    assert (found.height, found.chain_id) == (77, "test-1")


def test_another_node_is_not_believed(tmp_path):
    with pytest.raises(ChainError, match="speaks of node"):
        daemon_status.ask(says(tmp_path, json.dumps(status(77))), "/h", 60, node_id="cc" * 20)


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", "[" * 100_000, '{"node_info": {}, "sync_info": {}}'])
def test_other_output_is_refused(tmp_path, text):
    with pytest.raises(ChainError):
        daemon_status.ask(says(tmp_path, text), "/h", 60)


def test_a_failing_one_a_missing_one_and_an_endless_one(tmp_path):
    with pytest.raises(ChainError, match="status 3"):
        daemon_status.ask(says(tmp_path, "x"), "/other", 60)
    with pytest.raises(ChainError, match="cannot run"):
        daemon_status.ask(str(tmp_path / "none"), "/h", 60)
    with pytest.raises(ChainError, match="more than"):
        daemon_status.ask(daemon(tmp_path, "head -c 3000000 /dev/zero"), "/h", 60)


def test_a_hanging_one_is_killed_with_its_children(tmp_path):
    started = time.monotonic()
    with pytest.raises(ChainError, match="no result within"):
        daemon_status.ask(daemon(tmp_path, "sleep 600 & sleep 600"), "/h", 0.3)
    assert time.monotonic() - started < 60
