"""Proof records: what was found out about the binary of a version, kept in `proofs/<folder>.json`.

A record is believed only while a `stat` of every file it speaks of gives the same answer as when it was
written: hashing an executable takes longer than the whole switch, a `stat` takes microseconds.
"""

from __future__ import annotations

import os

from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import FileIdentity, Opinion, Proof
from cosmovisor.model.value import fields, replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = 1
#: In the place of a digest: the chain's info has no part in this proof.
ANY_INFO = "any"
#: A record of a daemon with hundreds of libraries stays far below this.
LARGEST = 1024 * 1024


@value
class Companion:
    """A file beside the executable that the loader needs; path relative to the version's folder."""

    path: str
    identity: FileIdentity


@value
class Record:
    """What was found out about one binary.

    Attributes:
        folder: The version's folder, relative to `cosmovisor/`.
        path: The executable, absolute.
        sha256: Digest of the executable.
        identity: The executable's identity when the digest was taken.
        plan_name: Name of the plan it was proven for.
        plan_height: Its height then; a plan that only moves keeps its proof.
        info_sha256: Digest of that plan's info: other info, other proof; `ANY_INFO` where the operator named
            the binary of this plan.
        source: `hand`, or the URL without its secrets.
        trust: `digest`, `pinned`, `signed`, `https`, `hand` or `none`.
        proofs: Every check with its outcome.
        executed: True where the probes have run it (only for scheduled plans).
        no_pre_upgrade: True where the probe proved that there is no `pre-upgrade` command.
        staged_at: Seconds since the epoch.
        fetched_sha256: Digest of what was downloaded; empty for a binary placed by hand.
        approved_sha256: Digest that the operator has approved in spite of its proofs.
        libraries: The files in `lib/` with their identities.
        twins: Folders with binaries whose names differ only in case, found equal.
        says: What its `version` command has answered; empty where it was not run.
        opinions: What was learned about it elsewhere.
    """

    folder: str
    path: str
    sha256: str
    identity: FileIdentity
    plan_name: str
    plan_height: int
    info_sha256: str
    source: str
    trust: str
    proofs: tuple[Proof, ...] = ()
    executed: bool = False
    no_pre_upgrade: bool = False
    staged_at: float = 0.0
    fetched_sha256: str = ""
    approved_sha256: str = ""
    libraries: tuple[Companion, ...] = ()
    twins: tuple[str, ...] = ()
    says: str = ""
    opinions: tuple[Opinion, ...] = ()

    @property
    def blocking(self) -> tuple[Proof, ...]:
        """The checks that forbid a launch; an approval lifts all but a wrong digest."""
        approved = self.approved_sha256 == self.sha256
        return tuple(
            proof
            for proof in self.proofs
            if proof.outcome == "blocking" and not (approved and proof.name != "digest")
        )


def identity_of(status: os.stat_result) -> FileIdentity:
    """Take the identity out of a `stat`."""
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def libraries_in(folder: str) -> tuple[Companion, ...]:
    """List what lies in the `lib/` of a version's folder, in order of names.

    Args:
        folder: The version's folder, absolute.
    """
    try:
        names = sorted(os.listdir(os.path.join(folder, "lib")))
    except OSError:
        return ()
    found = []
    for name in names:
        try:
            found.append(Companion(f"lib/{name}", identity_of(os.stat(os.path.join(folder, "lib", name)))))
        except OSError:
            found.append(Companion(f"lib/{name}", FileIdentity(0, 0, 0, 0, 0)))
    return tuple(found)


def info_digest(info: str) -> str:
    """Digest of a plan's info, the third part of its identity."""
    import hashlib

    return hashlib.sha256(info.encode("utf-8", "surrogatepass")).hexdigest()


def is_for(record: Record, plan: Plan) -> bool:
    """Tell whether a record speaks of this plan; the height may move, the rest may not."""
    return record.plan_name == plan.name and record.info_sha256 in (ANY_INFO, info_digest(plan.info))


def load(path: str) -> Record | None:
    """Read a record; one that is missing, torn or of another schema is no record."""
    import json

    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            return None
        return _record(json.loads(data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def save(path: str, record: Record) -> None:
    """Write a record durably; other writers of the same record lose or win as a whole."""
    import json

    from cosmovisor.storage import durable

    document: dict[str, Any] = {"schema": SCHEMA, **_plain(record)}
    durable.make_folder(os.path.dirname(path))
    durable.write_file(path, json.dumps(document, indent=1).encode("utf-8"), 0o644)


def approve(record: Record) -> Record:
    """Return the record with its present digest approved."""
    return replace(record, approved_sha256=record.sha256)


def _plain(item: Any) -> Any:
    if isinstance(item, tuple):
        return [_plain(each) for each in item]
    if hasattr(item, "__fields__"):
        return {name: _plain(getattr(item, name)) for name in fields(item)}
    return item


def _record(document: dict[str, Any]) -> Record | None:
    if document.pop("schema") != SCHEMA:
        return None
    known = {name: document[name] for name in fields(Record) if name in document}
    known["identity"] = FileIdentity(**known["identity"])
    known["proofs"] = tuple(Proof(**proof) for proof in known.get("proofs", ()))
    known["opinions"] = tuple(Opinion(**opinion) for opinion in known.get("opinions", ()))
    known["twins"] = tuple(known.get("twins", ()))
    known["libraries"] = tuple(
        Companion(item["path"], FileIdentity(**item["identity"])) for item in known.get("libraries", ())
    )
    return Record(**known)
