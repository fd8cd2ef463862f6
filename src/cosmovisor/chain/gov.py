"""Upgrades in governance proposals, in every form in which the SDK from 0.45 to 0.53 carries them.

Forms: `MsgSoftwareUpgrade` among a v1 proposal's messages; legacy content, directly (v1beta1) or inside
`MsgExecLegacyContent`; each of these inside authz, group and governance messages. Messages that act on
another chain (interchain accounts) are not unwrapped: their upgrade is not ours.
"""

from __future__ import annotations

from cosmovisor.chain.messages import chain_pb2 as messages
from cosmovisor.chain.rpc import NotServedError
from cosmovisor.chain.upgrade import decode, plan_of, text
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cosmovisor.chain.upgrade import Querier

PROPOSALS_V1 = "/cosmos.gov.v1.Query/Proposals"
PROPOSALS_V1BETA1 = "/cosmos.gov.v1beta1.Query/Proposals"
TALLY_V1 = "/cosmos.gov.v1.Query/TallyResult"
TALLY_V1BETA1 = "/cosmos.gov.v1beta1.Query/TallyResult"

DEPOSIT, VOTING, PASSED, REJECTED, FAILED = range(1, 6)

#: Levels of messages in messages that are opened; real proposals have one or two.
DEPTH_LIMIT = 6
#: Messages of one proposal that are looked at, on all levels together.
MESSAGES_LIMIT = 256
#: Proposals of a page, and pages.
PAGE, PAGES = 50, 4
_TITLE_LIMIT = 300


@value
class Tally:
    """Votes so far, in the chain's smallest unit of voting power."""

    yes: int = 0
    abstain: int = 0
    no: int = 0
    no_with_veto: int = 0


@value
class Proposal:
    """A proposal that schedules or cancels an upgrade.

    Attributes:
        id: Its number.
        status: 1 deposit, 2 voting, 3 passed, 4 rejected, 5 failed.
        title: Its title; empty where the SDK version keeps none.
        plans: The plans in it, in order.
        cancels: True if it cancels the scheduled plan.
        tally: Votes so far; None where not asked for.
        voting_end: When voting ends, in seconds since the epoch; 0.0 where unknown.
        expedited: True if voting is shortened.
    """

    id: int
    status: int
    title: str = ""
    plans: tuple[Plan, ...] = ()
    cancels: bool = False
    tally: Tally | None = None
    voting_end: float = 0.0
    expedited: bool = False


