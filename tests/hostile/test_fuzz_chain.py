"""Random bytes at every reader of the chain room: an error of ours or a value that is possible, never anything else.

`make fuzz` runs the same for much longer.
"""

from __future__ import annotations

import json
import pathlib
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.chain import answer, genesis, gov, keys, rpc, sign_state, upgrade, wal
from cosmovisor.chain.address import rpc_address
from cosmovisor.chain.messages import chain_pb2 as m
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from tests.support.fuzzing import fuzz, mutated
from tests.support.scripted_rpc import status
from tests.support.wal_bytes import block, end_height, noise

DATA = pathlib.Path(__file__).parents[1] / "data"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def last(data: bytes) -> wal.EndHeight | None:
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "wal").write_bytes(data)
        return wal.last_end_height(folder)


CHAIN = b"".join(block(height, 1_800_000_000.0 + height) for height in range(1, 30))


@fuzz(150)
@given(st.binary(max_size=3000))
def test_random_bytes_are_no_log(data):
    assert last(data) is None or last(data).height >= 0


@fuzz(150)
@given(mutated(CHAIN))
def test_a_damaged_log_gives_only_heights_that_were_written(data):
    found = last(data)
    if found is not None:
        assert 1 <= found.height <= 29
        assert found.time == 1_800_000_000.0 + found.height


@fuzz(100)
@given(mutated((DATA / "cs-wal" / "node-a-torn.wal").read_bytes()))
def test_a_damaged_log_of_a_real_node_gives_only_its_heights(data):
    found = last(data)
    assert found is None or 0 <= found.height <= 25


@fuzz(100)
@given(
    st.lists(
        st.one_of(
            st.integers(1, 40).map(noise),
            st.just(noise(700, end_height(999_999) + noise(20))),
            st.binary(min_size=1, max_size=60),
            st.just(None),
        ),
        max_size=12,
    ),
    st.integers(0, 800),
)
def test_heights_planted_by_others_are_never_believed_whatever_is_torn(parts, cut):
    data, height = b"", 0
    for part in parts:
        if part is None:
            height += 1
            data += end_height(height)
        else:
            data += part
    torn = noise(700, end_height(999_999))[: cut or None]
    found = last(block(0) + data + torn)
    assert found is None or found.height <= height


@fuzz(200)
@given(st.binary(max_size=400))
def test_random_bytes_are_no_message(data):
    for read in (
        upgrade.decode_current_plan,
        lambda data: gov.decode_proposals(data, gov.PROPOSALS_V1),
        lambda data: gov.decode_proposals(data, gov.PROPOSALS_V1BETA1),
        gov.decode_tally,
    ):
        try:
            found = read(data)
        except ChainError:
            continue
        assert found is None or isinstance(found, (Plan, tuple, gov.Tally))


def packed(name: str, message) -> m.Packed:
    return m.Packed(type_url=b"/cosmos." + name.encode(), value=message.SerializeToString())


PROPOSALS = m.ProposalsResponseV1(
    proposals=[
        m.ProposalV1(
            id=4,
            status=2,
            title=b"title",
            voting_end_time=m.Moment(seconds=9),
            messages=[
                packed(
                    "authz.v1beta1.MsgExec",
                    m.AuthzExec(
                        msgs=[
                            packed(
                                "upgrade.v1beta1.MsgSoftwareUpgrade",
                                m.SoftwareUpgrade(
                                    authority=b"a", plan=m.Plan(name=b"v2", height=77, info=b"{}")
                                ),
                            )
                        ]
                    ),
                )
            ],
        )
    ]
).SerializeToString()


@fuzz(200)
@given(mutated(PROPOSALS))
def test_damaged_proposals_are_refused_or_still_proposals(data):
    try:
        found, key = gov.decode_proposals(data, gov.PROPOSALS_V1)
    except ChainError:
        return
    assert isinstance(key, bytes)
    for one in found:
        assert one.plans or one.cancels
        assert all(plan.height > 0 and plan.name for plan in one.plans)


@fuzz(150)
@given(json_values)
def test_json_of_any_shape_is_no_status(value):
    for read in (
        rpc.parse_status,
        lambda value: rpc.parse_query(value, "/p", "x"),
        lambda value: answer.height(value, "h"),
    ):
        try:
            read(value)
        except ChainError:
            continue


@fuzz(150)
@given(st.sampled_from(["node_info", "sync_info", "validator_info"]), st.text(max_size=20), json_values)
def test_a_status_with_one_field_of_any_kind_is_refused_or_the_same(part, name, value):
    whole = status(10)
    names = [*whole[part], name]
    for field in names:
        changed = {**whole, part: {**whole[part], field: value}}
        try:
            found = rpc.parse_status(changed)
        except ChainError:
            continue
        assert 0 <= found.height < 1 << 63
        assert isinstance(found.catching_up, bool)
        assert found.chain_id
        assert found.latest_block_time >= 0


@fuzz(150)
@given(mutated(json.dumps({"jsonrpc": "2.0", "id": 1, "result": status(10)}).encode()))
def test_a_damaged_answer_is_refused_or_still_a_status(data):
    try:
        found = rpc.parse_status(rpc.result_of(data, "x"))
    except ChainError:
        return
    assert 0 <= found.height < 1 << 63


@fuzz(150)
@given(
    st.one_of(
        st.binary(max_size=300),
        mutated(b'{"height":"42","round":0,"step":3,"signature":"AA==","signbytes":"00"}'),
    )
)
def test_any_sign_state_is_one_of_the_kinds(data):
    found = sign_state.parse(data)
    assert found.kind in {"signed", "zeroed", "malformed"}
    assert (found.kind == "malformed") == bool(found.reason)
    assert (found.kind == "signed") == (found.position > (0, 0, 0))


@fuzz(80)
@given(
    st.one_of(
        st.binary(max_size=500),
        mutated(json.dumps({"app": {"chain_id": "no"}, "chain_id": "yes-1", "z": [1]}).encode()),
    )
)
def test_any_genesis_gives_a_text_and_never_a_nested_one(data):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "genesis.json")
        path.write_bytes(data)
        found = genesis.chain_id(str(path))
        assert isinstance(found, str)
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return
        if (
            isinstance(document, dict)
            and data.count(b"chain_id") == 2
            and isinstance(document.get("chain_id"), str)
        ):
            assert found in {document["chain_id"], ""}


@fuzz(80)
@given(
    st.one_of(
        st.binary(max_size=300), mutated(b'[rpc]\nladdr = "tcp://0.0.0.0:26657"\npriv_validator_laddr = ""\n')
    )
)
def test_any_configuration_of_the_node_gives_an_address_or_none(data):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "config").mkdir()
        pathlib.Path(folder, "config", "config.toml").write_bytes(data)
        found = rpc_address(["start"], {}, "testd", folder)
        assert found == "" or "://" in found
        assert keys.signing(["start"], {}, "testd", folder).validator == ""
