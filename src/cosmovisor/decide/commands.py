"""What the machine asks of the shell.

Commands of one answer are carried out in order, each before the next begins.
`Save` is durable before the command after it begins. Commands marked "answered" end in exactly one `Done` or
`Failed` event (`Spawn`: `NodeSpawned` or `Failed`; `GatherFacts`: `FactsGathered`).
"""

from __future__ import annotations

from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import State, Step
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Level = Literal["debug", "info", "warn", "error"]


@value
class GatherFacts:
    """Look at everything once; answered by `FactsGathered`.

    Attributes:
        plans: Plans whose readiness and record times matter beside the one in the plan file.
        node_lives: Whether heights come from the RPC (True) or from what a stopped node left on disk (False).
        heights: `no`: leave heights out (files, link and folders only); `quick`: ask the RPC or the
            write-ahead log; `all`: also the slow sources (`daemon status`, block-store clone), and look for
            changes below `data/`.
    """

    plans: tuple[Plan, ...]
    node_lives: bool
    heights: Literal["no", "quick", "all"] = "quick"


@value
class Save:
    """Write the state document, durably.

    If that fails: `Failed("save")`, and of the rest of this answer only what `after_failed_save` returns is
    carried out.
    """

    state: State


@value
class Say:
    """Tell the operator; `facts` go to the decision record for `explain`, `row` names the table's row."""

    level: Level
    text: str
    row: str = ""
    facts: Facts | None = None
    fix: str = ""


@value
class Spawn:
    """Start the node of a version with the operator's arguments; answered.

    Attributes:
        version: Its folder.
        halt_height: Run with this halt height (an exact schedule); 0: none.
    """

    version: Version
    halt_height: int = 0


@value
class SignalNode:
    """Pass SIGTERM, SIGQUIT on to the node's main process."""

    name: Literal["TERM", "QUIT"]


@value
class KillNode:
    """SIGKILL to the node's whole session."""


@value
class RunStep:
    """Carry out this step of the upgrade; answered with the step's kind.

    `backup`: take the backup. `script`: the operator's own. `switch`: link, then marker, durably.
    `pre-upgrade`: one run of the new binary's command (`attempt` counts). `go back`: link to `back_to`,
    marker of `version` removed. Each may be asked again after a cut and must then finish what is half done.
    """

    step: Step


@value
class CancelStep:
    """End the step at the next file boundary, its child with SIGTERM; it answers `Failed(cancelled)`."""


@value
class KillStep:
    """SIGKILL to the step's child."""


@value
class Activate:
    """Make `version` the active one (one rename), remove the markers of `unmark`; answered as `activate`."""

    version: Version
    unmark: tuple[Version, ...] = ()


@value
class WriteMarker:
    """Write the marker of a plan beside `bin` of a version; answered as `write marker`."""

    plan: Plan
    version: Version


@value
class WriteFile:
    """Write the plan file where it is absent, torn or of an applied plan; answered as `write file`."""

    plan: Plan


@value
class MoveAside:
    """Move the torn plan file out of the way, kept under another name; answered as `move file aside`."""


@value
class Stage:
    """Start (or go on with) staging of this plan in the background; no answer but `Woken("staging")`.

    Attributes:
        plan: The plan.
        urgent: True at the height: no low priority, no waiting between tries.
    """

    plan: Plan
    urgent: bool = False


@value
class WakeAt:
    """Send `Tick` at this moment (monotonic seconds); replaces the one before."""

    at: float


@value
class Reload:
    """Check the new code and settings, then re-exec with the node kept."""


@value
class Exit:
    """End the supervisor with this status; always the last command."""

    status: int


if TYPE_CHECKING:
    Command = (
        GatherFacts
        | Save
        | Say
        | Spawn
        | SignalNode
        | KillNode
        | RunStep
        | CancelStep
        | KillStep
        | Activate
        | WriteMarker
        | WriteFile
        | MoveAside
        | Stage
        | WakeAt
        | Reload
        | Exit
    )


def after_failed_save(left: list[Command]) -> list[Command]:
    """Return what is carried out all the same of an answer whose save has failed.

    Nothing that relies on what could not be written; but each question gets its answer, the clock goes on,
    and a supervisor that ends does end: it would else wait for ever without a node.
    """
    return [command for command in left if isinstance(command, GatherFacts | WakeAt | Exit)]
