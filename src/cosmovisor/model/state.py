"""The values of the state document: what must survive every cut.

Nothing here knows files; `storage.document` reads and writes it, `decide.machine` is the only one that
changes it while a supervisor runs. Every tuple is bounded; what falls out goes to `history.jsonl`.
"""

from __future__ import annotations

from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import BackupReceipt, BackupWaived, NodeStopped, StagedBinary
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Stage = Literal["none", "switched", "pre-upgraded", "proven"]
    StepKind = Literal["backup", "script", "switch", "pre-upgrade", "go back"]

#: Documents with a higher number were written by a newer version of ours and are refused.
SCHEMA = 1

MAX_RECORDS = 64
MAX_SCHEDULE = 256
MAX_STAGED = 64
MAX_HISTORY = 128
MAX_BACKUPS = 64
MAX_SIGN_STATES = 32


@value
class FolderIdentity:
    """What tells a folder from another of the same name; `born_ns` is 0 where no birth time is kept."""

    device: int
    inode: int
    born_ns: int


@value
class DataIdentity:
    """Which data this is: three folders, each None where it does not exist.

    Attributes:
        data: The node's `data/`.
        block_store: `data/blockstore.db`.
        application: `data/application.db`.
    """

    data: FolderIdentity | None
    block_store: FolderIdentity | None = None
    application: FolderIdentity | None = None


@value
class FileInstance:
    """One instance of the plan file: a rewrite changes at least one of the two."""

    inode: int
    ctime_ns: int


@value
class PlanRecord:
    """What was done about one plan on the recorded data.

    Attributes:
        plan: The whole plan; another height or info is another record.
        version: The version that belongs to it, once one was switched to.
        stage: How far it came: `switched` (link and marker durable), `pre-upgraded`, `proven` (application
            height at or above H seen under the new binary, or a later plan in the file).
        inferred: True if the halt that was seen, or the start of its binary, rests on inferred evidence.
        gone_back: True once its binary was taken back on this data; it is never taken back a second time.
        passed: True if it will never be due on this data (skipped, cancelled, applied by hand).
        halt_seen: True once a table said due; journalled before staging is asked.
        back_to: The version to go back to, named before the switch.
        launched: True once its binary was launched and seen to end; the next launch is not the first.
    """

    plan: Plan
    version: Version | None = None
    stage: Stage = "none"
    inferred: bool = False
    gone_back: bool = False
    passed: bool = False
    halt_seen: bool = False
    back_to: Version | None = None
    launched: bool = False


@value
class Step:
    """The step of an upgrade that is in flight, with the receipts that it already has.

    Attributes:
        kind: `backup`, `script` (the operator's own), `switch`, `pre-upgrade`, `go back`.
        plan: The plan.
        version: The version that shall be active after it.
        back_to: The version that was active before; never read from the link again.
        inferred: True if the evidence was inferred.
        since: When it began, in seconds since the epoch.
        attempt: 1 for the first try.
        staged: Proof that the binary is ready.
        stopped: Proof that the node was gone.
        backup: Proof of the backup, once it is there.
    """

    kind: StepKind
    plan: Plan
    version: Version
    back_to: Version | None
    inferred: bool = False
    since: float = 0.0
    attempt: int = 1
    staged: StagedBinary | None = None
    stopped: NodeStopped | None = None
    backup: BackupReceipt | BackupWaived | None = None


@value
class ScheduleEntry:
    """An upgrade that the operator has scheduled, without the chain.

    Attributes:
        plan: Name, height N and info; due at application height >= N, with `exact` the new binary executes N.
        version: The folder that holds its binary.
        exact: True if the old binary shall halt before N.
        halts_before: True once the old program was seen to halt before it executes its halt height (late SDK
            0.50 on): it is started with N instead of N-1.
        source: `add-upgrade`, `add-batch-upgrade`, `batch file`.
        added_at: Seconds since the epoch.
    """

    plan: Plan
    version: Version
    exact: bool = False
    source: str = "add-upgrade"
    added_at: float = 0.0
    halts_before: bool = False


@value
class SignState:
    """The highest sign-state that was seen of one key on one chain."""

    chain_id: str
    key: str
    height: int
    round: int
    step: int
    at: float = 0.0


@value
class Backup:
    """A backup that was taken, for `restore` and retention."""

    plan: Plan
    receipt: BackupReceipt
    at: float


@value
class Applied:
    """One line of the applied history.

    Attributes:
        plan: The plan.
        version: The version that was made active.
        at: When it was switched, seconds since the epoch.
        proven: True if the start rested on proven evidence.
        downtime: Seconds between the stop of the old node and the launch of the new; 0 where unknown.
        note: Empty, `from marker` (rebuilt), `gone back`, `passed`.
    """

    plan: Plan
    version: Version
    at: float
    proven: bool = True
    downtime: float = 0.0
    note: str = ""


@value
class State:
    """The state document.

    Attributes:
        schema: `SCHEMA`.
        data: The data that everything below is bound to; None before the first record.
        chain_id: The chain of that data, once known.
        node_id: The node key's id, once known; an answer of another node is not evidence.
        records: One per plan.
        step: The step in flight.
        schedule: The operator's schedule, by height.
        staged: Binaries that were proven.
        b: The last block-store height seen on this data, as `at least`.
        a: The last application height seen on this data, as `at least`.
        log: The highest record that was seen in the write-ahead log of this data; 0: none.
        sign_states: The highest per chain id and key; not bound to the data.
        backups: Backups on disk, oldest first.
        known_plan: What the scout last reported as scheduled by the chain.
        history: Applied upgrades, oldest first.
        ahead: The plan file instance that is remembered as written ahead.
        stale: The plan file instance that was there when this data was first seen.
        spawned: The plan file instance at the spawn of the node that runs or ran last, so that an adopted
            node or a reload keeps its meaning of fresh.
        ever_spawned: Whether `spawned` says anything (None then means: no file was there).
        written: The plan file instance that we have written ourselves for a chain that could not.
    """

    schema: int = SCHEMA
    data: DataIdentity | None = None
    chain_id: str = ""
    node_id: str = ""
    records: tuple[PlanRecord, ...] = ()
    step: Step | None = None
    schedule: tuple[ScheduleEntry, ...] = ()
    staged: tuple[StagedBinary, ...] = ()
    b: Evidence = UNKNOWN
    a: Evidence = UNKNOWN
    log: int = 0
    sign_states: tuple[SignState, ...] = ()
    backups: tuple[Backup, ...] = ()
    known_plan: Plan | None = None
    history: tuple[Applied, ...] = ()
    ahead: FileInstance | None = None
    stale: FileInstance | None = None
    spawned: FileInstance | None = None
    ever_spawned: bool = False
    written: FileInstance | None = None


EMPTY = State()
