"""What the scout's process takes from outside, and what it prints."""

from __future__ import annotations

import io
import json

import pytest
from tests.support.scripted_rpc import ScriptedRpc, status

from cosmovisor.chain.gov import VOTING, Proposal, Tally
from cosmovisor.chain.rpc import NodeStatus
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from cosmovisor.scout import process
from cosmovisor.scout.eta import Mark, estimate
from cosmovisor.scout.follower import Follower
from cosmovisor.scout.sources import Sources

V2 = Plan("v2", 100, "info")


@pytest.mark.parametrize(
    ("data", "orders"),
    [
        (b'{"arguments": ["start", "--x"], "supervisor": 12}\n', (["start", "--x"], 12)),
        (b'{"arguments": [1, "a"]}', (["a"], 0)),
        (b'{"arguments": "x", "supervisor": "1"}', ([], 0)),
        (b"", ([], 0)),
        (b"[]", ([], 0)),
        (b"[" * 99_999, ([], 0)),
        (b"\xff\xfe\xff", ([], 0)),
    ],
)
def test_the_supervisor_gives_the_nodes_arguments_and_its_own_number(data, orders):
    assert process.orders(data) == orders


def test_a_scout_whose_supervisor_ended_before_it_could_say_a_word_ends_too(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "limit", lambda: None)
    layout = Layout(str(tmp_path), "testd")
    assert process.supervised(settings(tmp_path), layout, None, {}, io.BytesIO(b"")) == 0


@pytest.mark.parametrize(
    ("snapshot", "known"),
    [
        (None, (None, 0)),
        ({}, (None, 0)),
        ({"known_plan": None, "heights": {"block": None}}, (None, 0)),
        (
            {
                "known_plan": {"name": "v2", "height": 100, "info": "info"},
                "heights": {"block": {"height": 7}},
            },
            (V2, 7),
        ),
        ({"known_plan": {"name": "v2", "height": "x"}, "heights": {"block": {"height": "7"}}}, (None, 0)),
    ],
)
def test_what_the_supervisor_knows_is_remembered(snapshot, known):
    assert process.known(snapshot) == known


def follower(**given) -> Follower:
    made = Follower(Sources([]), None, None, lambda *_: None)
    for name, value in given.items():
        setattr(made, name, value)
    return made


def test_the_text_says_plan_estimate_and_proposals():
    one = follower(
        status=NodeStatus(40, True, "id", "test-1", 0.0, "x"),
        source="tcp://h:1",
        eta=estimate([Mark(20, 0.0), Mark(30, 60.0), Mark(40, 120.0)], 100, 120.0),
    )
    one.story.plan = V2
    one.story.proposals = (
        Proposal(7, VOTING, plans=(Plan("v3", 500),), tally=Tally(1, 2, 3, 4), voting_end=420.0),
        Proposal(8, VOTING, cancels=True, voting_end=120.0),
    )
    assert process.text(one, 120.0).splitlines() == [
        "chain test-1, height 40, catching up (from tcp://h:1)",
        "upgrade 'v2' is scheduled at height 100",
        "  expected in 6 min (between 5 min 54 s and 6 min 6 s; 60 blocks, 6.00 s each over the last 20)",
        "proposal 7 in voting: upgrade 'v3' at 500, ends in 5 min; yes 1, no 3, veto 4",
        "proposal 8 in voting: cancels the upgrade, ends in 0 s",
    ]
    assert process.text(follower(), 0.0).splitlines() == ["no node answers", "no upgrade is scheduled"]


def settings(tmp_path, **given) -> Settings:
    return Settings(daemon_home=str(tmp_path), daemon_name="testd", **given)


def test_one_look_prints_what_another_node_says_while_ours_is_down(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "genesis.json").write_text('{"chain_id": "test-1"}')
    (tmp_path / "config" / "config.toml").write_text('[rpc]\nladdr = ""\n')
    lines: list[str] = []
    results = {"status": status(10), "/cosmos.upgrade.v1beta1.Query/CurrentPlan": b""}
    with ScriptedRpc(results) as server:
        extra = (f"http://user:secret@127.0.0.1:{server.port}/?token=secret",)
        given = settings(tmp_path, cosmovisor_extra_rpc=extra, daemon_grpc_address="")
        assert process.alone(given, {}, str(tmp_path), once=True, as_json=True, show=lines.append) == 0
    document = json.loads(lines[0])
    assert (document["height"], document["chain_id"], document["plan"]) == (10, "test-1", None)
    assert "secret" not in lines[0]


def test_one_look_without_a_node_is_an_error_with_a_next_step(tmp_path):
    with pytest.raises(ChainError) as caught:
        process.alone(
            settings(tmp_path),
            {"TESTD_RPC_LADDR": "tcp://127.0.0.1:1"},
            str(tmp_path),
            once=True,
            as_json=False,
            show=print,
        )
    assert "no node answers" in caught.value.cause
    assert "COSMOVISOR_EXTRA_RPC" in caught.value.next_step
