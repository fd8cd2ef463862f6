"""What the demo chain leaves on disk is read by the readers of real nodes' files."""

from __future__ import annotations

import json

import pytest
from tests.support.world import World

from cosmovisor.chain import address, block_store, keys, rpc, sign_state, wal
from cosmovisor.demo import leveldb, wire


@pytest.fixture(scope="module")
def halted(tmp_path_factory):
    """A node that stands at its upgrade height, alive."""
    world = World(tmp_path_factory.mktemp("halted"), block_interval=0.02)
    world.genesis("v1")
    world.init(history=[{"at": 2, "plan": {"name": "v2", "height": 9}}])
    world.node_alone()
    world.until_halted(9)
    yield world
    world.close()


def test_the_rpc_address_is_found_in_the_configuration(halted):
    assert (
        address.rpc_address(["start", "--home", str(halted.node_home)], {}, "demod", str(halted.node_home))
        == halted.laddr
    )


def test_the_answers_are_read(halted):
    node = rpc.Rpc(halted.laddr, 5.0)
    assert (node.status().height, node.status().chain_id) == (9, "demo-1")
    assert (node.abci_info().height, node.abci_info().version) == (8, "1.0.0")


def test_the_write_ahead_log_ends_with_the_upgrade_height(halted):
    last = wal.last_end_height(str(halted.data / "cs.wal"))
    assert last is not None
    assert last.height == 9


def test_the_sign_state_is_read(halted):
    state = sign_state.load(str(halted.data / "priv_validator_state.json"))
    assert (state.height, state.round, state.step) == (9, 0, 3)


def test_the_validator_key_and_the_chain_id_are_read(halted):
    arguments = ["start", "--home", str(halted.node_home)]
    expected = json.loads((halted.node_home / "config" / "priv_validator_key.json").read_text())["address"]
    found = keys.signing(arguments, {}, "demod", str(halted.node_home))
    assert (found.validator, found.chain_id) == (expected, "demo-1")


def test_the_block_store_holds_the_height_where_cometbft_keeps_it(halted):
    values, _, _ = leveldb.read(str(halted.data / "blockstore.db"))
    assert dict(wire.fields(values[b"blockStore"])) == {1: 1, 2: 9}


def test_the_block_store_is_read_through_a_clone_when_the_node_is_down(halted, tmp_path):
    pytest.importorskip("plyvel")
    (node,) = halted.others
    node.terminate()
    node.wait(30)
    assert block_store.height(str(halted.data), str(tmp_path)).is_exactly(9)
