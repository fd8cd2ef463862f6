"""The chain id out of a genesis file of any size, from its first and last bytes.

Genesis files have up to gigabytes. Their writers put `chain_id` either near the front (the SDK's own order)
or, with sorted keys, behind `app_state`; nested objects hold other `chain_id`s, so only the outermost level
counts.
"""

from __future__ import annotations

import os

#: Bytes looked at from each end; validators and consensus parameters may stand between `chain_id` and the
#: end.
WINDOW = 1 << 20


def chain_id(path: str) -> str:
    """Return the outermost `chain_id` of a genesis file, or an empty text where it is not found."""
    import stat

    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return ""
        head = os.pread(fd, WINDOW, 0)
        tail = os.pread(fd, WINDOW, found.st_size - WINDOW) if found.st_size > WINDOW else b""
    except OSError:
        return ""
    finally:
        os.close(fd)
    return _from_front(head) or _from_back(tail)


def _from_front(data: bytes) -> str:
    import re

    depth, previous, key = 0, b"", b""
    for match in re.finditer(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]', data, re.DOTALL):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif token == b":":
            key = previous
        elif token != b"," and depth == 1 and key == b'"chain_id"' and previous == b":":
            return _text(token)
        previous = token
    return ""


def _from_back(data: bytes) -> str:
    # Read backwards, the outermost level begins at the last brace, and a string ends where a quote has an
    # even number of backslashes (none in practice) before it.
    import re

    depth, value = 0, b""
    pattern = rb'"(?:[^"]|"(?=(?:\\\\)*\\(?!\\)))*+"(?!(?:\\\\)*\\(?!\\))|[{}\[\]:,]'
    previous = b""
    for match in re.finditer(pattern, data[::-1], re.DOTALL):
        token = match.group()
        if token in (b"}", b"]"):
            depth += 1
        elif token in (b"{", b"["):
            depth -= 1
        elif token == b":":
            value = previous
        elif token != b"," and depth == 1 and previous == b":" and token == b'"di_niahc"':
            return _text(value[::-1])
        previous = token
    return ""


def _text(token: bytes) -> str:
    import json

    try:
        found = json.loads(token)
    except ValueError:
        return ""
    return found if isinstance(found, str) and len(found) <= 128 else ""
