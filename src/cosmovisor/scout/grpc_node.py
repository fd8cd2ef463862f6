"""The node's gRPC server, for nodes whose RPC is switched off; needs the extra `grpc`.

The services have the same paths and messages as `abci_query`, so only transport and status differ.
"""

from __future__ import annotations

import importlib.util
import time
from typing import Any

from cosmovisor.chain.messages import chain_pb2 as messages
from cosmovisor.chain.rpc import NodeStatus, NotServedError
from cosmovisor.chain.upgrade import decode, text
from cosmovisor.model.errors import ChainError

NODE_INFO = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo"
LATEST_BLOCK = "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock"
STATUS = "/cosmos.base.node.v1beta1.Service/Status"

#: Bytes of an answer: a whole block may be one.
ANSWER_LIMIT = 4 << 20
#: A newest block older than this many seconds is taken for one of a node that catches up.
_BEHIND = 60.0


def available() -> bool:
    """Tell whether the library is installed."""
    return importlib.util.find_spec("grpc") is not None


class GrpcNode:
    """Asks one gRPC server.

    Args:
        address: `host:port`, with or without a scheme.
        timeout: Seconds for one call.
    """

    def __init__(self, address: str, timeout: float = 5.0) -> None:
        self.name = address.rpartition("://")[2]
        self._timeout = timeout
        self._channel: Any = None
        self._info: messages.NodeInfo | None = None

    def status(self) -> NodeStatus:
        """Ask for chain and height.

        Raises:
            ChainError: No usable answer.
        """
        if self._info is None:
            self._info = decode(messages.NodeInfoResponse, self.abci_query(NODE_INFO), NODE_INFO).node
        try:
            found = decode(messages.NodeStatusResponse, self.abci_query(STATUS), STATUS)
            height, at, earliest = found.height, found.time, found.earliest
        except NotServedError:
            header = decode(
                messages.LatestBlockResponse, self.abci_query(LATEST_BLOCK), LATEST_BLOCK
            ).block.header
            height, at, earliest = header.height, header.time, 1
        seconds = max(at.seconds + at.nanos / 1e9, 0.0)
        return NodeStatus(
            height=height,
            catching_up=time.time() - seconds > _BEHIND,
            node_id=text(self._info.id)[:80],
            chain_id=text(self._info.network)[:256],
            latest_block_time=seconds,
            version=text(self._info.version)[:80],
            earliest=max(earliest, 1),
        )

    def abci_query(self, path: str, data: bytes = b"") -> bytes:
        """Call a method with encoded messages.

        Raises:
            NotServedError: The server has no such method.
            ChainError: No usable answer.
        """
        import grpc

        if self._channel is None:
            options = [("grpc.max_receive_message_length", ANSWER_LIMIT), ("grpc.enable_http_proxy", 0)]
            self._channel = grpc.insecure_channel(self.name, options=options)
        try:
            answer: bytes = self._channel.unary_unary(path)(data, timeout=self._timeout)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                raise NotServedError(f"cannot query {path} at {self.name}: not served") from error
            self._info = None
            details = str(error.details())[:200]
            raise ChainError(f"cannot query {path} at {self.name}: {details}", reached=False) from error
        return answer

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002
        """Refuse: methods of the RPC are not served here.

        Raises:
            NotServedError: Always.
        """
        raise NotServedError(f"cannot call {method} at {self.name}: gRPC only")

    def close(self) -> None:
        """End the connection and its threads."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
