"""State times event gives state and commands: the whole supervisor without effects.

The shell feeds every event through `advance` and carries the commands out. Phases are named in
`Machine.phase`; the signals table of the design is `_on_signal`, phase by phase.
"""

from __future__ import annotations

from cosmovisor.decide.policy import Policy
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.state import EMPTY, State
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from cosmovisor.decide.commands import Command
    from cosmovisor.decide.events import Event

    Phase = Literal[
        "starting",  # facts are gathered, nothing runs
        "running",  # the node runs and is not due
        "holding",  # due, binary not staged; the node may live
        "stopping",  # the node was asked to stop, for an upgrade or for good
        "backup",
        "script",
        "switching",  # link and marker, also going back
        "pre-upgrade",
        "launching",  # the node's program is being started
        "back-off",  # nothing runs until a moment
        "ending",  # the last command was given
    ]


@value
class Machine:
    """All that the supervisor knows between two events.

    Attributes:
        policy: The settings.
        state: The state document as it was last saved (or is being saved).
        phase: What is going on.
        waiting: What is awaited, a sentence for `status`; empty where nothing is.
        since: When this phase began (monotonic seconds).
        node: The node.
    """

    policy: Policy
    state: State = EMPTY
    phase: Phase = "starting"
    waiting: str = ""
    since: float = 0.0
    node: NodeFact = NodeFact()


def advance(machine: Machine, event: Event) -> tuple[Machine, tuple[Command, ...]]:
    """Take one event; return the new machine and the commands to carry out, in order."""
    raise NotImplementedError
