"""Fetch one file over http or https into a partial file: bounded, resumable, hashed on the way.

The rules for addresses count at every hop: https never goes down to http, no other scheme is followed, and an
address that is not public needs a digest or the operator's word.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import ssl
import time
from urllib.parse import urljoin, urlsplit

from cosmovisor.model.value import value
from cosmovisor.observe.secrets import conceal
from cosmovisor.staging.connection import Meter, Refused, request
from cosmovisor.staging.outcome import NotYet
from cosmovisor.storage import calls, durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cosmovisor.staging.network import Network

_CHUNK = 1 << 20
_REDIRECTS = {301, 302, 303, 307, 308}
_LATER = {403: 600.0, 408: 10.0, 425: 10.0, 429: 60.0, 500: 30.0, 502: 10.0, 503: 30.0, 504: 30.0}
_LONGEST_WAIT = 60.0
#: Bytes that a download leaves free: the node beside us needs them more.
_RESERVE = 64 << 20
_ABSENT_RETRY, _NET_RETRY, _TRUST_RETRY = 600.0, 60.0, 3600.0


@value
class Order:
    """What to fetch and under which rules.

    Attributes:
        url: The URL, secrets and all.
        path: The partial file to write to; what is in it from an earlier try is taken up.
        largest: Most bytes to accept.
        kinds: Further digests to compute beside sha256.
        plain: True where plain http may be used.
        private: True where addresses that are not public may be used.
        exact: True where a digest will judge the whole, so that any earlier part may be taken up.
    """

    url: str
    path: str
    largest: int
    kinds: tuple[str, ...] = ()
    plain: bool = False
    private: bool = False
    exact: bool = False


@value
class Fetched:
    """A complete file.

    Attributes:
        path: Where it is.
        size: Its bytes.
        digests: By kind; sha256 always.
        url: Where it came from in the end, without secrets.
        secure: True where every hop was https with a valid certificate.
    """

    path: str
    size: int
    digests: dict[str, str]
    url: str
    secure: bool


class _Again(Exception):  # noqa: N818  the name says what to do
    """Another attempt may help."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


