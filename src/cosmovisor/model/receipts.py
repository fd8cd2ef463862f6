"""Receipts: proofs that a step was done. The next step asks for them, so another order cannot be written."""

from __future__ import annotations

from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.value import value


@value
class FileIdentity:
    """What tells an unchanged file from another without reading it: all from one `stat`."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


@value
class Proof:
    """The outcome of one preflight check.

    Attributes:
        name: Short kebab-case name: `elf-machine`, `libraries`, `digest`, `version-probe`.
        outcome: `ok`, `warning` or `blocking`.
        text: What was found, a sentence.
        fix: What the operator can do about it; empty where nothing is needed.
    """

    name: str
    outcome: str
    text: str = ""
    fix: str = ""


@value
class Opinion:
    """What a place other than the plan says about a binary.

    Attributes:
        kind: `release-list` (a checksum list beside the file), `mirror` (the same file elsewhere), `peers`
            (the version that nodes past the height run).
        source: Who was asked, without secrets.
        verdict: `agrees`, `contradicts`, or `silent` where nothing could be learned.
        text: What was learned, a sentence.
    """

    kind: str
    source: str
    verdict: str
    text: str


@value
class StagedBinary:
    """The proven executable of a plan, in its final place.

    Attributes:
        plan: The plan it was proven for (a binary without a plan is proven for height 0).
        version: Its place in the folder tree.
        path: The executable.
        sha256: Digest of the executable, lower-case hex.
        identity: The executable's file identity when the digest was taken.
        source: Where it came from: `hand` or a URL without its secrets.
        trust: What holds it: `digest`, `pinned`, `signed`, `https`, `hand`, `none`.
        proofs: Every preflight check with its outcome.
        no_pre_upgrade: True where the probe proved that the binary has no `pre-upgrade` command.
        staged_at: Seconds since the epoch.
        opinions: What was learned about it elsewhere.
    """

    plan: Plan
    version: Version
    path: str
    sha256: str
    identity: FileIdentity
    source: str
    trust: str
    proofs: tuple[Proof, ...] = ()
    no_pre_upgrade: bool = False
    staged_at: float = 0.0
    opinions: tuple[Opinion, ...] = ()


@value
class NotStaged:
    """Why the binary of a plan cannot run yet; `fix` is the next step for the operator."""

    reason: str
    fix: str = ""


@value
class NodeStopped:
    """Proof that the node and its whole session are gone and its databases are free.

    Attributes:
        stopped_at: When, in seconds since the epoch.
        orderly: It has ended as it was asked to, after the execution of what it had saved.
    """

    stopped_at: float
    orderly: bool = False


@value
class BackupReceipt:
    """A complete backup.

    Attributes:
        path: Folder of the backup.
        method: `reflink`, `link` or `copy`.
        size: Bytes of the files in it.
        seconds: How long it took.
    """

    path: str
    method: str
    size: int
    seconds: float


@value
class BackupWaived:
    """The operator has switched backups off; `by` names the setting."""

    by: str
