"""Captured answers of four real chains and hand-checked wire vectors: what we read is what they say."""

from __future__ import annotations

import json
import pathlib

import pytest

from cosmovisor.chain import gov, rpc, sign_state, upgrade
from cosmovisor.chain.messages import chain_pb2 as messages
from cosmovisor.model.plan import Plan

FIXTURES = pathlib.Path(__file__).parents[1] / "data" / "fixtures"
CHAINS = {
    "evmos-v19.2.1-v20.0.0": ("evmos_9000-1", "v20.0.0", "0.37.9", "evmos10d07y265gmmuvt4z0w9aw880jnsr700jcrztvm"),
    "simapp-v0.47.17-v0.50.13": ("simapp-local-1", "v047-to-v050", "0.37.5", "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn"),
    "simapp-v0.50.13-v0.53.0-rc.2": ("simapp-local-1", "v050-to-v053", "0.38.17", "cosmos10d07y265gmmuvt4z0w9aw880jnsr700j6zn9kn"),
    "wasmd-v0.55.1-v0.60.8": ("wasmd-local-1", "v0.60", "0.38.15", "wasm10d07y265gmmuvt4z0w9aw880jnsr700js7zslc"),
}  # fmt: skip
MOMENTS = ["1-running", "2-voting", "3-plan-passed", "4-halted", "6-upgraded"]

PLAN = "0a2c0a077632302e302e30120b088092b8c398feffffff0118c0e7fb0a220f7b2262696e6172696573223a7b7d7d"
PROPOSAL = (
    "0a920108ac02128a010a2a2f636f736d6f732e757067726164652e763162657461312e4d7367536f6674776172655570677261646512"
    "5c0a2c65766d6f73313064303779323635676d6d757674347a30773961773838306a6e73723730306a63727a74766d122c0a07763230"
    "2e302e30120b088092b8c398feffffff0118c0e7fb0a220f7b2262696e6172696573223a7b7d7d1802"
)


class Captured:
    """Answers with what was captured at a moment, and only if it is asked what was asked then."""

    def __init__(self, chain: str, moment: str) -> None:
        self.folder = FIXTURES / chain
        self.moment = moment

    def result(self, name: str) -> object:
        data = (self.folder / f"{self.moment}.{name}.response.json").read_bytes()
        return rpc.result_of(data, name)

    def abci_query(self, path: str, data: bytes = b"") -> bytes:
        name = {"CurrentPlan": "current_plan", "AppliedPlan": "applied_plan", "Authority": "authority"}.get(
            path.rpartition("/")[2], "proposals"
        )
        asked = json.loads((self.folder / f"{self.moment}.{name}.request.json").read_bytes())["params"]
        ours = rpc.query_params(path, data)
        assert ours["path"] == asked["path"]
        if name == "applied_plan":
            assert ours == asked
        return rpc.parse_query(self.result(name), path, "captured")


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_status_and_abci_info_of_a_real_node(chain, moment):
    captured = Captured(chain, moment)
    status = rpc.parse_status(captured.result("status"))
    facts = captured.result("abci_info")["response"]
    assert status.chain_id == CHAINS[chain][0]
    assert len(status.node_id) == 40
    assert status.power == 1000
    assert status.latest_block_time > 1_790_000_000
    application = int(facts.get("last_block_height", "0"))
    if moment == "4-halted":
        assert (status.height, application) == (42, 41)
    else:
        assert abs(status.height - application) <= 1


@pytest.mark.parametrize("chain", CHAINS)
def test_the_plan_is_seen_when_it_has_passed_until_it_is_applied(chain):
    plans = {moment: upgrade.current_plan(Captured(chain, moment)) for moment in MOMENTS}
    assert plans["1-running"] is plans["2-voting"] is plans["6-upgraded"] is None
    halt = json.loads((FIXTURES / chain / "4-halted.upgrade-info.json").read_bytes())
    assert plans["3-plan-passed"] == plans["4-halted"] == Plan(CHAINS[chain][1], 42, halt["info"])
    assert halt["name"] == CHAINS[chain][1]


@pytest.mark.parametrize("chain", CHAINS)
def test_the_proposal_is_seen_in_voting_with_the_same_plan(chain):
    (proposal,) = gov.proposals(Captured(chain, "2-voting"))
    assert proposal.plans == (upgrade.current_plan(Captured(chain, "3-plan-passed")),)
    assert (proposal.id, proposal.status, proposal.cancels, proposal.title) == (
        1,
        gov.VOTING,
        False,
        "upgrade",
    )
    assert proposal.voting_end > 1_790_000_000
    assert gov.proposals(Captured(chain, "1-running")) == ()
    assert gov.proposals(Captured(chain, "6-upgraded"), gov.PASSED)[0].id == 1


@pytest.mark.parametrize("chain", CHAINS)
def test_authority_and_applied_height(chain):
    assert upgrade.authority(Captured(chain, "1-running")) == CHAINS[chain][3]
    name = CHAINS[chain][1]
    assert upgrade.applied_height(Captured(chain, "4-halted"), name) == 0
    assert upgrade.applied_height(Captured(chain, "6-upgraded"), name) == 42


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("moment", ["running", "halted", "upgraded"])
def test_the_status_command_of_a_real_daemon_is_read_in_both_spellings(chain, moment):
    data = json.loads((FIXTURES / chain / f"status.{moment}.stdout").read_bytes())
    status = rpc.parse_status(data)
    assert status.chain_id == CHAINS[chain][0]
    assert status.height >= 5
    assert status.power == 1000


@pytest.mark.parametrize("chain", CHAINS)
def test_the_sign_state_at_the_halt_is_at_its_height(chain):
    found = sign_state.load(str(FIXTURES / chain / "4-halted.priv_validator_state.json"))
    assert (found.kind, found.height) == ("signed", 42)


def test_wire_vectors_of_the_plan():
    assert upgrade.decode_current_plan(b"") is None
    assert upgrade.decode_current_plan(bytes.fromhex(PLAN)) == Plan("v20.0.0", 23_000_000, '{"binaries":{}}')


def test_wire_vectors_of_proposals():
    ((proposal,), key) = gov.decode_proposals(bytes.fromhex(PROPOSAL), gov.PROPOSALS_V1)
    assert (proposal.id, proposal.status, key) == (300, 2, b"")
    assert proposal.plans == (Plan("v20.0.0", 23_000_000, '{"binaries":{}}'),)
    request = messages.ProposalsRequest(status=2, pagination=messages.PageRequest(limit=20, reverse=True))
    assert request.SerializeToString().hex() == "0802220418142801"


def test_wire_vectors_of_applied_plans():
    assert messages.AppliedPlanRequest(name="v19.2.0").SerializeToString().hex() == "0a077631392e322e30"

    class Answers:
        def abci_query(self, path: str, data: bytes = b"") -> bytes:
            return bytes.fromhex("08ecafed0a")

    assert upgrade.applied_height(Answers(), "v19.2.0") == 22_763_500
