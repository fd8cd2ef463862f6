"""Upgrades are found in every form of proposal, and nothing in a proposal can hold or hide us."""

from __future__ import annotations

import pytest

from cosmovisor.chain import gov, upgrade
from cosmovisor.chain.messages import chain_pb2 as m
from cosmovisor.chain.rpc import NotServedError
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan

V2 = Plan("v2", 100, "info")
TYPE = "/cosmos."


def packed(name: str, message) -> m.Packed:
    value = message if isinstance(message, bytes) else message.SerializeToString()
    return m.Packed(type_url=(TYPE + name).encode(), value=value)


def plan(given: Plan = V2) -> m.Plan:
    return m.Plan(
        name=given.name.encode(),
        height=given.height,
        info=given.info.encode(),
        time=m.Moment(seconds=-62135596800),
    )


def upgrade_message(given: Plan = V2) -> m.Packed:
    return packed("upgrade.v1beta1.MsgSoftwareUpgrade", m.SoftwareUpgrade(authority=b"a", plan=plan(given)))


def legacy(given: Plan = V2) -> m.Packed:
    content = m.SoftwareUpgradeContent(title=b"old", description=b"d", plan=plan(given))
    return packed("upgrade.v1beta1.SoftwareUpgradeProposal", content)


def v1(*messages: m.Packed, number: int = 7, status: int = gov.VOTING, title: bytes = b"") -> bytes:
    one = m.ProposalV1(
        id=number, messages=messages, status=status, title=title, voting_end_time=m.Moment(seconds=50)
    )
    return m.ProposalsResponseV1(proposals=[one]).SerializeToString()


def exec_legacy(content: m.Packed) -> m.Packed:
    return packed("gov.v1.MsgExecLegacyContent", m.ExecLegacyContent(content=content))


class Node:
    """Answers paths with bytes, or knows them not."""

    def __init__(self, **answers) -> None:
        self.answers = {key.replace("__", "."): value for key, value in answers.items()}
        self.asked: list[tuple[str, bytes]] = []

    def abci_query(self, path: str, data: bytes = b"") -> bytes:
        self.asked.append((path, data))
        for key, value in self.answers.items():
            if key in path:
                return value.pop(0) if isinstance(value, list) else value
        raise NotServedError(f"unknown query path {path}")


WRAPPED = {
    "message": upgrade_message(),
    "legacy content in a message": exec_legacy(legacy()),
    "authz": packed("authz.v1beta1.MsgExec", m.AuthzExec(msgs=[upgrade_message()])),
    "group": packed("group.v1.MsgSubmitProposal", m.GroupSubmitProposal(messages=[upgrade_message()])),
    "a proposal that proposes": packed(
        "gov.v1.MsgSubmitProposal", m.GovSubmitProposal(messages=[exec_legacy(legacy())])
    ),
}


@pytest.mark.parametrize("form", WRAPPED)
def test_every_form_of_a_v1_proposal_is_opened(form):
    (found,) = gov.proposals(Node(gov__v1__Query=v1(WRAPPED[form])))
    assert (found.id, found.plans, found.cancels, found.voting_end) == (7, (V2,), False, 50.0)


def test_the_old_service_is_asked_where_the_new_one_is_unknown():
    one = m.ProposalV1beta1(id=3, content=legacy(), status=gov.VOTING)
    node = Node(v1beta1=m.ProposalsResponseV1beta1(proposals=[one]).SerializeToString())
    (found,) = gov.proposals(node)
    assert (found.id, found.plans, found.title) == (3, (V2,), "old")
    assert [path for path, _ in node.asked] == [gov.PROPOSALS_V1, gov.PROPOSALS_V1BETA1]


@pytest.mark.parametrize(
    "content",
    [
        packed("upgrade.v1beta1.MsgCancelUpgrade", b""),
        exec_legacy(packed("upgrade.v1beta1.CancelSoftwareUpgradeProposal", m.AnyContent(title=b"stop"))),
    ],
)
def test_a_proposal_that_cancels_is_told(content):
    (found,) = gov.proposals(Node(gov__v1__Query=v1(content)))
    assert found.cancels
    assert found.plans == ()


