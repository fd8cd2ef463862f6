"""x/upgrade as the chain knows it: the scheduled plan, applied plans, and who may schedule one.

All three services are in every SDK from 0.42 on, except the authority (0.46). Each query has a pure half
(bytes of a response to a value) for callers that do their own talking.
"""

from __future__ import annotations

from cosmovisor.chain import answer
from cosmovisor.chain.messages import chain_pb2 as messages
from cosmovisor.chain.rpc import NotServedError
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    from google.protobuf.message import Message

    Kind = TypeVar("Kind", bound=Message)

    class Querier(Protocol):
        """Whatever answers `abci_query`."""

        def abci_query(self, path: str, data: bytes = b"") -> bytes:
            """Return the encoded response."""


CURRENT_PLAN = "/cosmos.upgrade.v1beta1.Query/CurrentPlan"
APPLIED_PLAN = "/cosmos.upgrade.v1beta1.Query/AppliedPlan"
AUTHORITY = "/cosmos.upgrade.v1beta1.Query/Authority"

#: Bytes of a plan's name and of its info; a transaction is never larger on any chain.
NAME_LIMIT = 1 << 10
INFO_LIMIT = 1 << 20


def decode(kind: type[Kind], data: bytes, what: str) -> Kind:
    """Decode a message; unknown fields are skipped, nesting is bounded by the library (100 levels).

    Raises:
        ChainError: The bytes are no such message.
    """
    from google.protobuf.message import DecodeError

    message = kind()
    try:
        message.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise ChainError(f"cannot use the answer to {what}: not a message of this kind") from error
    return message


def text(data: bytes) -> str:
    """Return a text of the chain; bytes that are no UTF-8 are replaced, as the chain's own JSON does."""
    return data.decode("utf-8", "replace")


def plan_of(message: messages.Plan) -> Plan | None:
    """Return a plan that a height can make due; None for an empty one and for a time-based one (SDK 0.42).

    Raises:
        ChainError: Name or info are larger than any transaction.
    """
    if not message.name or message.height <= 0:
        return None
    if len(message.name) > NAME_LIMIT or len(message.info) > INFO_LIMIT:
        raise ChainError("cannot use the plan: its name or info is larger than any transaction")
    return Plan(text(message.name), message.height, text(message.info))


def decode_current_plan(data: bytes) -> Plan | None:
    """Take the response of `CurrentPlan` apart; None where no plan is scheduled.

    Raises:
        ChainError: Not such a response.
    """
    response = decode(messages.CurrentPlanResponse, data, CURRENT_PLAN)
    return plan_of(response.plan) if response.HasField("plan") else None


def current_plan(rpc: Querier) -> Plan | None:
    """Ask for the plan that the chain has scheduled; None where there is none.

    Raises:
        NotServedError: The chain has no x/upgrade.
        ChainError: No usable answer.
    """
    return decode_current_plan(rpc.abci_query(CURRENT_PLAN))


def applied_height(rpc: Querier, name: str) -> int:
    """Ask at which height a plan was applied; 0 where it was not (or the node has forgotten).

    Raises:
        ChainError: No usable answer.
    """
    data = rpc.abci_query(APPLIED_PLAN, messages.AppliedPlanRequest(name=name).SerializeToString())
    return answer.height(decode(messages.AppliedPlanResponse, data, APPLIED_PLAN).height, "height")


def authority(rpc: Querier) -> str:
    """Ask which account may schedule upgrades; empty where the chain cannot tell (SDK 0.45 and earlier).

    Raises:
        ChainError: No usable answer.
    """
    try:
        data = rpc.abci_query(AUTHORITY)
    except NotServedError:
        return ""
    return answer.text(text(decode(messages.AuthorityResponse, data, AUTHORITY).address))
