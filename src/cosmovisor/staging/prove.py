"""Prove a binary that lies in its place, and write down what was found."""

from __future__ import annotations

import hashlib
import os
import stat
import time

from cosmovisor.model.errors import StagingError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import Opinion, Proof
from cosmovisor.model.value import value
from cosmovisor.staging import preflight, ready, record, writers
from cosmovisor.staging.outcome import NotYet
from cosmovisor.storage import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cosmovisor.config.layout import Layout

    Probes = Callable[[str, tuple[str, ...]], "Probed"]

_MOST_TWINS = 8
_SOON = 0.5
_EXECUTE = 0o111


@value
class Probed:
    """What running the binary in a cage has shown; `says` is the answer of its `version`."""

    proofs: tuple[Proof, ...] = ()
    no_pre_upgrade: bool = False
    says: str = ""


@value
class Origin:
    """Where a binary comes from, for its record.

    Attributes:
        source: `hand`, or the URL without its secrets.
        trust: `digest`, `pinned`, `signed`, `https`, `hand` or `none`.
        fetched_sha256: Digest of what was downloaded.
        proofs: What fetching and verifying have found.
        opinions: What was learned elsewhere.
    """

    source: str = "hand"
    trust: str = "hand"
    fetched_sha256: str = ""
    proofs: tuple[Proof, ...] = ()
    opinions: tuple[Opinion, ...] = ()


