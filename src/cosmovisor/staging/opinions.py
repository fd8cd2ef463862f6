"""Second opinions on a fetched file: the checksum list of its release, and the same file on a mirror.

What is learned so is a stated confidence and never a silent yes: whoever can change the file on the server
can often change the list too. Only a contradiction is worth more: then something is wrong for certain.
"""

from __future__ import annotations

import posixpath
import time
from urllib.parse import urlsplit, urlunsplit

from cosmovisor.model.errors import StagingError
from cosmovisor.model.receipts import Opinion, Proof
from cosmovisor.model.value import replace
from cosmovisor.staging import checksums, trust
from cosmovisor.staging.outcome import PlacedMeanwhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cosmovisor.config.settings import Settings
    from cosmovisor.staging.download import Downloads
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.sources import Source

_LISTS = ("checksums.txt", "SHA256SUMS", "sha256sum.txt", "SHA256SUMS.txt", "sha256sums.txt")
#: How the origin of a mirror begins.
MIRROR = "a mirror for "
#: Mirrors that are compared: each costs the whole download once more.
_MIRRORS = 2
_HELD = {"digest", "pinned", "signed", "hand"}


def wanted(source: Source, settings: Settings) -> bool:
    """Tell whether a second opinion is asked for: where no digest holds the file, or all must be proven."""
    if source.address.local or trust.worth(source) in {"pinned", "signed"}:
        return False
    return source.address.digest is None or settings.cosmovisor_trust == "require"


def of_release(downloads: Downloads, source: Source, sha256: str) -> Opinion:
    """Look for a checksum list beside a file: at the same server, in the same folder, nowhere else.

    Args:
        downloads: Fetches; small files of bounded size, all within the time that its network gives opinions.
        source: Where the file came from.
        sha256: Digest of what came.
    """
    place = source.address
    parts = urlsplit(place.url)
    folder = posixpath.dirname(parts.path).rstrip("/")
    until = time.monotonic() + downloads.network.limits.opinions
    for name in (f"{posixpath.basename(parts.path)}.sha256", *_LISTS):
        left = until - time.monotonic()
        if left <= 0:
            break
        url = urlunsplit((parts.scheme, parts.netloc, f"{folder}/{name}", "", ""))
        try:
            data = downloads.small(url, operator=source.operator, largest=checksums.LARGEST, seconds=left)
            digest = checksums.find(data, place.file)
        except PlacedMeanwhile:
            raise
        except StagingError:
            continue
        if digest.kind != "sha256":
            continue
        shown = replace(place, url=url).shown
        if digest.hex == sha256:
            text = f"the release's own {name} names the same sha256"
            return Opinion("release-list", shown, "agrees", text)
        text = (
            f"{place.shown} is not the file that the release's own {name} names: "
            f"its sha256 is {sha256}, expected {digest.hex}"
        )
        return Opinion("release-list", shown, "contradicts", text)
    shown = replace(place, url=urlunsplit((parts.scheme, parts.netloc, f"{folder}/", "", ""))).shown
    return Opinion("release-list", shown, "silent", "no checksum list was found beside it")


def of_mirrors(downloads: Downloads, sources: Sequence[Source], used: Source, sha256: str) -> list[Opinion]:
    """Fetch the same file from the other places that have it, the operator's mirrors above all, and compare.

    Args:
        downloads: Fetches.
        sources: Every source of the plan.
        used: The one that the file came from.
        sha256: Digest of what came.
    """
    found: list[Opinion] = []
    for other in sources:
        place = other.address
        same = place.file == used.address.file or other.origin.startswith(MIRROR)
        if place.url == used.address.url or not same or len(found) == _MIRRORS:
            continue
        try:
            got = downloads.digest(other)
        except PlacedMeanwhile:
            raise
        except StagingError as error:
            text = f"{place.shown} could not be compared: {error.cause}"
            found.append(Opinion("mirror", place.shown, "silent", text))
            continue
        if got == sha256:
            text = f"{place.shown} gives the same file"
            found.append(Opinion("mirror", place.shown, "agrees", text))
        else:
            text = f"{place.shown} gives another file: its sha256 is {got}, the one used has {sha256}"
            found.append(Opinion("mirror", place.shown, "contradicts", text))
    return found


def attach(record: Record, heard: Sequence[Opinion], settings: Settings) -> Record:
    """Return a record with these opinions instead of earlier ones of their kinds, and with their proofs."""
    kinds = {one.kind for one in heard}
    opinions = (*(one for one in record.opinions if one.kind not in kinds), *heard)
    others = tuple(proof for proof in record.proofs if proof.name != "confidence")
    told = proofs(opinions, record.trust, settings, record.plan_name)
    return replace(record, opinions=opinions, proofs=(*others, *told))


def proofs(opinions: Sequence[Opinion], held: str, settings: Settings, plan: str) -> tuple[Proof, ...]:
    """Say what opinions mean for a launch.

    A contradiction is a warning, and blocks under `COSMOVISOR_TRUST=require`. Two exceptions: a file that
    nothing holds and that the release's own list contradicts is a wrong digest, and blocks unless the policy
    is `off`; the version that other nodes run never blocks, since it is only their word.

    Args:
        opinions: What was learned.
        held: What holds the file, as a record has it.
        settings: The policy.
        plan: Name of the plan, for the fix.
    """
    policy = settings.cosmovisor_trust
    agreed = any(one.verdict == "agrees" for one in opinions)
    found = []
    for one in opinions:
        outcome, fix = "ok", ""
        if one.verdict == "silent" and one.kind == "release-list" and not agreed and held not in _HELD:
            outcome = "warning"
        elif one.verdict == "contradicts":
            wrong = one.kind == "release-list" and held not in _HELD and policy != "off"
            strict = policy == "require" and one.kind != "peers"
            outcome = "blocking" if wrong or strict else "warning"
            fix = _fix(one.kind, plan)
        found.append(Proof("confidence", outcome, one.text, fix))
    return tuple(found)


def _fix(kind: str, plan: str) -> str:
    if kind == "peers":
        return "Ask the chain's developers which release is right; put that binary into place by hand."
    return (
        "One of the two was changed: ask the publisher, pin the right digest in [sources] of config.toml, "
        f"or accept this file: cosmovisor approve {plan}"
    )
