"""Checksum list files, as releases carry them: GNU and BSD lines, or a lone digest."""

from __future__ import annotations

import re

from cosmovisor.staging.address import DIGITS, Digest, SourceError

#: The lists of real releases have a few kilobytes.
LARGEST = 1024 * 1024
_MOST_LINES = 20_000
_GNU = re.compile(r"^\\?([0-9a-fA-F]{32,128})[ \t]+[*]?(.+)$")
_BSD = re.compile(r"^(MD5|SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-fA-F]+)$", re.IGNORECASE)
_KINDS = {digits: kind for kind, digits in DIGITS.items()}


def find(data: bytes, name: str) -> Digest:
    """Find the digest of a file in a list.

    Names are compared by their last part: lists carry `./` and folders. A list of one lone digest speaks of
    the file that it lies beside. The strongest kind wins; two different digests of one kind are an error.

    Args:
        data: The list.
        name: The file's name.

    Raises:
        SourceError: There is none, or more than one.
    """
    if len(data) > LARGEST:
        raise SourceError(f"the checksum file is larger than {LARGEST} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise SourceError("the checksum file is not text") from None
    if len(lines) > _MOST_LINES:
        raise SourceError(f"the checksum file has more than {_MOST_LINES} lines")
    lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found: set[Digest] = set()
    for line in lines:
        digest = _entry(line, name)
        if digest is not None:
            found.add(digest)
    if not found and len(lines) == 1 and len(lines[0]) in _KINDS and re.fullmatch("[0-9a-fA-F]+", lines[0]):
        found.add(Digest(_KINDS[len(lines[0])], lines[0].lower()))
    if not found:
        raise SourceError(f"the checksum file does not name {name!r}")
    kind = max((digest.kind for digest in found), key=lambda each: DIGITS[each])
    best = [digest for digest in found if digest.kind == kind]
    if len(best) > 1:
        raise SourceError(f"the checksum file names {name!r} with {len(best)} different digests")
    return best[0]


def _entry(line: str, name: str) -> Digest | None:
    if match := _BSD.match(line):
        kind, file, digits = match[1].lower(), match[2], match[3]
        fits = len(digits) == DIGITS[kind]
    elif match := _GNU.match(line):
        digits, file = match[1], match[2]
        kind, fits = _KINDS.get(len(digits), ""), len(digits) in _KINDS
    else:
        return None
    return Digest(kind, digits.lower()) if fits and file.strip().rpartition("/")[2] == name else None
