"""One HTTP exchange over a connection whose address was looked at first and whose every byte is counted."""

from __future__ import annotations

import base64
import http.client
import io
import socket
import time
from urllib.parse import unquote, urlsplit

from cosmovisor.model.errors import StagingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from cosmovisor.staging.network import Network

#: Beside the body: chunk sizes, head, trailers. More of it is an answer made to waste time.
_OVERHEAD = 1 << 20
_BUFFER = 256 * 1024
_AGENT = "cosmovisor"
#: A read is left this often to see whether the download is still wanted.
_LOOK = 0.5


class Refused(StagingError):  # noqa: N818  the name says the state of things
    """A rule of ours forbids this address; another attempt gives the same answer."""


class Meter:
    """Limits of one exchange, in force at every read.

    Attributes:
        deadline: When the exchange must be over (monotonic).
        largest: How many bytes may come in.
    """

    def __init__(
        self, deadline: float, largest: int, stall: float, slowest: int, *, watch: Callable[[], None]
    ) -> None:
        self.deadline = deadline
        self._watch = watch
        self.largest = largest
        self.taken = 0
        self._stall, self._slowest = stall, slowest
        self._window_end = time.monotonic() + stall
        self._window_taken = 0
        self._head_end: float | None = None

    def head(self, seconds: float) -> None:
        """The head of an answer begins and must be complete in this time."""
        self._head_end = time.monotonic() + seconds

    def body(self) -> None:
        """The head is complete; from here the stall limit counts."""
        self._head_end = None
        self._window_end, self._window_taken = time.monotonic() + self._stall, 0

    def seconds_left(self) -> float:
        """How long the next read may take.

        Raises:
            TimeoutError: A limit is reached.
        """
        self._watch()
        now = time.monotonic()
        end = self.deadline if self._head_end is None else min(self.deadline, self._head_end)
        if self._head_end is None and now >= self._window_end:
            if self._window_taken < self._slowest:
                raise TimeoutError(
                    f"stalled: {self._window_taken} bytes in {self._stall:.0f} s, at {self.taken} bytes"
                )
            self._window_end, self._window_taken = now + self._stall, 0
        if now >= end:
            raise TimeoutError(
                "the time limit for the download" if end == self.deadline else "no answer in time"
            )
        return min(end, self._window_end if self._head_end is None else end) - now

    def count(self, size: int) -> None:
        """Bytes have come in.

        Raises:
            Refused: More than may come.
        """
        self.taken += size
        self._window_taken += size
        if self.taken > self.largest + _OVERHEAD:
            raise Refused(f"the answer is larger than {self.largest} bytes", _LARGER)


_LARGER = "Raise COSMOVISOR_DOWNLOAD_LIMIT if the file is really that large."


class _Wire(io.RawIOBase):
    """The read side of a socket under a meter."""

    def __init__(self, sock: socket.socket, meter: Meter) -> None:
        self.sock, self.meter = sock, meter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while True:
            self.sock.settimeout(min(max(self.meter.seconds_left(), 0.001), _LOOK))
            try:
                size = self.sock.recv_into(buffer)
            except TimeoutError:
                continue  # The meter says which limit it was.
            self.meter.count(size)
            return size

    def close(self) -> None:
        """The answer is read or given up: the connection served for nothing else."""
        self.sock.close()
        super().close()


class _Socket:
    """What `http.client` needs of a socket."""

    def __init__(self, sock: socket.socket, meter: Meter) -> None:
        self.sock, self.meter = sock, meter

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Wire(self.sock, self.meter), _BUFFER)

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(max(self.meter.seconds_left(), 0.001))
        self.sock.sendall(data)

    def close(self) -> None:
        """Only the reader closes: `http.client` lets go of the socket before the body is read."""


class _Connection(http.client.HTTPConnection):
    """Speaks over a socket that we have made and looked at."""

    def __init__(self, host: str, port: int, sock: _Socket) -> None:
        super().__init__(host, port)
        self.sock = sock
        self.auto_open = 0


