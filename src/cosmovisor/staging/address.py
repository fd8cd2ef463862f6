"""The value of a `binaries` entry, read as the Go tool's download library reads it, and held to our rules."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from cosmovisor.model.errors import StagingError
from cosmovisor.model.value import value
from cosmovisor.observe.secrets import conceal

_LONGEST = 8192
_FORCED = re.compile(r"^([A-Za-z0-9]+)::(.+)$", re.DOTALL)
_BAD = re.compile(r"[\x00-\x20\x7f-\x9f\\]")
#: Endings that the Go tool unpacks, longest first.
ENDINGS = {
    ".tar.bz2": "tar.bz2",
    ".tar.gz": "tar.gz",
    ".tar.xz": "tar.xz",
    ".tar.zst": "tar.zst",
    ".tbz2": "tar.bz2",
    ".tgz": "tar.gz",
    ".txz": "tar.xz",
    ".tzst": "tar.zst",
    ".tar": "tar",
    ".zip": "zip",
    ".bz2": "bz2",
    ".zst": "zst",
    ".gz": "gz",
    ".xz": "xz",
}
ARCHIVES = frozenset(ENDINGS.values()) | {"tgz", "tbz2", "txz", "tzst"}
DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
_KINDS = {digits: kind for kind, digits in DIGITS.items()}
_HEX = re.compile(r"^[0-9a-fA-F]+$")


class SourceError(StagingError):
    """This source can never be used, however often it is tried."""


@value
class Digest:
    """A digest of a file as downloaded."""

    kind: str
    hex: str

    @property
    def weak(self) -> bool:
        """True for md5 and sha1, for which two files with one digest can be made."""
        return self.kind in {"md5", "sha1"}


@value
class Address:
    """Where to fetch from, taken apart.

    Attributes:
        url: What is requested; parameters that are for us are taken out. May hold secrets.
        digest: The digest that the value names.
        checksum_url: A checksum list file that it names instead; its worth is that of its own fetch.
        archive: `archive=` of the value, or the kind that the ending tells; empty where neither does.
        raw: True where `archive=false` forbids unpacking.
        folder: The folder inside the archive that is wanted (`archive.zip//folder`).
        local: True for a path or `file:` URL, which only the operator may give.
    """

    url: str
    digest: Digest | None = None
    checksum_url: str = ""
    archive: str = ""
    raw: bool = False
    folder: str = ""
    local: bool = False

    @property
    def scheme(self) -> str:
        """Scheme of the URL, in lower case."""
        return urlsplit(self.url).scheme.lower()

    @property
    def host(self) -> str:
        """Host of the URL."""
        return (urlsplit(self.url).hostname or "").lower()

    @property
    def file(self) -> str:
        """Last part of the path, unescaped; what a checksum list calls the file."""
        return unquote(urlsplit(self.url).path.rpartition("/")[2])

    @property
    def shown(self) -> str:
        """The URL without its secrets."""
        return conceal(self.url)


def parse(text: str, *, operator: bool = False) -> Address:
    """Read a value of a `binaries` object.

    Args:
        text: The value.
        operator: True where the operator gave it: then local paths and `file:` URLs are taken too.

    Raises:
        SourceError: It can never be fetched; says why.
    """
    text = text.strip()
    if not text:
        raise SourceError("the source is empty", "Name a URL.")
    if len(text) > _LONGEST:
        raise SourceError(f"the source is longer than {_LONGEST} characters")
    forced = _FORCED.match(text)
    if forced and forced[1].lower() not in {"http", "https"}:
        raise SourceError(
            f"the source asks for {forced[1]}:: downloads, which run programs or foreign protocols",
            "Chains should publish an https URL; or put the binary into place by hand.",
        )
    text = forced[2] if forced else text
    if text.startswith("/") or text.lower().startswith("file:"):
        return _local(text, operator)
    if _BAD.search(text):
        raise SourceError("the source holds blanks or control characters", "The URL must be escaped.")
    return _remote(text)


def _remote(text: str) -> Address:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise SourceError(f"the source {conceal(text)!r} is not a URL: {error}") from None
    if parts.scheme.lower() not in {"http", "https"}:
        what = f"the scheme {parts.scheme!r}" if parts.scheme else "no scheme"
        raise SourceError(
            f"the source {conceal(text)!r} has {what}; only http and https are fetched",
            "Put the binary into place by hand.",
        )
    if not host or port == 0:
        raise SourceError(f"the source {conceal(text)!r} names no host")
    try:
        host.encode("idna")
    except UnicodeError:
        raise SourceError(f"the host name in {conceal(text)!r} is not valid") from None
    archive, raw, digest, checksum_url, query = _parameters(parts.query)
    path, folder = _folder(parts.path)
    url = urlunsplit((parts.scheme.lower(), parts.netloc, path or "/", query, ""))
    return Address(url, digest, checksum_url, archive or ("" if raw else ending(path)), raw, folder)


def _local(text: str, operator: bool) -> Address:
    if not operator:
        raise SourceError(
            f"the source {conceal(text)!r} is a file on this machine, which a chain cannot know",
            "Put the binary into place by hand, or name the file in [sources] of config.toml.",
        )
    path, _, query = text.partition("?")
    archive, raw, digest, checksum_url, _ = _parameters(query)
    if path.lower().startswith("file:"):
        parts = urlsplit(path)
        if parts.netloc not in {"", "localhost"}:
            raise SourceError(f"the source {text!r} names a file on another machine")
        path = unquote(parts.path)
    path, folder = _folder(path)
    kind = archive or ("" if raw else ending(path))
    return Address(path, digest, checksum_url, kind, raw, folder, local=True)


def _parameters(query: str) -> tuple[str, bool, Digest | None, str, str]:
    """Take `checksum` and `archive` out of a query; the rest stays as it was written."""
    archive, raw, digest, checksum_url = "", False, None, ""
    kept = []
    seen = set()
    for piece in query.split("&") if query else []:
        pairs = parse_qsl(piece, keep_blank_values=True, max_num_fields=100)
        name, item = pairs[0] if pairs else ("", "")
        if name not in {"checksum", "archive"}:
            kept.append(piece)
            continue
        if name in seen:
            raise SourceError(f"the source names {name} twice", "Only one can be right.")
        seen.add(name)
        if name == "checksum":
            digest, checksum_url = _checksum(item)
        elif item.lower() in {"false", "0"}:
            raw = True
        elif item.lower() in ARCHIVES:
            archive = ENDINGS.get(f".{item.lower()}", item.lower())
        elif item:
            raise SourceError(f"the source asks for an archive of the unknown kind {item!r}")
    return archive, raw, digest, checksum_url, "&".join(kept)


def _checksum(text: str) -> tuple[Digest | None, str]:
    text = text.strip()
    if not text:
        return None, ""
    kind, colon, rest = text.partition(":")
    if colon and kind.lower() == "file":
        address = parse(rest)
        if address.digest or address.checksum_url:
            raise SourceError("the checksum file has a checksum parameter of its own, which is not followed")
        return None, address.url
    return digest_of(text), ""


def digest_of(text: str) -> Digest:
    """Read `type:hex` or bare hex, whose length tells the type.

    Raises:
        SourceError: It is neither.
    """
    kind, colon, digits = text.strip().partition(":")
    if not colon:
        digits, kind = kind, _KINDS.get(len(kind), "")
        if not kind or not _HEX.match(digits):
            raise SourceError(
                f"the checksum {text[:80]!r} is not a digest",
                "A digest is sha256: and 64 hexadecimal digits.",
            )
    kind = kind.lower()
    if kind not in DIGITS:
        raise SourceError(f"the checksum has the unknown type {kind[:20]!r}", "Use sha256.")
    if not _HEX.match(digits) or len(digits) != DIGITS[kind]:
        raise SourceError(
            f"the checksum {text[:80]!r} is not {DIGITS[kind]} hexadecimal digits",
            "The publisher has left a placeholder or cut it short.",
        )
    return Digest(kind, digits.lower())


def _folder(path: str) -> tuple[str, str]:
    """Split `archive.zip//folder`, the download library's way to name a folder inside an archive.

    A double slash that follows no archive is taken for part of the path.
    """
    before, slashes, after = path.partition("//")
    if not slashes or not ending(before):
        return path, ""
    folder = unquote(after).strip("/")
    if any(part in {"", ".", ".."} for part in folder.split("/")) or "\0" in folder:
        raise SourceError(f"the source names the folder {folder!r} inside its archive")
    return before, folder


def ending(path: str) -> str:
    """Tell the kind of archive from the ending of a path; empty where it is none."""
    lower = path.lower()
    for suffix, kind in ENDINGS.items():
        if lower.endswith(suffix) and not lower.endswith(f"/{suffix}"):
            return kind
    return ""
