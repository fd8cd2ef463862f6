"""Whom to ask: the node's own RPC, its gRPC where it has no RPC, others of the chain while it is down."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from cosmovisor.chain.rpc import NodeStatus, Rpc
from cosmovisor.model.errors import ChainError
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Asked(Protocol):
        """A node that answers queries."""

        name: str

        def status(self) -> NodeStatus:
            """Say height and chain."""

        def abci_query(self, path: str, data: bytes = b"") -> bytes:
            """Return an encoded response."""

        def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
            """Return the result of a method."""


#: Seconds until a node that did not answer is asked again: at first, and at last.
FIRST, LONGEST = 1.0, 30.0
#: Seconds between two looks at the other nodes while ours is down.
EXTRA_PERIOD = 60.0


@value
class Found:
    """A node that has just answered.

    Attributes:
        node: Whom to ask.
        status: What it said.
        own: True for our own node: only its word is the word of the data here.
    """

    node: Asked
    status: NodeStatus
    own: bool


class Sources:
    """Finds a node that answers; backs off for ever from those that do not.

    Args:
        own: Our own node's ways to be asked, best first.
        extra: Other nodes; believed only if the chain id is ours.
        chain_id: Our chain, as genesis or configuration say; empty takes what our own node says.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        own: Sequence[Asked],
        extra: Sequence[Rpc] = (),
        chain_id: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._extra = extra
        self._clock = clock
        self.chain_id = chain_id
        self._wait = FIRST
        self._own_at = 0.0
        self._extra_at = 0.0
        #: Why each node is not believed or does not answer, for the operator.
        self.problems: dict[str, str] = {}

    def find(self) -> Found | None:
        """Return a node that answers now; None where none does, or where it is too early to ask again."""
        now = self._clock()
        if now >= self._own_at:
            for node in self._own:
                status = self._status(node)
                if status is not None:
                    self._wait, self._own_at = FIRST, 0.0
                    self.chain_id = status.chain_id
                    return Found(node, status, own=True)
            self._own_at = now + self._wait
            self._wait = min(self._wait * 2, LONGEST)
        if self._extra and self.chain_id and now >= self._extra_at:
            self._extra_at = now + EXTRA_PERIOD
            for other in self._extra:
                status = self._status(other)
                if status is not None:
                    return Found(other, status, own=False)
        return None

    def delay(self) -> float:
        """Return the seconds until it makes sense to look again after nobody has answered."""
        now = self._clock()
        times = [self._own_at] if self._own else []
        if self._extra and self.chain_id:
            times.append(self._extra_at)
        return max(min(times, default=now + LONGEST) - now, 0.1)

    def _status(self, node: Asked) -> NodeStatus | None:
        try:
            status = node.status()
        except ChainError as error:
            if isinstance(node, Rpc) and not error.facts.get("reached", True):
                node.forget()  # it may come back as another process, with other heights
            doubted = "not believed: " if error.facts.get("mismatch") else ""
            self.problems[node.name] = doubted + error.cause
            return None
        if self.chain_id and status.chain_id != self.chain_id:
            self.problems[node.name] = (
                f"not believed: {node.name} belongs to chain {status.chain_id[:80]!r}, not {self.chain_id!r}"
            )
            return None
        self.problems.pop(node.name, None)
        return status
