"""The RPC server of a demo node: HTTP/1.1 on one socket, JSON-RPC by POST and by URI."""

from __future__ import annotations

import json
import os
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]
    Dispatch = Callable[[str, Json], Any]


class RpcError(Exception):
    """An error object of JSON-RPC."""

    def __init__(self, code: int, text: str, data: str = "") -> None:
        super().__init__(text)
        self.body: Json = {"code": code, "message": text, **({"data": data} if data else {})}


class Server:
    """Listens and answers from within the node's own loop."""

    def __init__(self, laddr: str, poller: select.poll, dispatch: Dispatch, *, silent: bool = False) -> None:
        self.poller, self.dispatch, self.silent = poller, dispatch, silent
        self.listener = listen(laddr)
        self.clients: dict[int, tuple[socket.socket, bytearray]] = {}
        poller.register(self.listener, select.POLLIN)

    def address(self) -> str:
        """Return the address it listens on, with the port that the system chose."""
        if self.listener.family == socket.AF_UNIX:
            return f"unix://{self.listener.getsockname()}"
        host, port = self.listener.getsockname()[:2]
        return f"tcp://{host}:{port}"

    def handle(self, file: int) -> None:
        """Handle a readable socket."""
        if file == self.listener.fileno():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.settimeout(2)
            self.clients[client.fileno()] = (client, bytearray())
            self.poller.register(client, select.POLLIN)
        elif file in self.clients:
            client, data = self.clients[file]
            try:
                piece = client.recv(65536)
                data += piece
                while not self.silent and piece and self._answer(client, data):
                    pass
            except OSError:
                piece = b""
            if not piece or len(data) > 1 << 20:
                self._drop(file)

    def _drop(self, file: int) -> None:
        self.poller.unregister(file)
        self.clients.pop(file)[0].close()

    def _answer(self, client: socket.socket, data: bytearray) -> bool:
        """Answer one complete request from the front of the buffer; False if none is there."""
        head, mark, rest = bytes(data).partition(b"\r\n\r\n")
        if not mark:
            return False
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line
        }
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return False
        del data[: len(head) + 4 + length]
        verb, target = lines[0].split(" ")[:2]
        answer = self._post(rest[:length]) if verb == "POST" else self._get(target)
        body = json.dumps(answer, separators=(",", ":")).encode()
        close = headers.get("connection", "").lower() == "close"
        status = "500 Internal Server Error" if "error" in answer else "200 OK"
        client.sendall(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"{'Connection: close' + chr(13) + chr(10) if close else ''}\r\n".encode()
            + body
        )
        if close:
            raise ConnectionResetError
        return True

    def _post(self, body: bytes) -> Json:
        try:
            request = json.loads(body)
            method, params = str(request["method"]), dict(request.get("params") or {})
        except (ValueError, KeyError, TypeError) as error:
            return {
                "jsonrpc": "2.0",
                "id": -1,
                "error": {"code": -32700, "message": "Parse error. Invalid JSON", "data": str(error)},
            }
        return self._call(request.get("id", -1), method, params)

    def _get(self, target: str) -> Json:
        from urllib.parse import parse_qsl, urlsplit

        parts = urlsplit(target)
        params: Json = {}
        for name, text in parse_qsl(parts.query, keep_blank_values=True):
            if text.startswith('"'):
                params[name] = text.strip('"')
            elif text.startswith("0x"):
                params[name] = text[2:]
            else:
                params[name] = {"true": True, "false": False}.get(text, text)
        return self._call(-1, parts.path.strip("/"), params)

    def _call(self, identity: object, method: str, params: Json) -> Json:
        try:
            return {"jsonrpc": "2.0", "id": identity, "result": self.dispatch(method, params)}
        except RpcError as error:
            return {"jsonrpc": "2.0", "id": identity, "error": error.body}

    def close(self) -> None:
        """Close all sockets."""
        for file in list(self.clients):
            self._drop(file)
        self.poller.unregister(self.listener)
        self.listener.close()


def listen(laddr: str) -> socket.socket:
    """Open the listening socket of an address like `tcp://127.0.0.1:26657` or `unix:///path`.

    Raises:
        OSError: The address is taken or wrong.
    """
    kind, _, place = laddr.partition("://")
    if kind == "unix":
        if os.path.exists(place):
            os.unlink(place)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(place)
    else:
        host, _, port = place.rpartition(":")
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.replace("localhost", "127.0.0.1"), int(port)))
    listener.listen(64)
    listener.setblocking(False)
    return listener
