"""A small HTTP server of our own, byte by byte, so that it can misbehave in every way; port 0, threads."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading

from cosmovisor.staging.network import Limits, Network

#: Short enough for tests, long enough for a loaded machine.
LIMITS = Limits(total=30.0, connect=10.0, headers=10.0, stall=10.0, attempts=3, back_off=0.0, redirects=5)


class Exchange:
    """One request, and the means to answer it."""

    def __init__(self, connection: socket.socket, line: str, headers: dict[str, str]) -> None:
        self.connection, self.line, self.headers = connection, line, headers
        self.method, self.target = line.split(" ")[:2]

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        lines = [f"HTTP/1.1 {status} X"]
        given = {name.replace("_", "-").title(): item for name, item in headers.items()}
        given.setdefault("Content-Length", str(len(body)))
        lines += [f"{name}: {item}" for name, item in given.items() if item]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def file(self, body: bytes, etag: str = "") -> None:
        """Answer as a good server does, ranges included."""
        span = self.headers.get("range", "")
        if span.startswith("bytes=") and self.headers.get("if-range", etag) == etag:
            start = int(span[6:].split("-")[0])
            if start >= len(body):
                return self.answer(status=416)
            part = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return self.answer(body[start:], 206, content_range=part, etag=etag)
        return self.answer(body, etag=etag)


class Server:
    """Serves `files` (path to bytes, or to a function of the exchange) and remembers what it was asked."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, object] = {}
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.hosts: list[str] = []
        self.seen: list[dict[str, str]] = []
        self.closing = threading.Event()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError, ssl.SSLError):
                    outer._handle(self.request, tls)

        class Threads(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            block_on_close = False

            def handle_error(self, request, client_address):
                pass

        self._server = Threads(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        connection.settimeout(20)
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = {
            name.lower(): item.strip() for name, _, item in (line.partition(":") for line in lines[1:])
        }
        exchange = Exchange(connection, lines[0], headers)
        path = exchange.target.partition("?")[0]
        self.asked.append(exchange.target)
        self.seen.append(headers)
        if "range" in headers:
            self.ranges.append(headers["range"])
        found = self.files.get(path)
        if found is None:
            exchange.answer(b"not found", 404)
        elif callable(found):
            found(exchange)
        else:
            exchange.file(found)
        if tls is not None:
            with contextlib.suppress(OSError):
                connection.unwrap()
        else:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)


def public(tls: ssl.SSLContext | None = None, **names: str) -> Network:
    """A network in which this machine counts as public, so that the other rules can be seen at work."""
    return Network(
        refusal=lambda _: "",
        tls=tls,
        environ={},
        limits=LIMITS,
        **({"resolve": _names(names)} if names else {}),
    )


def strict(**names: str) -> Network:
    """A network with the real rule for addresses."""
    return Network(environ={}, limits=LIMITS, **({"resolve": _names(names)} if names else {}))


def _names(names: dict[str, str]):
    table = {name.replace("_", "."): address for name, address in names.items()}

    def resolve(host: str, _port: int) -> list[str]:
        if host in table:
            return table[host].split(",")
        try:
            return [str(item[4][0]) for item in socket.getaddrinfo(host, 0, flags=socket.AI_NUMERICHOST)]
        except socket.gaierror:
            raise OSError(f"{host} is not known here") from None

    return resolve
