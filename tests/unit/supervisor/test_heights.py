"""Whose answer counts as a height of this node."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_rpc import ScriptedRpc, status
from tests.unit.supervisor.conftest import make_context

from cosmovisor.supervisor.heights import Found, Heights

NODE_KEY = bytes(range(64))
NODE_ID = hashlib.sha256(NODE_KEY[32:]).hexdigest()[:40]
OWN = status(10, "own-1", NODE_ID)
#: Another chain, and another node of the same chain, far ahead of ours.
STRANGERS = (status(900_000, "other-9", "cd" * 20), status(900_000, "own-1", "cd" * 20))


@pytest.fixture
def rpc() -> Iterator[ScriptedRpc]:
    with ScriptedRpc({"abci_info": {"response": {"last_block_height": "9"}}}) as server:
        yield server


def sources(home: Path, rpc: ScriptedRpc, *, files: bool = True) -> Heights:
    config = home / "config"
    config.mkdir(exist_ok=True)
    if files:
        key = {"type": "tendermint/PrivKeyEd25519", "value": base64.b64encode(NODE_KEY).decode()}
        (config / "node_key.json").write_text(json.dumps({"priv_key": key}))
        (config / "genesis.json").write_text(json.dumps({"chain_id": "own-1"}))
    return Heights(make_context(home, "start", "--rpc.laddr", rpc.address))


def ask(heights: Heights, rpc: ScriptedRpc, answer: Any, chain_id: str = "") -> Found:
    rpc.results["status"] = answer
    return heights.living(wanted=False, chain_id=chain_id, node_id="")


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_stranger_that_answers_first_is_never_believed_and_the_node_is_afterwards(home, rpc, stranger):
    heights = sources(home, rpc)
    found = ask(heights, rpc, stranger)
    assert (found.b.strength, found.chain_id) == ("unknown", "")
    found = ask(heights, rpc, OWN)
    assert (found.b.strength, found.b.height, found.chain_id) == ("exact", 10, "own-1")
    assert ask(heights, rpc, stranger).b.strength == "unknown"


def test_a_chain_that_is_remembered_from_before_a_new_genesis_does_not_silence_the_node(home, rpc):
    assert ask(sources(home, rpc), rpc, OWN, chain_id="old-1").b.height == 10


def test_where_no_file_tells_the_remembered_chain_must_answer(home, rpc):
    heights = sources(home, rpc, files=False)
    assert ask(heights, rpc, STRANGERS[0], chain_id="own-1").b.strength == "unknown"
    assert ask(heights, rpc, OWN, chain_id="own-1").b.height == 10


def test_a_program_that_does_not_name_its_node_is_known_by_its_chain(home, rpc):
    assert ask(sources(home, rpc), rpc, status(10, "own-1", "")).b.height == 10
