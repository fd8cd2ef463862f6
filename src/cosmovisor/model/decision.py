"""What a table has decided, with the sentence that the operator reads."""

from __future__ import annotations

from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Action = Literal[
        "launch",  # start `version`
        "upgrade",  # due and staged: stop, back up, switch to `version`, start
        "hold",  # due, not staged: keep a living node, stage urgently, ask again
        "wait",  # keep what runs, ask again
        "exit",  # ordinary exit: pass the node's status on, or restart if asked to
        "go back",  # take `plan` back once, make `version` active, start it
        "refuse",  # launch nothing; `reason` and `next_step` say why and what to do
        "write file",  # write `plan` into the plan file, journal the halt, ask again
        "move file aside",  # move the torn plan file away (write `plan` instead if it is set), ask again
        "finish switch",  # write the marker of `plan`, ask again
        "pre-upgrade",  # run pre-upgrade of `plan`, then start `version`
        "record data",  # record the data identity, rebuild history from folders and markers, ask again
        "reset stages",  # the records do not belong to this data: forget them, activate `version`
        "relink",  # make `version` active, ask again
        "resume",  # do the step in flight again
        "arm again",  # start the same version again, with the halt height that its program needs for `plan`
        "undo",  # undo the step in flight, ask again
    ]


@value
class Decision:
    """One decision.

    Attributes:
        do: What to do.
        row: The table's row, a stable name for tests and logs.
        reason: What is known, from which source, and what follows; sentences for the operator.
        plan: The plan it is about.
        version: The version to launch or to make active.
        proven: False if the evidence is inferred, so that going back stays possible.
        next_step: What the operator can do; empty where nothing is needed.
        passed: A plan that is from now on passed on this data (reported once).
        remember_ahead: True if this plan file instance shall be remembered as written ahead.
    """

    do: Action
    row: str
    reason: str
    plan: Plan | None = None
    version: Version | None = None
    proven: bool = True
    next_step: str = ""
    passed: Plan | None = None
    remember_ahead: bool = False
