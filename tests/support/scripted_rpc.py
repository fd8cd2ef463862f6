"""An HTTP server whose answers a test writes: by method, by path of `abci_query`, or byte for byte."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable
from typing import Any, Self

Raw = Callable[[socket.socket, bytes], None]


def status(
    height: int = 10, chain_id: str = "test-1", node_id: str = "aa" * 20, **sync: Any
) -> dict[str, Any]:
    """The result of `status`, as CometBFT writes it."""
    return {
        "node_info": {"id": node_id, "network": chain_id, "version": "0.38.12", "moniker": "m"},
        "sync_info": {
            "latest_block_height": str(height),
            "latest_block_time": "2026-11-23T09:25:14.052224833Z",
            "catching_up": False,
            **sync,
        },
        "validator_info": {"address": "AB" * 20, "voting_power": "5"},
    }


class ScriptedRpc:
    """Serves until closed; every connection is handled in a thread of its own.

    Attributes:
        results: Method, or path of an `abci_query`, to its result: a value, or a function of the parameters.
        raw: If set, it gets the socket and the request's bytes instead, and writes what it likes.
        requests: Every method or query path asked for, in order.
    """

    def __init__(self, results: dict[str, Any] | None = None, raw: Raw | None = None) -> None:
        self.results = results or {}
        self.raw = raw
        self.requests: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the server and every connection."""
        self._closing = True
        self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
        self._server.close()
        for sock in list(self._open):
            sock.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            with sock:
                body = self._receive(sock)
                if self.raw is not None:
                    self.raw(sock, body)
                else:
                    sock.sendall(http_answer(self._answer(json.loads(body))))
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(sock)

    def _receive(self, sock: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                raise OSError("closed")
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += sock.recv(65536)
        return body

    def _answer(self, request: dict[str, Any]) -> bytes:
        method, params = request["method"], request.get("params") or {}
        key = params["path"] if method == "abci_query" else method
        self.requests.append(key)
        result = self.results.get(key)
        if callable(result):
            result = result(params)
        whole: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if isinstance(result, bytes):
            whole["result"] = {"response": {"code": 0, "value": base64.b64encode(result).decode()}}
        elif result is None and method == "abci_query":
            whole["result"] = {
                "response": {"code": 6, "log": "unknown query path: unknown request", "codespace": "sdk"}
            }
        elif result is None:
            whole["error"] = {"code": -32601, "message": "Method not found", "data": ""}
        else:
            whole["result"] = result
        return json.dumps(whole).encode()


def http_answer(body: bytes, status_line: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [
        f"HTTP/1.1 {status_line}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
