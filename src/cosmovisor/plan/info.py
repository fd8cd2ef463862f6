"""Plan info: the free text of a proposal, taken apart without trusting it."""

from __future__ import annotations

import re

from cosmovisor.model.value import value
from cosmovisor.storage import light_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["binaries", "url", "placeholder", "empty", "text", "broken"]

#: Characters; a chain accepts far smaller texts only.
LARGEST = 10 * 1024 * 1024
#: Entries of a `binaries` object; no release has as many.
MOST_BINARIES = 256
_LONGEST_URL = 16 * 1024
_LONGEST_KEY = 256
#: As Go's `url.ParseRequestURI` has it, less what has no meaning as a source (`mailto:x`, `note: text`).
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|[a-z0-9]+::|/)[^\s\x00-\x1f\x7f]+")
_PLACEHOLDERS = re.compile(r"placeholder|todo|tbd|changeme|[<>{}]|(?<!//)\[|\bxxx+\b", re.IGNORECASE)


@value
class PlanInfo:
    """What a plan's info says about binaries.

    Attributes:
        kind: `binaries` (inline object), `url` (of such an object), `placeholder` (an object that names no
            usable binary yet: it is filled later, so it must be read again), `empty`, `text` (for people), or
            `broken` (meant for machines, and none can read it).
        binaries: Platform key and URL of each entry, in order, each key once.
        url: The URL for the kind `url`.
        notes: What was repaired or is doubtful, sentences for the operator.
        problem: Why there is nothing to fetch; empty for `binaries` and `url`.
    """

    kind: Kind
    binaries: tuple[tuple[str, str], ...] = ()
    url: str = ""
    notes: tuple[str, ...] = ()
    problem: str = ""


def parse(info: str) -> PlanInfo:
    """Take plan info apart; nothing is fetched, and nothing that it holds can make this fail."""
    if len(info) > LARGEST:
        return PlanInfo("broken", problem=f"the plan info is larger than {LARGEST} characters")
    text = info.strip()
    if not text:
        return PlanInfo("empty", problem="the plan info is blank: the binary must be placed by hand")
    notes: list[str] = []
    text = _without_quotes(text, notes)
    if _URL.fullmatch(text):
        if len(text) > _LONGEST_URL:
            return PlanInfo("broken", problem="the URL in the plan info is too long")
        return PlanInfo("url", url=text, notes=tuple(notes))
    if text[:1] not in {"{", "["}:
        return PlanInfo(
            "text", problem="the plan info is a text for people: the binary must be placed by hand"
        )
    return _document(text, notes)


def parse_fetched(text: str) -> PlanInfo:
    """Take apart what a URL in plan info has returned; a further URL in there is not followed, as in Go."""
    head = text[:200].lstrip().lower()
    if head.startswith(("<!doctype", "<html", "<head", "<?xml")):
        return PlanInfo("broken", problem="the URL in the plan info leads to a web page, not to a list")
    if head.startswith("\x7felf"):
        return PlanInfo("broken", problem="the URL in the plan info leads to a program, not to a list")
    found = parse(text)
    if found.kind == "url":
        return PlanInfo(
            "broken", problem="the URL in the plan info leads to another URL, which is not followed"
        )
    return found


def _in_words(text: str) -> str:
    """Say what its author most likely did, where that can be seen."""
    if text.count("{") > text.count("}"):
        return "a closing brace is missing: "
    if re.match(r"\{\s*[A-Za-z_]", text):
        return "its keys have no quotes: "
    if re.search(r",\s*[}\]]", text):
        return "there is a comma too many: "
    return ""


def _document(text: str, notes: list[str]) -> PlanInfo:
    try:
        found = _decode(text, notes)
    except ValueError as error:
        message = getattr(error, "msg", str(error))
        problem = f"could not parse plan info: {_in_words(text)}{message}"
        return PlanInfo("broken", problem=problem, notes=tuple(notes))
    if not isinstance(found, _Pairs):
        return PlanInfo("broken", problem="could not parse plan info: it is not an object")
    try:
        binaries = _binaries(found, notes)
    except ValueError as error:
        return PlanInfo("broken", problem=f"could not parse plan info: {error}", notes=tuple(notes))
    if not binaries:
        problem = (
            'the plan info has no "binaries" entries: it may be filled later, or the binary is placed by hand'
        )
        return PlanInfo("placeholder", problem=problem, notes=tuple(notes))
    if all(_PLACEHOLDERS.search(url) for url in binaries.values()):
        problem = "the plan info holds placeholders instead of URLs and checksums: it may be filled later"
        return PlanInfo("placeholder", tuple(binaries.items()), notes=tuple(notes), problem=problem)
    return PlanInfo("binaries", tuple(binaries.items()), notes=tuple(notes))


class _Pairs(list[tuple[str, object]]):
    """The members of an object, in order."""


def _decode(text: str, notes: list[str]) -> object:
    """Decode JSON; where that fails, undo what shells and templates are known to do to it."""
    try:
        return light_json.loads(text, pairs=_Pairs)
    except ValueError:
        if '\\"' in text[:40]:
            # One JSON level too many: every quote still has its backslash.
            unescaped = light_json.loads(f'"{text}"')
            found = light_json.loads(unescaped.strip(), pairs=_Pairs)
            notes.append("the plan info is escaped once too often; the Go tool cannot read it")
            return found
        if text.endswith(("},", "};")):
            found = light_json.loads(text[:-1], pairs=_Pairs)
            notes.append(f"the plan info ends with a stray {text[-1]!r}; the Go tool cannot read it")
            return found
        raise


def _without_quotes(text: str, notes: list[str]) -> str:
    """Take off quotes that a shell has left around the text, as several chains have published it."""
    for quote in ("'", '"', "`"):
        if len(text) > 1 and text[0] == text[-1] == quote:
            inner = text[1:-1].strip()
            if inner[:1] in {"{", "["} or _URL.fullmatch(inner):
                notes.append(f"the plan info stands in {quote} quotes; the Go tool cannot read it")
                return inner
    return text


def _binaries(members: _Pairs, notes: list[str]) -> dict[str, str]:
    """Collect the entries; keys match in any case and the last of equal ones wins, as in Go."""
    found: dict[str, str] = {}
    for name, item in members:
        if name.lower() != "binaries":
            continue
        if item is None:
            found = {}
            continue
        if not isinstance(item, _Pairs):
            raise ValueError("binaries is not an object")  # noqa: TRY004  # callers report one kind
        for key, url in item:
            if url is not None and not isinstance(url, str):
                raise ValueError(f"the entry {key[:40]!r} is not a text")
            if len(key) > _LONGEST_KEY or len(url or "") > _LONGEST_URL:
                raise ValueError(f"the entry {key[:40]!r} is too long")
            if key in found and found[key] != url:
                notes.append(f"the entry {key!r} stands there twice; the last one counts, as in the Go tool")
            found.pop(key, None)
            found[key] = (url or "").strip()
        if len(found) > MOST_BINARIES:
            raise ValueError(f"it has more than {MOST_BINARIES} entries")
    return found
