"""The version that nodes past the height run is compared with what the new binary says of itself."""

from __future__ import annotations

import json
import os
import time

import pytest
from tests.support import binaries
from tests.support.scripted_rpc import ScriptedRpc, status
from tests.support.staging_home import PROGRAM, Home

from cosmovisor.model import confidence
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.value import replace
from cosmovisor.staging import ready
from cosmovisor.staging.prepare import Surroundings, prepare
from cosmovisor.staging.prove import Probed
from cosmovisor.staging.request import Request
from cosmovisor.staging.upgraded import Around, ask

CHAIN = "test-1"


@pytest.fixture
def node():
    """Makes a node at a height, with an application of a version."""
    made = []

    def make(height=120, version="v2.0.1", *, app=None, chain=CHAIN, **more):
        results = {
            "status": status(height, chain, **more.pop("sync", {})),
            "abci_info": {
                "response": {
                    "data": "testd",
                    "version": version,
                    "last_block_height": str(height if app is None else app),
                }
            },
            **more,
        }
        found = ScriptedRpc(results)
        made.append(found)
        return found

    yield make
    for found in made:
        found.close()


def around(*extra, own="", chain=CHAIN, refusal=lambda _: ""):
    return Around(chain, own, tuple(one.address for one in extra), refusal)


def peer(node, *, bound="0.0.0.0", chain=CHAIN, ip="127.0.0.1"):
    """A row of `net_info` for a node that offers its RPC."""
    return {
        "node_info": {"network": chain, "other": {"rpc_address": f"tcp://{bound}:{node.port}"}},
        "remote_ip": ip,
    }


@pytest.mark.parametrize("says", ["2.0.1", "v2.0.1", "V2.0.1"])
def test_the_same_version_agrees_however_its_v_is_written(node, says):
    found = ask(around(node(), node()), 100, says)
    assert (found.kind, found.verdict) == ("peers", "agrees")
    assert "2 of 2 nodes" in found.text


def test_another_version_contradicts_and_both_are_named(node):
    found = ask(around(node(version="2.0.2"), node(version="2.0.2")), 100, "2.0.1")
    assert found.verdict == "contradicts"
    assert "2.0.2" in found.text
    assert "2.0.1" in found.text


def test_one_of_three_is_no_majority(node):
    nodes = (node(), node(version="9"), node(version="9"))
    assert ask(around(*nodes), 100, "2.0.1").verdict == "contradicts"
    assert ask(around(*nodes), 100, "9").verdict == "agrees"


def test_a_binary_that_says_nothing_is_not_compared(node):
    found = ask(around(node()), 100, "")
    assert found.verdict == "silent"
    assert "v2.0.1" in found.text


@pytest.mark.parametrize(
    "how",
    [
        {"height": 99},
        {"app": 99},
        {"chain": "other-1"},
        {"version": ""},
        {"version": 7},
        {"abci_info": {"response": []}},
        {"status": {}},
    ],
    ids=[
        "before the height",
        "halted at it",
        "other chain",
        "no version",
        "a number",
        "garbage",
        "no status",
    ],
)
def test_a_node_that_has_not_upgraded_or_cannot_be_believed_is_not_heard(node, how):
    assert ask(around(node(**how)), 100, "2.0.1") is None


def test_where_our_chain_is_not_known_nobody_is_asked(node):
    one = node()
    assert ask(around(one, chain=""), 100, "2.0.1") is None
    assert not one.requests


def test_a_huge_answer_and_a_silent_one_cost_little_time(node):
    def huge(sock, _body):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
        for _ in range(2000):
            sock.sendall(bytes(1 << 16))

    bad, slow = ScriptedRpc(raw=huge), ScriptedRpc(raw=lambda _sock, _body: time.sleep(300))
    try:
        began = time.monotonic()
        found = ask(around(bad, slow, node()), 100, "2.0.1")
        assert time.monotonic() - began < 100
        assert found.verdict == "agrees"
    finally:
        bad.close()
        slow.close()


