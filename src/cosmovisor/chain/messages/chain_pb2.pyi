from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Packed(_message.Message):
    __slots__ = ("type_url", "value")
    TYPE_URL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    type_url: bytes
    value: bytes
    def __init__(self, type_url: _Optional[bytes] = ..., value: _Optional[bytes] = ...) -> None: ...

class Moment(_message.Message):
    __slots__ = ("seconds", "nanos")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    NANOS_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    nanos: int
    def __init__(self, seconds: _Optional[int] = ..., nanos: _Optional[int] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("name", "time", "height", "info")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    name: bytes
    time: Moment
    height: int
    info: bytes
    def __init__(self, name: _Optional[bytes] = ..., time: _Optional[_Union[Moment, _Mapping]] = ..., height: _Optional[int] = ..., info: _Optional[bytes] = ...) -> None: ...

class CurrentPlanResponse(_message.Message):
    __slots__ = ("plan",)
    PLAN_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class AppliedPlanRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class AppliedPlanResponse(_message.Message):
    __slots__ = ("height",)
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    height: int
    def __init__(self, height: _Optional[int] = ...) -> None: ...

class AuthorityResponse(_message.Message):
    __slots__ = ("address",)
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    address: bytes
    def __init__(self, address: _Optional[bytes] = ...) -> None: ...

class SoftwareUpgrade(_message.Message):
    __slots__ = ("authority", "plan")
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    authority: bytes
    plan: Plan
    def __init__(self, authority: _Optional[bytes] = ..., plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class SoftwareUpgradeContent(_message.Message):
    __slots__ = ("title", "description", "plan")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    title: bytes
    description: bytes
    plan: Plan
    def __init__(self, title: _Optional[bytes] = ..., description: _Optional[bytes] = ..., plan: _Optional[_Union[Plan, _Mapping]] = ...) -> None: ...

class AnyContent(_message.Message):
    __slots__ = ("title", "description")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    title: bytes
    description: bytes
    def __init__(self, title: _Optional[bytes] = ..., description: _Optional[bytes] = ...) -> None: ...

class ExecLegacyContent(_message.Message):
    __slots__ = ("content",)
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    content: Packed
    def __init__(self, content: _Optional[_Union[Packed, _Mapping]] = ...) -> None: ...

class AuthzExec(_message.Message):
    __slots__ = ("msgs",)
    MSGS_FIELD_NUMBER: _ClassVar[int]
    msgs: _containers.RepeatedCompositeFieldContainer[Packed]
    def __init__(self, msgs: _Optional[_Iterable[_Union[Packed, _Mapping]]] = ...) -> None: ...

class GroupSubmitProposal(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Packed]
    def __init__(self, messages: _Optional[_Iterable[_Union[Packed, _Mapping]]] = ...) -> None: ...

class GovSubmitProposal(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[Packed]
    def __init__(self, messages: _Optional[_Iterable[_Union[Packed, _Mapping]]] = ...) -> None: ...

class Tally(_message.Message):
    __slots__ = ("yes", "abstain", "no", "no_with_veto")
    YES_FIELD_NUMBER: _ClassVar[int]
    ABSTAIN_FIELD_NUMBER: _ClassVar[int]
    NO_FIELD_NUMBER: _ClassVar[int]
    NO_WITH_VETO_FIELD_NUMBER: _ClassVar[int]
    yes: bytes
    abstain: bytes
    no: bytes
    no_with_veto: bytes
    def __init__(self, yes: _Optional[bytes] = ..., abstain: _Optional[bytes] = ..., no: _Optional[bytes] = ..., no_with_veto: _Optional[bytes] = ...) -> None: ...

class ProposalV1(_message.Message):
    __slots__ = ("id", "messages", "status", "final_tally", "submit_time", "voting_start_time", "voting_end_time", "title", "expedited")
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FINAL_TALLY_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    VOTING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    VOTING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    EXPEDITED_FIELD_NUMBER: _ClassVar[int]
    id: int
    messages: _containers.RepeatedCompositeFieldContainer[Packed]
    status: int
    final_tally: Tally
    submit_time: Moment
    voting_start_time: Moment
    voting_end_time: Moment
    title: bytes
    expedited: bool
    def __init__(self, id: _Optional[int] = ..., messages: _Optional[_Iterable[_Union[Packed, _Mapping]]] = ..., status: _Optional[int] = ..., final_tally: _Optional[_Union[Tally, _Mapping]] = ..., submit_time: _Optional[_Union[Moment, _Mapping]] = ..., voting_start_time: _Optional[_Union[Moment, _Mapping]] = ..., voting_end_time: _Optional[_Union[Moment, _Mapping]] = ..., title: _Optional[bytes] = ..., expedited: bool = ...) -> None: ...

class ProposalV1beta1(_message.Message):
    __slots__ = ("id", "content", "status", "final_tally", "submit_time", "voting_start_time", "voting_end_time")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FINAL_TALLY_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_TIME_FIELD_NUMBER: _ClassVar[int]
    VOTING_START_TIME_FIELD_NUMBER: _ClassVar[int]
    VOTING_END_TIME_FIELD_NUMBER: _ClassVar[int]
    id: int
    content: Packed
    status: int
    final_tally: Tally
    submit_time: Moment
    voting_start_time: Moment
    voting_end_time: Moment
    def __init__(self, id: _Optional[int] = ..., content: _Optional[_Union[Packed, _Mapping]] = ..., status: _Optional[int] = ..., final_tally: _Optional[_Union[Tally, _Mapping]] = ..., submit_time: _Optional[_Union[Moment, _Mapping]] = ..., voting_start_time: _Optional[_Union[Moment, _Mapping]] = ..., voting_end_time: _Optional[_Union[Moment, _Mapping]] = ...) -> None: ...

class PageRequest(_message.Message):
    __slots__ = ("key", "limit", "reverse")
    KEY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    limit: int
    reverse: bool
    def __init__(self, key: _Optional[bytes] = ..., limit: _Optional[int] = ..., reverse: bool = ...) -> None: ...

class PageResponse(_message.Message):
    __slots__ = ("next_key",)
    NEXT_KEY_FIELD_NUMBER: _ClassVar[int]
    next_key: bytes
    def __init__(self, next_key: _Optional[bytes] = ...) -> None: ...

class ProposalsRequest(_message.Message):
    __slots__ = ("status", "pagination")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    status: int
    pagination: PageRequest
    def __init__(self, status: _Optional[int] = ..., pagination: _Optional[_Union[PageRequest, _Mapping]] = ...) -> None: ...

class ProposalsResponseV1(_message.Message):
    __slots__ = ("proposals", "pagination")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[ProposalV1]
    pagination: PageResponse
    def __init__(self, proposals: _Optional[_Iterable[_Union[ProposalV1, _Mapping]]] = ..., pagination: _Optional[_Union[PageResponse, _Mapping]] = ...) -> None: ...

class ProposalsResponseV1beta1(_message.Message):
    __slots__ = ("proposals", "pagination")
    PROPOSALS_FIELD_NUMBER: _ClassVar[int]
    PAGINATION_FIELD_NUMBER: _ClassVar[int]
    proposals: _containers.RepeatedCompositeFieldContainer[ProposalV1beta1]
    pagination: PageResponse
    def __init__(self, proposals: _Optional[_Iterable[_Union[ProposalV1beta1, _Mapping]]] = ..., pagination: _Optional[_Union[PageResponse, _Mapping]] = ...) -> None: ...

class TallyRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class TallyResponse(_message.Message):
    __slots__ = ("tally",)
    TALLY_FIELD_NUMBER: _ClassVar[int]
    tally: Tally
    def __init__(self, tally: _Optional[_Union[Tally, _Mapping]] = ...) -> None: ...

class NodeInfoResponse(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: NodeInfo
    def __init__(self, node: _Optional[_Union[NodeInfo, _Mapping]] = ...) -> None: ...

class NodeInfo(_message.Message):
    __slots__ = ("id", "network", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    network: bytes
    version: bytes
    def __init__(self, id: _Optional[bytes] = ..., network: _Optional[bytes] = ..., version: _Optional[bytes] = ...) -> None: ...

class NodeStatusResponse(_message.Message):
    __slots__ = ("earliest", "height", "time")
    EARLIEST_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    earliest: int
    height: int
    time: Moment
    def __init__(self, earliest: _Optional[int] = ..., height: _Optional[int] = ..., time: _Optional[_Union[Moment, _Mapping]] = ...) -> None: ...

class LatestBlockResponse(_message.Message):
    __slots__ = ("block",)
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    block: Block
    def __init__(self, block: _Optional[_Union[Block, _Mapping]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("header",)
    HEADER_FIELD_NUMBER: _ClassVar[int]
    header: BlockHeader
    def __init__(self, header: _Optional[_Union[BlockHeader, _Mapping]] = ...) -> None: ...

class BlockHeader(_message.Message):
    __slots__ = ("chain_id", "height", "time")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    chain_id: bytes
    height: int
    time: Moment
    def __init__(self, chain_id: _Optional[bytes] = ..., height: _Optional[int] = ..., time: _Optional[_Union[Moment, _Mapping]] = ...) -> None: ...
