"""What a source must prove before it is used, and what using it is worth."""

from __future__ import annotations

from cosmovisor.model.receipts import Proof
from cosmovisor.staging.connection import Refused
from cosmovisor.staging.outcome import NotYet
from cosmovisor.staging.sources import WORTH, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.settings import Settings
    from cosmovisor.staging.fetch import Fetched

_PIN = "Pin the digest in [sources] of config.toml, or put the binary into place by hand."
_WRONG_RETRY = 3600.0


def worth(source: Source) -> str:
    """Say what a source is worth before it is fetched: `none`, `https`, `digest`, `pinned`, `signed`."""
    own = source.override
    if own is not None and own.minisign_key:
        return "signed"
    if own is not None and (own.sha256 or own.binary_sha256):
        return "pinned"
    if source.address.local:
        return "digest" if source.address.digest else "hand"
    if source.address.digest:
        return source.worth
    if source.address.checksum_url:
        link = "https" if source.address.checksum_url.startswith("https:") else "none"
    else:
        link = "https" if source.address.scheme == "https" else "none"
    return min(link, source.worth, key=WORTH.index)


def admit(source: Source, settings: Settings) -> None:
    """Refuse a source that the policy forbids, before anything is sent.

    Raises:
        Refused: Says which rule, and what the operator can do.
    """
    found = worth(source)
    shown = source.address.shown
    if settings.daemon_download_must_have_checksum and not has_checksum(source):
        raise Refused(
            f"{shown} has no checksum, and DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM is true",
            "Pin the digest in [sources] of config.toml, or put the binary into place by hand.",
        )
    if settings.cosmovisor_trust == "off" or found in {"digest", "pinned", "signed", "hand"}:
        return
    if settings.cosmovisor_trust == "require":
        raise Refused(f"{shown} is not held by a digest, and COSMOVISOR_TRUST is require", _PIN)
    if found == "none":
        raise Refused(
            f"{shown} is plain http without a digest: whoever is on the way can change the file", _PIN
        )


def has_checksum(source: Source) -> bool:
    """Tell whether a source carries a checksum, as the Go tool's option asks."""
    return bool(
        source.address.digest or source.address.checksum_url or worth(source) in {"pinned", "signed", "hand"}
    )


def verify(source: Source, fetched: Fetched) -> None:
    """Hold what was fetched against the digest that was promised.

    Raises:
        NotYet: It is another file.
    """
    digest = source.address.digest
    if digest is None:
        return
    got = fetched.digests.get(digest.kind, "")
    if got != digest.hex:
        raise NotYet(
            f"{source.address.shown} is not the file that {source.origin} names: "
            f"its {digest.kind} is {got}, expected {digest.hex}",
            "The file was changed after its digest was published, or the digest is wrong; ask the publisher.",
            _WRONG_RETRY,
        )


def proofs(source: Source, settings: Settings) -> tuple[Proof, ...]:
    """Say in words what the origin of a binary is worth."""
    found = worth(source)
    digest = source.address.digest
    notes = list(source.notes)
    if found in {"digest", "pinned"} and digest is not None:
        notes.append(Proof("trust", "ok", f"its {digest.kind} is the one that {source.origin} names"))
    elif found == "pinned":
        notes.append(Proof("trust", "ok", "its digest is pinned in config.toml"))
    elif found == "signed":
        notes.append(Proof("trust", "ok", "it carries the publisher's signature"))
    elif found == "hand":
        notes.append(Proof("trust", "ok", f"it was taken from {source.origin}"))
    elif digest is not None:
        text = "its digest comes from a list that can change: both are worth the https connection"
        notes.append(Proof("trust", "warning", text, _PIN))
    elif found == "https":
        text = "no digest was published: it is worth the https connection that it came over"
        notes.append(Proof("trust", "warning", text, _PIN))
    else:
        text = "it came over plain http without a digest; COSMOVISOR_TRUST=off allows that"
        notes.append(Proof("trust", "warning", text, _PIN))
    if digest is not None and digest.weak:
        text = f"{digest.kind} is too weak to tell two files of one maker apart"
        notes.append(Proof("digest-kind", "warning", text, "Ask the publisher for sha256."))
    if settings.cosmovisor_trust == "off":
        notes.append(Proof("policy", "warning", "COSMOVISOR_TRUST=off is for test networks", ""))
    return tuple(notes)