def test_peers_are_asked_where_our_own_node_is_behind(node):
    public = node(version="2.0.5")
    own = node(50, net_info={"peers": [peer(public)]}, sync={"catching_up": True})
    found = ask(around(own=own.address), 100, "2.0.1")
    assert found.verdict == "contradicts"
    assert found.source == f"tcp://127.0.0.1:{public.port}"


def test_peers_are_left_alone_before_the_height(node):
    public = node()
    own = node(50, net_info={"peers": [peer(public)]})
    assert ask(around(own=own.address), 100, "2.0.1") is None
    assert own.requests == ["status"]
    assert not public.requests


def test_a_peer_that_listens_for_itself_only_or_at_an_inner_address_is_not_asked(node):
    public = node()
    rows = [
        peer(public, bound="127.0.0.1"),
        peer(public, chain="other-1"),
        peer(public, ip="not an address"),
        {"node_info": None},
        7,
        {"node_info": {"network": CHAIN, "other": {"rpc_address": "tcp://0.0.0.0:70000"}}, "remote_ip": "127.0.0.1"},
    ]  # fmt: skip
    own = node(50, net_info={"peers": rows}, sync={"catching_up": True})
    assert ask(around(own=own.address), 100, "2.0.1") is None
    inner = node(50, net_info={"peers": [peer(public)]}, sync={"catching_up": True})
    assert ask(around(own=inner.address, refusal=lambda _: "a loopback address"), 100, "2.0.1") is None
    assert not public.requests


def test_only_some_peers_are_asked(node):
    peers = [node() for _ in range(9)]
    own = node(50, net_info={"peers": [peer(one) for one in peers]}, sync={"catching_up": True})
    assert "6 of 6" in ask(around(own=own.address), 100, "2.0.1").text
    assert sum(bool(one.requests) for one in peers) == 6


# In a whole run -------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    os.makedirs(f"{found.home}/config")
    with open(f"{found.home}/config/genesis.json", "w", encoding="utf-8") as file:
        json.dump({"chain_id": CHAIN}, file)
    with open(f"{found.home}/config/config.toml", "w", encoding="utf-8") as file:
        file.write('[rpc]\nladdr = ""\n')
    yield found
    found.close()


def stage(home, *nodes, says="2.0.1", trust="warn", **flags):
    home.settings = replace(
        home.settings, cosmovisor_extra_rpc=tuple(one.address for one in nodes), cosmovisor_trust=trust
    )
    around = Surroundings(
        home.settings,
        home.layout,
        dict(os.environ),
        network=home.network,
        probes=lambda *_: Probed(says=says),
        node_home=str(home.home),
    )
    return prepare(around, Request(Plan("v2", 100, ""), **flags), home.said.append)


def staged(home):
    found = ready.check(home.settings, home.layout, Plan("v2", 100, ""))
    assert isinstance(found, StagedBinary), found
    return confidence.of(found.trust, found.opinions)


def test_a_binary_placed_by_hand_is_confirmed_by_the_nodes_that_have_upgraded(home, node):
    binaries.place(home.path(), PROGRAM)
    stage(home, node())
    assert staged(home).level == "confirmed"
    assert "placed by hand" in staged(home).text


@pytest.mark.parametrize("trust", ["warn", "require"])
def test_another_version_is_loud_and_never_blocks_since_it_is_only_their_word(home, node, trust):
    binaries.place(home.path(), PROGRAM)
    found = stage(home, node(version="6.6.6"), trust=trust)
    assert staged(home).level == "contradicted"
    assert [proof.outcome for proof in found.proofs if proof.name == "confidence"] == ["warning"]


def test_what_is_learned_at_the_recheck_takes_the_place_of_what_was_learned_before(home, node):
    binaries.place(home.path(), PROGRAM)
    stage(home, node(50))
    assert staged(home).level == "unconfirmed"
    stage(home, node(), recheck=True)
    assert staged(home).level == "confirmed"
    stage(home, node(version="3"), recheck=True)
    assert staged(home).level == "contradicted"
    assert len(staged(home).opinions) == 1


def test_at_the_height_and_for_a_proposal_nobody_is_asked(home, node):
    binaries.place(home.path(), PROGRAM)
    other = node()
    stage(home, other, urgent=True)
    stage(home, other, execute=False)
    assert not other.requests
