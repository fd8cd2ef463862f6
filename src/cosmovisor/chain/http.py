"""One bounded HTTP exchange: bytes out, JSON back; nothing that a server does can hold or fill us.

The limits are on the whole exchange, not on one read: a server that sends a byte a second ends at the
deadline.
"""

from __future__ import annotations

import os

from cosmovisor.model.errors import ChainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

#: Bytes of an answer; the largest that we ask for is a page of proposals.
ANSWER_LIMIT = 4 << 20
_PIECE = 1 << 16


class Deadline:
    """A moment on the monotonic clock after which everything ends."""

    def __init__(self, seconds: float) -> None:
        import time

        self._now: Callable[[], float] = time.monotonic
        self.at = self._now() + seconds
        self.seconds = seconds

    def left(self) -> float:
        """Return the seconds left; raise `TimeoutError` when there are none."""
        left = self.at - self._now()
        if left <= 0:
            raise TimeoutError(f"no complete answer within {self.seconds:g} s")
        return left


def _reader(sock: socket.socket, deadline: Deadline) -> Any:
    """Wrap a socket so that `http.client` reads from it under one deadline."""
    import io

    class Raw(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            sock.settimeout(deadline.left())
            return sock.recv_into(buffer)

    class Front:
        """What `http.client.HTTPResponse` asks of a socket."""

        def makefile(self, *_: object, **__: object) -> io.BufferedReader:
            return io.BufferedReader(Raw(), _PIECE)

    return Front()


def split(address: str) -> tuple[str, str, int, str]:
    """Take an RPC address apart.

    Args:
        address: `tcp://host:port`, `http://…`, `https://…`, `unix:///path` or `host:port`.

    Returns:
        Scheme (`http`, `https`, `unix`), host or socket path, port (0 for a socket), and the path of the URL.

    Raises:
        ChainError: The address has another form.
    """
    scheme, mark, rest = address.partition("://")
    if not mark:
        scheme, rest = "tcp", address
    scheme = scheme.lower()
    if scheme == "unix":
        return "unix", rest, 0, "/"
    if scheme not in ("tcp", "http", "https"):
        raise ChainError(
            f"cannot use the RPC address {shown(address)!r}: the scheme is not tcp, http, https or unix"
        )
    place, slash, path = rest.partition("/")
    place = place.rpartition("@")[2]
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    if not port:
        port = {"https": "443", "http": "80"}.get(scheme, "26657")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:9]) < 65536):
        raise ChainError(
            f"cannot use the RPC address {shown(address)!r}: the port is not a number from 1 to 65535"
        )
    if host in ("", "0.0.0.0"):  # noqa: S104  # what a server binds is not what a client connects to
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return "https" if scheme == "https" else "http", host, int(port), (slash + path) or "/"


def _connect(scheme: str, host: str, port: int, deadline: Deadline) -> socket.socket:
    import socket

    if scheme == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(deadline.left())
            sock.connect(host)
        except BaseException:  # a wish to end too: the descriptor is given back whatever came
            sock.close()
            raise
        return sock
    sock = _first(_resolve(host, port, deadline), deadline)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if scheme == "https":
            import ssl

            sock.settimeout(deadline.left())
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except BaseException:  # as above
        sock.close()
        raise
    return sock


def _resolve(host: str, port: int, deadline: Deadline) -> list[Any]:
    """Look a name up within the deadline: the system's resolver knows no limit of ours."""
    import socket

    found: list[Any] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    if host == "localhost" or host.replace(".", "").isdigit() or ":" in host:
        look_up()
    else:
        import threading

        thread = threading.Thread(target=look_up, daemon=True)
        thread.start()
        thread.join(deadline.left())
    for one in found:
        if isinstance(one, Exception):
            raise one
    if not found:
        raise TimeoutError("the name is not found in time")
    return found


def _first(found: list[Any], deadline: Deadline) -> socket.socket:
    """Connect to the first of some addresses that lets us."""
    import socket

    problem: OSError | None = None
    for family, kind, protocol, _, place in found[:8]:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.left())
            sock.connect(place)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem or OSError("no address")


def shown(address: str) -> str:
    """Return an address as it may be shown: a URL's user name, path and query may be secrets."""
    scheme, mark, rest = address.partition("://")
    if scheme.lower() == "unix" or not mark:
        return address[:200]
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0].rpartition('@')[2]}"[:200]


def exchange(address: str, body: bytes, timeout: float, limit: int = ANSWER_LIMIT) -> bytes:
    """POST a body and return the answer's body.

    Args:
        address: As `split` takes it.
        body: JSON text.
        timeout: Seconds for all together: connecting, sending and the last byte of the answer.
        limit: The largest answer in bytes.

    Raises:
        ChainError: No connection, no HTTP, a redirect, too slow, too large.
    """
    import http.client

    scheme, host, port, path = split(address)
    name = shown(address)
    deadline = Deadline(timeout)
    try:
        sock = _connect(scheme, host, port, deadline)
    except (OSError, UnicodeError, ValueError) as error:
        raise ChainError(f"cannot reach the RPC at {name}: {_words(error)}", reached=False) from error
    try:
        front = "localhost" if scheme == "unix" else f"[{host}]" if ":" in host else host
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {front}{f':{port}' if port else ''}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nAccept-Encoding: identity\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        sock.settimeout(deadline.left())
        sock.sendall(head.encode("ascii") + body)
        response = http.client.HTTPResponse(_reader(sock, deadline), method="POST")
        with response:
            response.begin()
            return _body(response, name, limit)
    except (OSError, http.client.HTTPException, ValueError, OverflowError) as error:
        raise ChainError(f"cannot use the answer of {name}: {_words(error)}", reached=True) from error
    finally:
        sock.close()


def _body(response: Any, name: str, limit: int) -> bytes:
    # CometBFT answers an error of its own with status 500 and a JSON body; anything else is not an RPC.
    if response.status not in (200, 500):
        raise ChainError(f"cannot use the answer of {name}: HTTP status {response.status}", reached=True)
    coding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        raise ChainError(f"cannot use the answer of {name}: content encoding {coding[:40]!r}", reached=True)
    if response.length is not None and response.length > limit:
        raise ChainError(f"cannot use the answer of {name}: larger than {limit} bytes", reached=True)
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise ChainError(f"cannot use the answer of {name}: larger than {limit} bytes", reached=True)
        pieces.append(piece)
    if response.length:
        raise ChainError(f"cannot use the answer of {name}: it ends early", reached=True)
    return b"".join(pieces)


def _words(error: BaseException) -> str:
    """Name an error for the log: the system's words where there are some."""
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return str(error)[:200] or error.__class__.__name__