def prove(
    layout: Layout,
    version: Version,
    plan: Plan,
    environ: Mapping[str, str],
    *,
    origin: Origin | None = None,
    pins: frozenset[str] = frozenset(),
    probes: Probes | None = None,
    known_digest: str = "",
    fresh: bool = False,
    keep: bool = True,
) -> record.Record:
    """Check the binary of a version and keep the result; one that is proven and unchanged costs nothing.

    Args:
        layout: The folder tree.
        version: The version to prove.
        plan: The plan that it is proven for.
        environ: The node's environment.
        origin: Given where we have just put the binary there; otherwise it was placed by hand, or we did so
            earlier and the record says from where.
        pins: SHA-256 digests of the executable that the operator has pinned; any of them will do.
        probes: Runs the binary in a cage; None where nothing may be run yet.
        known_digest: Its digest where we have just written it ourselves.
        fresh: True to believe no earlier record.
        keep: False to leave an earlier record as it is.

    Raises:
        NotYet: There is no file, or somebody still writes it.
    """
    path = layout.bin(version)
    folder = layout.folder(version)
    old = record.load(layout.proof(version))
    before = _status(path)
    if (
        origin is None
        and not fresh
        and old is not None
        and _holds(old, layout, version, plan, pins=pins, run=probes is not None)
    ):
        return old
    if stat.S_ISREG(before.st_mode) and writers.is_being_written(path):
        raise NotYet(f"{path} is still being written", "Nothing to do: it goes on when the copy ends.", _SOON)
    proofs: list[Proof] = []
    if stat.S_ISREG(before.st_mode) and before.st_mode & 0o111 != 0o111:
        proofs += _make_executable(path, before.st_mode)
        before = _status(path)
    libraries = library_path(folder, environ)
    proofs += preflight.examine(path, libraries, environ)
    digest = known_digest or (sha256_of(path) if stat.S_ISREG(before.st_mode) else "")
    if record.identity_of(_status(path)) != record.identity_of(before):
        raise NotYet(f"{path} changes while it is being proven", "Wait until the copy has ended.", _SOON)
    found = _origin(origin, old, digest, path)
    proofs += found.proofs
    proofs += _digest_proofs(digest, old, origin, record.identity_of(before), pins)
    twins, twin_proofs = _twins(layout, version, digest)
    proofs += twin_proofs
    probed = Probed()
    if probes is not None and not any(proof.outcome == "blocking" for proof in proofs):
        probed = probes(path, libraries)
    found_out = record.Record(
        folder=version.folder,
        path=path,
        sha256=digest,
        identity=record.identity_of(before),
        plan_name=plan.name,
        plan_height=plan.height,
        info_sha256=record.info_digest(plan.info),
        source=found.source,
        trust="pinned" if digest in pins else found.trust,
        proofs=(*proofs, *probed.proofs),
        executed=probes is not None,
        no_pre_upgrade=probed.no_pre_upgrade,
        staged_at=now(),
        fetched_sha256=found.fetched_sha256,
        approved_sha256=old.approved_sha256 if old is not None and old.sha256 == digest else "",
        libraries=record.libraries_in(folder),
        twins=twins,
        says=probed.says or (old.says if old is not None and old.sha256 == digest else ""),
        opinions=found.opinions,
    )
    if keep:
        record.save(layout.proof(version), found_out)
    return found_out


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def library_path(folder: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return `LD_LIBRARY_PATH` as the node of this version gets it, without empty elements."""
    own = [os.path.join(folder, "lib")] if os.path.isdir(os.path.join(folder, "lib")) else []
    return (*own, *(part for part in environ.get("LD_LIBRARY_PATH", "").split(":") if part))


def sha256_of(path: str) -> str:
    """Digest of a file, in lower-case hex.

    Raises:
        StagingError: It cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StagingError(f"cannot read {path}: {error.strerror}", "Check its owner and mode.") from None


def _holds(
    old: record.Record, layout: Layout, version: Version, plan: Plan, *, pins: frozenset[str], run: bool
) -> bool:
    """Whether an old record still says all that is asked: a wait or a failure is looked at again."""
    path = layout.bin(version)
    if ready.outdated(old, layout.folder(version), path, _status(path), plan):
        return False
    if old.blocking or (pins and old.sha256 not in pins) or (run and not old.executed):
        return False
    return old.twins == _twins(layout, version, "")[0]


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise NotYet(f"cannot look at {path}: {error.strerror}", "Put the new binary itself there.") from None


def _make_executable(path: str, mode: int) -> list[Proof]:
    try:
        calls.chmod(path, stat.S_IMODE(mode) | _EXECUTE)
    except OSError:
        return []  # The preflight says what is missing; a mode that suffices for this user is no fault.
    return [Proof("mode", "warning", "its execute bits were missing and were added, as the Go tool does", "")]


def _origin(given: Origin | None, old: record.Record | None, digest: str, path: str) -> Origin:
    if given is not None:
        return given
    if old is None or old.path != path or old.sha256 != digest:
        return Origin()
    words = {"confidence", "space"} | ({"trust"} if old.source != "hand" else set())
    kept = tuple(proof for proof in old.proofs if proof.name in words)
    if old.source != "hand":
        return Origin(old.source, old.trust, old.fetched_sha256, kept, old.opinions)
    return Origin(proofs=kept, opinions=old.opinions)


def _digest_proofs(
    digest: str, old: record.Record | None, given: Origin | None, identity: object, pins: frozenset[str]
) -> list[Proof]:
    if pins and digest not in pins:
        return [
            Proof(
                "digest",
                "blocking",
                f"its sha256 {digest} is not the one pinned in config.toml",
                "Put the pinned binary there, or correct the pin.",
            )
        ]
    if old is not None and given is None and old.sha256 != digest:
        if old.identity == identity:
            return [
                Proof(
                    "digest",
                    "blocking",
                    f"its content has changed, its size and times have not (sha256 {old.sha256})",
                    "The disk or its driver is at fault: check it, then put the binary there again.",
                )
            ]
        if old.source != "hand":
            text = f"it is no longer the file fetched from {old.source}; it was replaced by hand"
            return [Proof("origin", "warning", text, "Nothing to do if you replaced it.")]
    return [Proof("digest", "ok", f"sha256 {digest}")]


def _twins(layout: Layout, version: Version, digest: str) -> tuple[tuple[str, ...], list[Proof]]:
    """Compare with folders that differ only in case; the Go tool sees one of them, the operator another."""
    own = os.path.basename(version.folder)
    try:
        names = [name for name in os.listdir(layout.upgrades) if name.lower() == own.lower() and name != own]
    except OSError:
        return (), []
    twins, proofs = [], []
    for name in sorted(names)[:_MOST_TWINS]:
        path = os.path.join(layout.upgrades, name, "bin", layout.daemon_name)
        if not os.path.isfile(path):
            continue
        twins.append(f"upgrades/{name}")
        if digest and sha256_of(path) != digest:
            proofs.append(
                Proof(
                    "twin",
                    "blocking",
                    f"upgrades/{name} and {version.folder} differ only in case and hold different binaries",
                    "Remove the one that is wrong.",
                )
            )
        elif digest:
            text = f"upgrades/{name} holds the same binary; {version.folder} is used, as the Go tool would"
            proofs.append(Proof("twin", "warning", text, f"Remove upgrades/{name}."))
    return tuple(twins), proofs
