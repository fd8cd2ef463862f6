"""Plans written as Go's encoder writes them: the Go tool and the chain read these files back."""

from __future__ import annotations

from cosmovisor.model.plan import Plan

#: What Go's encoder escapes inside strings besides what JSON asks for.
_ESCAPES = (
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("&", "\\u0026"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)


def plan(found: Plan) -> bytes:
    """Return a plan as the chain and the Go tool write it, without a newline."""
    parts = [f'"name":{_text(found.name)}', '"time":"0001-01-01T00:00:00Z"', f'"height":{found.height}']
    if found.info:
        parts.append(f'"info":{_text(found.info)}')
    return ("{" + ",".join(parts) + "}").encode("utf-8", "replace")


def _text(text: str) -> str:
    # The encoder of the standard library that leaves other alphabets readable, without importing all of it.
    from _json import encode_basestring

    written: str = encode_basestring(text)
    for character, escape in _ESCAPES:
        written = written.replace(character, escape)
    return written