def test_two_upgrades_and_other_messages_in_one_proposal():
    other = packed("bank.v1beta1.MsgSend", b"\x0a\xff\xff\xff")
    second = upgrade_message(Plan("v3", 200))
    (found,) = gov.proposals(Node(gov__v1__Query=v1(other, upgrade_message(), second)))
    assert found.plans == (V2, Plan("v3", 200))


def test_proposals_without_an_upgrade_and_of_another_status_are_left_out():
    assert gov.proposals(Node(gov__v1__Query=v1(packed("bank.v1beta1.MsgSend", b"")))) == ()
    assert gov.proposals(Node(gov__v1__Query=v1(upgrade_message(), status=gov.REJECTED))) == ()


def test_an_upgrade_of_another_chain_is_not_ours():
    ica = m.Packed(
        type_url=b"/ibc.applications.interchain_accounts.controller.v1.MsgSendTx",
        value=upgrade_message().SerializeToString(),
    )
    assert gov.proposals(Node(gov__v1__Query=v1(ica))) == ()


def test_nesting_is_bounded():
    for levels, expected in ((gov.DEPTH_LIMIT - 1, 1), (gov.DEPTH_LIMIT, 0), (2000, 0)):
        message = upgrade_message()
        for _ in range(levels):
            message = packed("authz.v1beta1.MsgExec", m.AuthzExec(msgs=[message]))
        assert len(gov.proposals(Node(gov__v1__Query=v1(message)))) == expected


def test_the_number_of_messages_is_bounded():
    others = [packed("bank.v1beta1.MsgSend", b"")] * gov.MESSAGES_LIMIT
    assert gov.proposals(Node(gov__v1__Query=v1(*others, upgrade_message()))) == ()
    assert len(gov.proposals(Node(gov__v1__Query=v1(*others[1:], upgrade_message())))) == 1


def test_a_message_that_cannot_be_decoded_hides_no_other():
    broken = packed("upgrade.v1beta1.MsgSoftwareUpgrade", b"\xff\xff")
    huge = upgrade_message(Plan("v9", 5, "x" * (upgrade.INFO_LIMIT + 1)))
    (found,) = gov.proposals(Node(gov__v1__Query=v1(broken, huge, upgrade_message(), title=b"\xff\xfe")))
    assert found.plans == (V2,)
    assert found.title == "\ufffd\ufffd"


def test_pages_are_followed_up_to_a_bound():
    first = m.ProposalsResponseV1.FromString(v1(upgrade_message()))
    first.pagination.next_key = b"more"
    node = Node(gov__v1__Query=[first.SerializeToString(), v1(upgrade_message(), number=6)])
    assert [one.id for one in gov.proposals(node)] == [7, 6]
    assert m.ProposalsRequest.FromString(node.asked[1][1]).pagination.key == b"more"
    endless = Node(gov__v1__Query=first.SerializeToString())
    assert len(gov.proposals(endless)) == gov.PAGES


def test_garbage_is_an_error():
    for path in ("gov.v1.Query", "CurrentPlan"):
        node = Node(**{path.replace(".", "__"): b"\xff\x01garbage"})
        with pytest.raises(ChainError):
            gov.proposals(node) if "gov" in path else upgrade.current_plan(node)


def test_a_tally_is_read_from_either_service():
    response = m.TallyResponse(
        tally=m.Tally(yes=b"12", abstain=b"x", no=b"9" * 79, no_with_veto=b"3")
    ).SerializeToString()
    assert gov.tally(Node(gov__v1__Query=response), 7) == gov.Tally(12, 0, 0, 3)
    old = Node(v1beta1=response)
    assert gov.tally(old, 7) == gov.Tally(12, 0, 0, 3)
    assert m.TallyRequest.FromString(old.asked[1][1]).id == 7


@pytest.mark.parametrize(
    "given", [m.Plan(), m.Plan(name=b"v2"), m.Plan(name=b"v2", height=-4), m.Plan(height=5)]
)
def test_a_plan_without_name_or_height_is_none(given):
    assert upgrade.decode_current_plan(m.CurrentPlanResponse(plan=given).SerializeToString()) is None


def test_a_plan_larger_than_any_transaction_is_refused():
    response = m.CurrentPlanResponse(plan=m.Plan(name=b"v" * 2000, height=5)).SerializeToString()
    with pytest.raises(ChainError, match="larger"):
        upgrade.decode_current_plan(response)


def test_an_unknown_authority_is_empty():
    assert upgrade.authority(Node()) == ""
