"""The three questions to a node, and what is refused of its answers."""

from __future__ import annotations

import pytest
from tests.support.scripted_rpc import ScriptedRpc, status

from cosmovisor.chain.rpc import AppInfo, NotServedError, Rpc
from cosmovisor.model.errors import ChainError


def rpc(server: ScriptedRpc, **given: str) -> Rpc:
    return Rpc(server.address, timeout=20, **given)


def test_status_gives_height_chain_node_and_time():
    with ScriptedRpc({"status": status(42)}) as server:
        found = rpc(server).status()
    assert (found.height, found.catching_up, found.chain_id, found.node_id) == (
        42,
        False,
        "test-1",
        "aa" * 20,
    )
    assert found.latest_block_time == pytest.approx(1795425914.052224)
    assert (found.validator, found.power, found.version) == ("AB" * 20, 5, "0.38.12")


def test_a_height_may_be_a_number_too():
    with ScriptedRpc({"status": status(latest_block_height=7)}) as server:
        assert rpc(server).status().height == 7


def test_abci_info_takes_an_absent_height_for_zero():
    with ScriptedRpc({"abci_info": {"response": {"version": "1.2"}}}) as server:
        assert rpc(server).abci_info() == AppInfo(0, "1.2")


@pytest.mark.parametrize(
    "height", [None, "", "-1", "1.5", 1.5, True, [], {}, "9" * 19, "1" * 5000, "0x10", " 7", "٣", -3]
)
def test_a_height_of_another_kind_is_refused(height):
    with ScriptedRpc({"status": status(latest_block_height=height)}) as server, pytest.raises(ChainError):
        rpc(server).status()


def test_another_chain_on_the_port_is_refused():
    with ScriptedRpc({"status": status(chain_id="other-9")}) as server, pytest.raises(ChainError) as caught:
        rpc(server, chain_id="test-1").status()
    assert caught.value.facts["mismatch"] == "chain"
    assert "other-9" in caught.value.cause


def test_another_node_on_the_port_is_refused_once_ours_was_seen():
    with ScriptedRpc({"status": status()}) as server:
        ours = rpc(server)
        ours.status()
        server.results["status"] = status(11, node_id="bb" * 20)
        with pytest.raises(ChainError, match="node"):
            ours.status()


def test_heights_that_go_backwards_are_refused_until_the_node_is_started_again():
    with ScriptedRpc({"status": status(10), "abci_info": {"response": {"last_block_height": "9"}}}) as server:
        ours = rpc(server)
        ours.status()
        ours.abci_info()
        server.results |= {"status": status(9), "abci_info": {"response": {"last_block_height": "8"}}}
        with pytest.raises(ChainError, match="after 10"):
            ours.status()
        with pytest.raises(ChainError, match="after 9"):
            ours.abci_info()
        ours.forget()
        assert (ours.status().height, ours.abci_info().height) == (9, 8)


def test_a_query_returns_the_bytes_of_its_value():
    with ScriptedRpc({"/a.Query/B": lambda params: bytes.fromhex(params["data"])[::-1]}) as server:
        assert rpc(server).abci_query("/a.Query/B", b"\x01\x02") == b"\x02\x01"


def test_a_query_that_the_node_does_not_know_is_told_from_a_failing_one():
    failing = {"response": {"code": 18, "log": "boom", "codespace": "sdk"}}
    with ScriptedRpc({"/a": failing}) as server:
        with pytest.raises(NotServedError):
            rpc(server).abci_query("/b")
        with pytest.raises(ChainError, match="boom") as caught:
            rpc(server).abci_query("/a")
        assert not isinstance(caught.value, NotServedError)


def test_a_node_that_is_down_is_told_from_one_that_answers_nonsense():
    server = ScriptedRpc()
    server.close()
    with pytest.raises(ChainError) as caught:
        rpc(server).status()
    assert caught.value.facts["reached"] is False
