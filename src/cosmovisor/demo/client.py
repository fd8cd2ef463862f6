"""A client of a demo node's RPC: for its own commands, for the story and for tests."""

from __future__ import annotations

import base64
import json
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


class NoAnswerError(Exception):
    """The node gave no usable answer."""


def call(laddr: str, method: str, params: Json | None = None, *, limit: float = 5.0) -> Any:
    """Call one method and return its result.

    Raises:
        NoAnswerError: Nobody listens, the answer is cut off, or it is an error.
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}).encode()
    kind, _, place = laddr.partition("://")
    try:
        if kind == "unix":
            stream = socket.socket(socket.AF_UNIX)
            stream.settimeout(limit)
            stream.connect(place)
        else:
            host, _, port = place.rpartition(":")
            stream = socket.create_connection((host, int(port)), timeout=limit)
        with stream:
            head = (
                f"POST / HTTP/1.1\r\nHost: node\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            stream.sendall(head.encode() + body)
            data = b""
            while piece := stream.recv(65536):
                data += piece
    except (OSError, ValueError) as error:
        raise NoAnswerError(f"{laddr}: {error}") from None
    try:
        answer = json.loads(data.partition(b"\r\n\r\n")[2])
    except ValueError:
        raise NoAnswerError(f"{laddr}: the answer is no JSON") from None
    if "error" in answer:
        raise NoAnswerError(f"{laddr}: {answer['error']}")
    return answer["result"]


def query(laddr: str, path: str, data: bytes = b"") -> bytes:
    """Ask the application with `abci_query`.

    Raises:
        NoAnswerError: The node or the application refused.
    """
    params = {"path": path, "data": data.hex(), "height": "0", "prove": False}
    response = call(laddr, "abci_query", params)["response"]
    if response["code"]:
        raise NoAnswerError(f"{path}: {response['log']}")
    return base64.b64decode(response["value"] or "")


def broadcast(laddr: str, tx: Json) -> None:
    """Send a transaction; it is in the next block."""
    call(laddr, "broadcast_tx_sync", {"tx": base64.b64encode(json.dumps(tx).encode()).decode()})


def heights(laddr: str) -> tuple[int, int]:
    """Return the heights of the block store and of the application."""
    status = call(laddr, "status")
    info = call(laddr, "abci_info")["response"]
    return int(status["sync_info"]["latest_block_height"]), int(info.get("last_block_height", 0))