def fetch(network: Network, order: Order, progress: Callable[[str], None]) -> Fetched:
    """Fetch a file, with several attempts.

    Raises:
        Refused: A rule forbids it; nothing will change that.
        NotYet: The server or the way to it failed; says when to try again.
    """
    limits = network.limits
    part = _Part(order)
    deadline = time.monotonic() + limits.total
    shown = conceal(order.url)
    trouble = ""
    for attempt in range(limits.attempts):
        try:
            return _attempt(network, part, deadline, progress)
        except _Again as again:
            trouble = str(again)
            pause = min(max(again.wait, limits.back_off * 2**attempt), _LONGEST_WAIT)
        except ssl.SSLCertVerificationError as error:
            raise Refused(
                f"the certificate of {urlsplit(order.url).hostname} is not valid: {error.verify_message}",
                "Check the clock of this machine and its certificates; or ask the publisher.",
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            trouble, pause = _said(error), limits.back_off * 2**attempt
        if attempt + 1 < limits.attempts and time.monotonic() + pause < deadline:
            progress(f"{shown}: {trouble}; trying again in {pause:.0f} s")
            network.sleep(pause)
        elif time.monotonic() + pause >= deadline:
            break
    raise NotYet(f"cannot fetch {shown}: {trouble}", "Check the network; it is tried again.", _NET_RETRY)


def _attempt(network: Network, part: _Part, deadline: float, progress: Callable[[str], None]) -> Fetched:
    order = part.order
    url, secure = order.url, True
    headers = part.headers()
    for _ in range(network.limits.redirects + 1):
        _rule_of_scheme(url, order)
        secure = secure and url.startswith("https:")
        limits = network.limits
        meter = Meter(deadline, order.largest, limits.stall, limits.slowest, watch=network.watch)
        response = request(network, url, headers, meter, _rule_of_address(network, order))
        with contextlib.closing(response):
            if response.status in _REDIRECTS:
                url = _next(url, response)
                continue
            if response.status == 416 and part.size:
                part.drop()
                raise _Again("the server has another file than the one begun")
            _check_status(response, url)
            start = part.accept(response)
            _check_head(response, order, start)
            digests = _receive(response, part, start, progress)
            return Fetched(order.path, part.size, digests, conceal(url), secure)
    raise Refused(f"{conceal(order.url)} leads through more than {network.limits.redirects} redirects")


class _Part:
    """The partial file. What an earlier process has left is taken up only where a digest judges the whole."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.tag = ""
        try:
            self.size = os.lstat(order.path).st_size
        except OSError:
            self.size = 0
        if self.size > order.largest or not order.exact:
            self.drop()

    def headers(self) -> dict[str, str]:
        if self.size and not (self.tag or self.order.exact):
            self.drop()
        if not self.size:
            return {}
        found = {"Range": f"bytes={self.size}-"}
        if self.tag:
            found["If-Range"] = self.tag
        return found

    def accept(self, response: http.client.HTTPResponse) -> int:
        """Return where the answer begins, after making room for it."""
        if response.status == 206:
            words = (response.headers.get("Content-Range") or "").replace("-", " ").replace("/", " ").split()
            if len(words) != 4 or words[0] != "bytes" or words[1] != str(self.size):
                self.drop()
                raise _Again("the server sent another part than asked for")
            return self.size
        self.drop()
        tag = response.headers.get("ETag") or ""
        self.tag = tag if tag.startswith('"') and len(tag) < 256 and tag.isprintable() else ""
        return 0

    def drop(self) -> None:
        durable.remove_file(self.order.path)
        self.size = 0


def _receive(
    response: http.client.HTTPResponse,
    part: _Part,
    start: int,
    progress: Callable[[str], None],
) -> dict[str, str]:
    order = part.order
    hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in ("sha256", *order.kinds)}
    expected = None if response.length is None else start + response.length
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    spoken = time.monotonic()
    if start:
        with open(order.path, "rb") as file:
            while count := file.readinto(buffer):
                for each in hashes.values():
                    each.update(view[:count])
    fd = calls.open_append(order.path, 0o600)
    try:
        while count := response.readinto(buffer):
            if part.size + count > order.largest:
                raise Refused(f"{conceal(order.url)} is larger than {order.largest} bytes", _LARGER)
            for each in hashes.values():
                each.update(view[:count])
            durable.write_all(fd, view[:count])
            part.size += count
            if time.monotonic() - spoken > 2:
                spoken = time.monotonic()
                share = f"{100 * part.size // expected} % of " if expected else f"{part.size >> 20} MiB of "
                progress(f"fetching {share}{conceal(order.url)}")
    finally:
        calls.close(fd)
    if expected is not None and part.size != expected:
        raise _Again(f"the connection was cut at {part.size} of {expected} bytes")
    if not part.size:
        raise _Again("the server sent nothing")
    return {kind: each.hexdigest() for kind, each in hashes.items()}


_LARGER = "Raise COSMOVISOR_DOWNLOAD_LIMIT if the file is really that large."


def _check_status(response: http.client.HTTPResponse, url: str) -> None:
    status = response.status
    if status in {200, 206}:
        return
    said = f"{urlsplit(url).hostname} answers {status} {conceal(response.reason)[:60]}".rstrip()
    if status in {404, 410}:
        raise NotYet(
            f"{conceal(url)} is not there: {said}",
            "The file may not be published yet, or the plan names a wrong URL; it is tried again.",
            _ABSENT_RETRY,
        )
    if status in _LATER:
        wait = response.headers.get("Retry-After", "")
        raise _Again(said, min(float(wait), _LATER[status]) if wait.isdigit() else 0.0)
    raise NotYet(f"cannot fetch {conceal(url)}: {said}", "Check the URL in a browser.", _TRUST_RETRY)


def _check_head(response: http.client.HTTPResponse, order: Order, start: int) -> None:
    coding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding != "identity":
        raise NotYet(
            f"{conceal(order.url)} is sent with the encoding {coding[:20]!r}, which was not asked for",
            "Use a server that sends files as they are.",
            _TRUST_RETRY,
        )
    if response.length is not None and start + response.length > order.largest:
        raise Refused(f"{conceal(order.url)} is larger than {order.largest} bytes", _LARGER)
    free = free_space(os.path.dirname(order.path))
    if response.length is not None and response.length + _RESERVE > free:
        raise NotYet(
            f"there is no room for {conceal(order.url)}: {response.length} bytes are left to fetch, "
            f"{free} are free",
            f"Free space below {os.path.dirname(order.path)}; it is tried again.",
            _NET_RETRY,
        )
    lengths = response.headers.get_all("Content-Length") or []
    if len(set(lengths)) > 1:
        raise NotYet(f"{conceal(order.url)} is sent with two lengths", "Use another server.", _TRUST_RETRY)


def free_space(path: str) -> int:
    """Bytes free for us on the file system of a path."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _next(url: str, response: http.client.HTTPResponse) -> str:
    place = response.headers.get("Location") or ""
    if not place or len(place) > 8192:
        raise NotYet(f"{conceal(url)} redirects to nowhere", "Check the URL in a browser.", _TRUST_RETRY)
    found = urljoin(url, place)
    old, new = urlsplit(url), urlsplit(found)
    if new.scheme not in {"http", "https"} or not new.hostname:
        raise Refused(f"{conceal(url)} redirects to {conceal(found)[:200]}, which is not fetched")
    if old.scheme == "https" and new.scheme != "https":
        raise Refused(f"{conceal(url)} redirects from https to plain http at {new.hostname}")
    return found


def _rule_of_scheme(url: str, order: Order) -> None:
    if url.startswith("https:") or order.plain:
        return
    raise Refused(
        f"{conceal(url)} is plain http without a digest: whoever is on the way can change the file",
        "Pin the digest in [sources] of config.toml, or put the binary into place by hand.",
    )


def _rule_of_address(network: Network, order: Order) -> Callable[[str, str], None]:
    def allowed(host: str, address: str) -> None:
        what = network.refusal(address)
        if what and not order.private:
            raise Refused(
                f"{host} is {what} ({address}), which a chain has no reason to name without a digest",
                "Pin the digest in [sources] of config.toml if this server is yours.",
            )

    return allowed


def _said(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection was cut"
    if isinstance(error, http.client.HTTPException):
        return f"the answer is not HTTP ({type(error).__name__})"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return conceal(str(text))