def request(
    network: Network,
    url: str,
    headers: Mapping[str, str],
    meter: Meter,
    allowed: Callable[[str, str], None],
) -> http.client.HTTPResponse:
    """Send a GET and return the answer, its head complete and its body unread.

    Args:
        network: Names, proxies, authorities.
        url: An http or https URL.
        headers: Further headers.
        meter: The limits.
        allowed: Called with the host's name and each address before anything is sent to it; raises `Refused`.

    Raises:
        Refused: The address is not allowed.
        OSError: The connection fails or takes too long.
        http.client.HTTPException: The answer is not HTTP.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna").decode("ascii")
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    proxy = network.proxy(parts.scheme, host, port)
    sock = _open(network, proxy, (host, port), meter, allowed)
    try:
        if proxy and secure:
            _tunnel(sock, proxy, (host, port), meter, network.limits.headers)
        if secure:
            sock.settimeout(min(network.limits.connect, meter.seconds_left()))
            sock = _secured(network.tls, sock, host)
        connection = _Connection(host, port, _Socket(sock, meter))
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        sent = {"User-Agent": _AGENT, "Accept": "*/*", "Connection": "close", **headers}
        if parts.username is not None:
            sent["Authorization"] = _basic(parts.username, parts.password)
        if proxy and not secure:
            target = f"http://{parts.netloc.rpartition('@')[2]}{target}"
            sent |= _proxy_headers(proxy)
        meter.head(network.limits.headers)
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, item in {**sent, "Accept-Encoding": "identity"}.items():
            connection.putheader(name, item)
        connection.endheaders()
        response = connection.getresponse()
        meter.body()
    except BaseException:  # a wish to end too: the descriptor is given back whatever came
        sock.close()
        raise
    return response


def _secured(context: ssl.SSLContext, sock: socket.socket, host: str) -> socket.socket:
    # An end without TLS's own goodbye may be an attacker's cut; it is an error, not an end.
    return context.wrap_socket(sock, server_hostname=host, suppress_ragged_eofs=False)


def _open(
    network: Network,
    proxy: str,
    target: tuple[str, int],
    meter: Meter,
    allowed: Callable[[str, str], None],
) -> socket.socket:
    """Connect to an address that was looked at; the name is not resolved a second time."""
    host, port = target
    if proxy:
        try:
            addresses = network.addresses(host, port)
        except OSError:
            addresses = []  # Behind a proxy, names of the outside need not resolve here: the proxy decides.
        for address in addresses:
            allowed(host, address)
        parts = urlsplit(proxy)
        host, port = parts.hostname or "", parts.port or 80
        addresses = network.addresses(host, port)
    else:
        addresses = network.addresses(host, port)
        for address in addresses:
            allowed(host, address)
    failure: OSError = OSError(f"no address for {host}")
    for address in addresses[:4]:
        try:
            return socket.create_connection(
                (address, port), min(network.limits.connect, meter.seconds_left())
            )
        except OSError as error:
            failure = error
    raise failure


def _tunnel(sock: socket.socket, proxy: str, target: tuple[str, int], meter: Meter, seconds: float) -> None:
    host, port = target
    name = f"[{host}]" if ":" in host else host
    lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}", f"User-Agent: {_AGENT}"]
    lines += [f"{key}: {item}" for key, item in _proxy_headers(proxy).items()]
    meter.head(seconds)
    sock.settimeout(meter.seconds_left())
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    head = b""
    # Byte by byte: what follows the head belongs to TLS.
    while not head.endswith(b"\r\n\r\n"):
        sock.settimeout(max(meter.seconds_left(), 0.001))
        piece = sock.recv(1)
        if not piece or len(head) > 16384:
            raise OSError("the proxy did not answer with HTTP")
        head += piece
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or words[1] != b"200":
        raise OSError(
            f"the proxy refused the connection: {words[1][:3].decode('latin-1') if words[1:] else '?'}"
        )


def _proxy_headers(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    return {} if parts.username is None else {"Proxy-Authorization": _basic(parts.username, parts.password)}


def _basic(user: str, password: str | None) -> str:
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"