class _Finder:
    """Collects upgrades out of messages in messages."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.cancels = False
        self.title = b""
        self._left = MESSAGES_LIMIT
        self._openers: dict[str, Callable[[bytes, int], None]] = {
            "cosmos.upgrade.v1beta1.MsgSoftwareUpgrade": self._upgrade,
            "cosmos.upgrade.v1beta1.SoftwareUpgradeProposal": self._legacy_upgrade,
            "cosmos.upgrade.v1beta1.MsgCancelUpgrade": self._cancel,
            "cosmos.upgrade.v1beta1.CancelSoftwareUpgradeProposal": self._legacy_cancel,
            "cosmos.gov.v1.MsgExecLegacyContent": self._exec_legacy,
            "cosmos.authz.v1beta1.MsgExec": self._authz,
            "cosmos.group.v1.MsgSubmitProposal": self._group,
            "cosmos.gov.v1.MsgSubmitProposal": self._proposal,
        }

    def open(self, packed: Iterable[messages.Packed], depth: int = 0) -> None:
        """Look into messages; one that cannot be decoded is passed over, as the chain refuses it too."""
        if depth >= DEPTH_LIMIT:
            return
        for one in packed:
            self._left -= 1
            if self._left < 0:
                return
            opener = self._openers.get(text(one.type_url).rpartition("/")[2])
            if opener is None:
                continue
            try:
                opener(one.value, depth + 1)
            except ChainError:
                continue

    def _add(self, message: messages.Plan) -> None:
        plan = plan_of(message)
        if plan is not None:
            self.plans.append(plan)

    def _upgrade(self, data: bytes, _: int) -> None:
        self._add(decode(messages.SoftwareUpgrade, data, "MsgSoftwareUpgrade").plan)

    def _legacy_upgrade(self, data: bytes, _: int) -> None:
        content = decode(messages.SoftwareUpgradeContent, data, "SoftwareUpgradeProposal")
        self.title = self.title or content.title
        self._add(content.plan)

    def _cancel(self, _: bytes, __: int) -> None:
        self.cancels = True

    def _legacy_cancel(self, data: bytes, _: int) -> None:
        self.title = self.title or decode(messages.AnyContent, data, "legacy content").title
        self.cancels = True

    def _exec_legacy(self, data: bytes, depth: int) -> None:
        message = decode(messages.ExecLegacyContent, data, "MsgExecLegacyContent")
        if message.HasField("content"):
            self.open([message.content], depth)

    def _authz(self, data: bytes, depth: int) -> None:
        self.open(decode(messages.AuthzExec, data, "MsgExec").msgs, depth)

    def _group(self, data: bytes, depth: int) -> None:
        self.open(decode(messages.GroupSubmitProposal, data, "MsgSubmitProposal").messages, depth)

    def _proposal(self, data: bytes, depth: int) -> None:
        self.open(decode(messages.GovSubmitProposal, data, "MsgSubmitProposal").messages, depth)


def _seconds(moment: messages.Moment) -> float:
    return max(moment.seconds + moment.nanos / 1e9, 0.0) if abs(moment.seconds) < 1 << 40 else 0.0


def _proposal(
    message: messages.ProposalV1 | messages.ProposalV1beta1, packed: Iterable[messages.Packed]
) -> Proposal | None:
    finder = _Finder()
    finder.open(packed)
    if not finder.plans and not finder.cancels:
        return None
    return Proposal(
        id=message.id,
        status=message.status,
        title=text(getattr(message, "title", b"") or finder.title)[:_TITLE_LIMIT],
        plans=tuple(finder.plans),
        cancels=finder.cancels,
        voting_end=_seconds(message.voting_end_time),
        expedited=getattr(message, "expedited", False),
    )


def decode_proposals(data: bytes, path: str) -> tuple[tuple[Proposal, ...], bytes]:
    """Take a page of proposals apart.

    Returns:
        Those that schedule or cancel an upgrade, and the key of the next page (empty at the end).

    Raises:
        ChainError: Not such a response.
    """
    found: list[Proposal | None]
    if path == PROPOSALS_V1:
        page = decode(messages.ProposalsResponseV1, data, path)
        found = [_proposal(one, one.messages) for one in page.proposals[: PAGE * 2]]
        key = page.pagination.next_key
    else:
        old = decode(messages.ProposalsResponseV1beta1, data, path)
        found = [_proposal(one, [one.content]) for one in old.proposals[: PAGE * 2]]
        key = old.pagination.next_key
    return tuple(one for one in found if one is not None), key


def proposals(rpc: Querier, status: int = VOTING) -> tuple[Proposal, ...]:
    """Ask for the proposals of a status that schedule or cancel an upgrade, newest first.

    Args:
        rpc: Whom to ask. v1 is asked first; v1beta1 is all that SDK 0.45 has, and fails on newer ones as soon
        as
            any proposal holds new messages.
        status: 2 for those in voting.

    Raises:
        NotServedError: The chain has no x/gov.
        ChainError: No usable answer.
    """
    try:
        return _pages(rpc, PROPOSALS_V1, status)
    except NotServedError:
        return _pages(rpc, PROPOSALS_V1BETA1, status)


def _pages(rpc: Querier, path: str, status: int) -> tuple[Proposal, ...]:
    found: list[Proposal] = []
    key = b""
    for _ in range(PAGES):
        request = messages.ProposalsRequest(status=status)
        request.pagination.limit = PAGE
        request.pagination.reverse = True
        request.pagination.key = key
        page, key = decode_proposals(rpc.abci_query(path, request.SerializeToString()), path)
        # The status is checked again: some chains ignore the filter.
        found += [one for one in page if one.status == status]
        if not key:
            break
    return tuple(found)


def decode_tally(data: bytes) -> Tally:
    """Take the response of `TallyResult` apart; a count that is no number counts as 0.

    Raises:
        ChainError: Not such a response.
    """
    tally = decode(messages.TallyResponse, data, TALLY_V1).tally

    def count(digits: bytes) -> int:
        return int(digits) if digits.isdigit() and len(digits) <= 78 else 0

    return Tally(count(tally.yes), count(tally.abstain), count(tally.no), count(tally.no_with_veto))


def tally(rpc: Querier, number: int) -> Tally:
    """Ask for the votes on a proposal so far.

    Raises:
        ChainError: No usable answer.
    """
    request = messages.TallyRequest(id=number).SerializeToString()
    try:
        return decode_tally(rpc.abci_query(TALLY_V1, request))
    except NotServedError:
        return decode_tally(rpc.abci_query(TALLY_V1BETA1, request))
