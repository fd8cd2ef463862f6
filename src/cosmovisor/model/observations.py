"""What the shell sees with its own eyes, all at the same moment; it draws no conclusion.

`decide.frozen` makes the facts of the tables out of these and the state document.
"""

from __future__ import annotations

from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.link import Link
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import FileIdentity, NotStaged, StagedBinary
from cosmovisor.model.state import DataIdentity, SignState
from cosmovisor.model.value import value

__all__ = ["Link", "Observations", "Prospect", "SeenFile", "SeenFolder"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    FileKind = Literal["absent", "incomplete", "plan"]


@value
class SeenFile:
    """The plan file as it lies there.

    Attributes:
        kind: `absent`, `incomplete` (also whatever can never become a plan) or `plan`.
        plan: The plan, if it is one.
        identity: From the same open file as the bytes; None if absent.
        writer: True while a process has it open for writing, or while that cannot be told and it is younger
            than 1 s.
        problem: What is wrong with it, for the operator.
    """

    kind: FileKind = "absent"
    plan: Plan | None = None
    identity: FileIdentity | None = None
    writer: bool = False
    problem: str = ""


@value
class SeenFolder:
    """A version folder (`genesis` and each of `upgrades/`).

    Attributes:
        version: Name and folder.
        usable: True if its daemon is a regular file that may be executed.
        marker: Plan of `upgrade-info.json` beside `bin`, if that has a name and a height.
        digest: Something that differs if two daemons differ (size and digest, or the file's identity).
        waiting: True if a hand-made list of binaries lies where a switch puts the marker.
    """

    version: Version
    usable: bool
    marker: Plan | None = None
    digest: str = ""
    waiting: bool = False


@value
class Prospect:
    """How ready a plan is.

    Attributes:
        plan: The plan.
        version: The folder that its name leads to, whether that exists or not.
        staged: Readiness of its binary.
    """

    plan: Plan
    version: Version
    staged: StagedBinary | NotStaged


@value
class Observations:
    """Everything seen at one moment.

    Attributes:
        at: Seconds since the epoch.
        file: The plan file.
        data: Identity of the data; None if there is no `data/`.
        link: The `current` link.
        folders: `genesis` first, then those of `upgrades/` by name (at most 256).
        b: Block-store height: the best of the sources that answered just now (own record left out).
        a: Application height, likewise.
        tried: True if every source of heights was asked in this round and none has given an exact one.
        record_times: (height, time) of the end-of-height records of `cs.wal`: the last one, and H-2, H-1, H
            of each prospect, as far as they are there; times in seconds since the epoch.
        data_changed_at: Newest change seen below `data/`, seconds since the epoch; None if that was not
            looked at.
        prospects: One for the plan in the file and for each of `GatherFacts.plans`.
        sign_state: The validator's sign-state file with its chain id and key; None if there is none that has
            signed.
        sign_problem: Why the sign-state file cannot be read (missing, malformed, zeroed); empty if it can or
            need not.
        sign_key: (chain id, key) of the validator key, also where the sign-state file is unreadable; None: no
            local key.
        chain_id: The chain of this home, or of the node that answers, where known.
    """

    at: float
    file: SeenFile
    data: DataIdentity | None
    link: Link
    folders: tuple[SeenFolder, ...] = ()
    b: Evidence = UNKNOWN
    a: Evidence = UNKNOWN
    tried: bool = True
    record_times: tuple[tuple[int, float], ...] = ()
    data_changed_at: float | None = None
    prospects: tuple[Prospect, ...] = ()
    sign_state: SignState | None = None
    sign_problem: str = ""
    sign_key: tuple[str, str] | None = None
    chain_id: str = ""
