"""What may be secret in a URL never reaches a log, a page or an error text."""

from __future__ import annotations

#: Query parameters that say how to fetch; every other one may be a token.
_HARMLESS = ("checksum", "archive", "filename", "ref", "depth", "height", "platform")
_ENDS = " \t\r\n\"'<>`|"


def conceal(text: str) -> str:
    """Replace user names, passwords and unknown query values of every URL in a text.

    `https://user:pw@host/x?token=abc&checksum=sha256:12` becomes
    `https://***@host/x?token=***&checksum=sha256:12`.
    """
    if "://" not in text:
        return text
    parts = []
    rest = text
    while True:
        at = rest.find("://")
        if at < 0:
            parts.append(rest)
            return "".join(parts)
        end = at + 3
        while end < len(rest) and rest[end] not in _ENDS:
            end += 1
        parts.extend((rest[: at + 3], _address(rest[at + 3 : end])))
        rest = rest[end:]


def _address(address: str) -> str:
    cut = min([place for place in (address.find(mark) for mark in "/?#") if place >= 0], default=len(address))
    host, path = address[:cut], address[cut:]
    if "@" in host:
        host = "***@" + host.rpartition("@")[2]
    before, mark, query = path.partition("?")
    if not mark:
        return host + before
    query, hash_mark, fragment = query.partition("#")
    kept = [_parameter(item) for item in query.split("&")]
    return f"{host}{before}?{'&'.join(kept)}{hash_mark}{fragment}"


def _parameter(item: str) -> str:
    name, equals, value = item.partition("=")
    if not equals:
        return item
    # A checksum may name a file by its own URL, with secrets of its own.
    return f"{name}={conceal(value)}" if name.lower() in _HARMLESS else f"{name}=***"
