"""Whose answer counts as a height of this node."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted_rpc import ScriptedRpc, status
from tests.support.wal_bytes import block
from tests.unit.supervisor.conftest import make_context

from cosmovisor.model.plan import Plan
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


STORE = Path(__file__).parents[2] / "data" / "halt" / "consensus" / "blockstore.db"
#: The height of the blocks in it.
STORED = 24


def restored(home: Path, *logged: tuple[int, float]) -> Heights:
    """A home whose databases were brought in beside a write-ahead log that was there before."""
    shutil.copytree(STORE, home / "data" / "blockstore.db")
    write_log(home, *logged)
    return Heights(make_context(home, "start"))


def write_log(home: Path, *logged: tuple[int, float]) -> None:
    folder = home / "data" / "cs.wal"
    folder.mkdir(exist_ok=True)
    (folder / "wal").write_bytes(b"".join(block(height, at) for height, at in logged))


def told(heights: Heights) -> tuple[str, int, str]:
    found = heights.living(wanted=True, chain_id="", node_id="")
    return (found.b.strength, found.b.height, found.b.source)


@pytest.mark.parametrize("thorough", [True, False])
def test_the_log_of_a_node_at_rest_is_believed_where_the_block_store_does_not_contradict(home, thorough):
    heights = restored(home, (STORED - 1, 1000.0), (STORED, 1001.0))
    found = heights.at_rest(thorough=thorough)
    assert found.b.height == STORED
    assert found.b.strength == ("exact" if thorough else "at least")
    assert told(heights) == ("at least", STORED, "cs.wal")
    assert heights.record_times((Plan("v2", STORED),)) == ((STORED - 1, 1000.0), (STORED, 1001.0))


def test_a_log_above_the_block_store_belongs_to_other_data_and_tells_nothing(home):
    heights = restored(home, (STORED + 69, 1000.0), (STORED + 70, 1001.0))
    found = heights.at_rest(thorough=True)
    assert (found.b.strength, found.b.height, found.b.source) == ("exact", STORED, "block store")
    heights.begin("", ("start",), 2000.0)
    assert told(heights)[0] == "unknown"
    assert heights.record_times((Plan("v2", STORED + 70),)) == ()
    heights.end(2001.0)
    assert heights.at_rest(thorough=False).b.strength == "unknown"


def test_it_tells_again_what_the_node_writes_into_it_itself(home):
    heights = restored(home, (STORED + 70, 1001.0))
    heights.at_rest(thorough=True)
    heights.begin("", ("start",), 2000.0)
    write_log(home, (STORED + 70, 1001.0), (STORED + 1, 2001.0))
    assert told(heights) == ("at least", STORED + 1, "cs.wal")


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
