"""What may be connected to, and how: the one seam between fetching and the world.

Production code makes `Network()`; only tests give it other names, addresses or authorities. There is no
setting for any of it, so that none can be set by accident.
"""

from __future__ import annotations

import copy
import ipaddress
import os
import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

from cosmovisor.model.value import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RESOLVE_SECONDS = 20.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@value
class Limits:
    """How much a fetch may take.

    Attributes:
        total: Seconds for one download, all attempts together.
        connect: Seconds for one connection to be made.
        headers: Seconds for the head of one answer.
        stall: Seconds in which at least `slowest` bytes must arrive.
        slowest: See `stall`.
        redirects: How many are followed.
        attempts: How often one source is tried.
        back_off: Seconds before the second attempt; doubled each time.
        opinions: Seconds for all small files together that are only asked for their opinion on another.
    """

    total: float = 1800.0
    connect: float = 20.0
    headers: float = 30.0
    stall: float = 30.0
    slowest: int = 4096
    redirects: int = 10
    attempts: int = 4
    back_off: float = 1.0
    opinions: float = 20.0


class Network:
    """Names, addresses, authorities, proxies and time, as they are."""

    def __init__(
        self,
        *,
        resolve: Callable[[str, int], list[str]] | None = None,
        refusal: Callable[[str], str] | None = None,
        tls: ssl.SSLContext | None = None,
        environ: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._resolve = resolve or _system_resolve
        self.refusal = refusal or refusal_of
        self._tls = tls
        self.environ = os.environ if environ is None else environ
        self.limits = limits or Limits()
        #: Called often while a download runs or waits; raises where it is no longer wanted.
        self.watch: Callable[[], None] = lambda: None

    def within(self, seconds: float) -> Network:
        """Return the same network for something that may take only so long, and is tried once."""
        found = copy.copy(self)
        found.limits = replace(
            self.limits, total=seconds, headers=min(self.limits.headers, seconds), attempts=1
        )
        return found

    @property
    def tls(self) -> ssl.SSLContext:
        """The context that checks certificates and host names; TLS 1.2 or newer."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve a host name, within a time limit that the system's resolver does not have.

        Raises:
            OSError: It has no address, or there is no answer in time.
        """
        answer: list[list[str]] = []
        failure: list[OSError] = []

        def ask() -> None:
            try:
                answer.append(self._resolve(host, port))
            except OSError as error:
                failure.append(error)
            except (UnicodeError, ValueError) as error:
                failure.append(OSError(f"{host} is not a host name: {error}"))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(min(_RESOLVE_SECONDS, self.limits.connect))
        if failure:
            raise failure[0]
        if not answer or not answer[0]:
            raise TimeoutError(f"no address for {host}")
        return answer[0]

    def proxy(self, scheme: str, host: str, port: int) -> str:
        """Return the proxy for a host, from the usual variables; empty where there is none.

        Raises:
            OSError: The proxy speaks a protocol that is not supported.
        """
        environ = self.environ
        lower = {name.lower(): item for name, item in environ.items() if item}
        if scheme == "http" and "REQUEST_METHOD" in environ:
            return ""  # In a CGI program, HTTP_PROXY would be a header that a client sent.
        found = lower.get(f"{scheme}_proxy") or lower.get("all_proxy", "")
        if not found or _bypass(lower.get("no_proxy", ""), host, port):
            return ""
        found = found if "://" in found else f"http://{found}"
        if urlsplit(found).scheme.lower() != "http" or not urlsplit(found).hostname:
            raise OSError("the proxy in the environment is not an http:// proxy; others are not supported")
        return found

    def sleep(self, seconds: float) -> None:
        """Wait before another attempt."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.watch()
            time.sleep(min(left, 0.2))


def _system_resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def refusal_of(address: str) -> str:
    """Say what an address is if it is not public; empty for a public one.

    An address inside another (IPv4 mapped into IPv6, 6to4, NAT64, Teredo) counts as what it stands for.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "not an address"
    inner: ipaddress.IPv4Address | None = None
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
    for each in (found, inner):
        if each is None or (each is found and inner is not None):
            continue
        if each.is_loopback:
            return "a loopback address"
        if each.is_link_local:
            return "a link-local address"
        if not each.is_global or each.is_multicast or each.is_reserved or each.is_unspecified:
            return "a private or reserved address"
    return ""


def _bypass(rules: str, host: str, port: int) -> bool:
    host = host.lower()
    for part in rules.lower().split(","):
        rule = part.strip()
        if rule == "*":
            return True
        name, colon, number = rule.rpartition(":")
        with_port = bool(colon) and number.isdigit() and ":" not in name
        if with_port and number != str(port):
            continue
        rule = (name if with_port else rule).lstrip(".")
        if rule and (host == rule or host.endswith(f".{rule}")):
            return True
        try:
            if rule and ipaddress.ip_address(host) in ipaddress.ip_network(rule, strict=False):
                return True
        except ValueError:
            continue
    return False
