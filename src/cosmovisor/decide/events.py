"""What can happen to the machine.

`at` is always seconds of a monotonic clock; only observations carry wall time.
The shell reports; it draws no conclusion about plans or heights.
"""

from __future__ import annotations

from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Version
from cosmovisor.model.receipts import BackupReceipt, BackupWaived, NodeStopped
from cosmovisor.model.state import SignState
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    SignalName = Literal["TERM", "INT", "QUIT", "HUP"]
    Watched = Literal["plan file", "folders", "height", "staging", "data"]
    Request = Literal["recheck", "reload", "known plan", "schedule", "unschedule", "staged", "stop"]


@value
class Started:
    """The supervisor is up, holds its lock, and no node lives; this or `OrphanFound` is the first event."""

    at: float


@value
class OrphanFound:
    """A node of an earlier supervisor still lives (its lock is held); it is now watched by `pid`.

    Attributes:
        at: When.
        pid: Its main process.
        version: What runs, where its record tells.
        ours: True if we are that supervisor, after a reload: the node is kept whatever the setting says.
        armed: The halt height that it was started with; 0: none.
    """

    at: float
    pid: int
    version: Version | None = None
    ours: bool = False
    armed: int = 0


@value
class Tick:
    """The moment of the last `WakeAt` has come."""

    at: float


@value
class Woken:
    """Something that is watched has changed: ask again now instead of at the next tick."""

    at: float
    what: Watched


@value
class FactsGathered:
    """The answer to `GatherFacts`; there is exactly one for each."""

    at: float
    seen: Observations


@value
class NodeSpawned:
    """The answer to `Spawn`: the node's program runs."""

    at: float
    pid: int


@value
class NodeExited:
    """The node is gone: its main process has ended, the rest of its session was ended and reaped.

    Attributes:
        at: When.
        status: Exit status, -n for signal n, None if unknown (an orphan).
        stopped: The receipt for the next step.
        sign_state: What the validator's sign-state file says now; None if there is none that has signed.
    """

    at: float
    status: int | None
    stopped: NodeStopped
    sign_state: SignState | None = None


@value
class SignalCame:
    """The supervisor got a signal; with a controlling `terminal` a hang-up means the end."""

    at: float
    name: SignalName
    terminal: bool = False


@value
class Done:
    """A command that is answered (`RunStep`, `Spawn` excepted, file commands) has succeeded.

    Attributes:
        at: When.
        what: The step's kind, or the command's name for file work: `write file`, `move file aside`, `write
            marker`, `activate`.
        receipt: For a backup its receipt.
    """

    at: float
    what: str
    receipt: BackupReceipt | BackupWaived | None = None


@value
class Failed:
    """A command has failed; also `spawn` and `save`.

    Attributes:
        at: When.
        what: As in `Done`, or `spawn`, `save`, `stage`.
        reason: What happened.
        fix: What the operator can do.
        retry: False if trying again cannot help (pre-upgrade code 30, backup required and impossible).
        cancelled: True if it ended because it was told to (`CancelStep`, `KillStep`).
    """

    at: float
    what: str
    reason: str
    fix: str = ""
    retry: bool = True
    cancelled: bool = False


@value
class SignStateRead:
    """What the key has signed so far was read while the node is still ending on request.

    Attributes:
        at: When.
        sign_state: What its file said; None if it has signed nothing or has no key of its own.
    """

    at: float
    sign_state: SignState | None


@value
class Asked:
    """An operator, the scout or the CLI asks for something over the socket.

    Attributes:
        at: When.
        what: `recheck`, `reload`, `known plan` (value: Plan or None), `schedule` (value: ScheduleEntry),
            `unschedule` (value: Plan), `staged` (value: StagedBinary, from the staging process), `stop`.
        value: As above.
    """

    at: float
    what: Request
    value: object = None


if TYPE_CHECKING:
    Event = (
        Started
        | OrphanFound
        | Tick
        | Woken
        | FactsGathered
        | NodeSpawned
        | NodeExited
        | SignalCame
        | Done
        | Failed
        | SignStateRead
        | Asked
    )
