"""The scout's side of the supervisor's socket: what was learned, told when it changes, and once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from cosmovisor.chain.gov import Proposal
from cosmovisor.model.errors import StateError
from cosmovisor.model.plan import Plan
from cosmovisor.observe import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Ask = Callable[[str, dict[str, object]], dict[str, Any]]

#: Seconds after which the same is told again: the supervisor may be another process by now.
AGAIN = 60.0
#: Proposals that are told, and letters of a plan's info in them: an answer must stay small.
_PROPOSALS, _INFO = 20, 4_000


class Report:
    """Tells one supervisor.

    Args:
        path: Its socket.
        ask: Sends one message and returns the answer; raises `StateError` where nobody listens.
        clock: Monotonic seconds.
    """

    def __init__(self, path: str, ask: Ask = client.ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._ask = ask
        self._clock = clock
        self._told: dict[str, tuple[object, float]] = {}

    def known_plan(self, plan: Plan | None) -> bool:
        """Tell the plan that the chain has scheduled, or that there is none."""
        return self._tell("known-plan", "plan", None if plan is None else plan_document(plan))

    def eta(self, document: dict[str, object] | None) -> bool:
        """Tell when the plan's height is expected."""
        return self._tell("eta", "value", document)

    def proposals(self, documents: Sequence[dict[str, object]]) -> bool:
        """Tell the proposals in voting that concern upgrades."""
        return self._tell("proposals", "value", list(documents[:_PROPOSALS]))

    def note(self, document: dict[str, object]) -> bool:
        """Tell what else the operator may want to see: source, problems, last events."""
        return self._tell("note", "value", document)

    def snapshot(self) -> dict[str, Any] | None:
        """Ask how things stand; None where no supervisor answers."""
        try:
            return self._ask(self._path, {"ask": "status"})
        except StateError:
            return None

    def _tell(self, what: str, key: str, value: object) -> bool:
        now = self._clock()
        before = self._told.get(what)
        if before is not None and before[0] == value and now - before[1] < AGAIN:
            return True
        try:
            self._ask(self._path, {"do": what, key: value})
        except StateError:
            self._told.pop(what, None)
            return False
        self._told[what] = (value, now)
        return True


def plan_document(plan: Plan) -> dict[str, object]:
    """Return a plan for JSON, whole."""
    return {"name": plan.name, "height": plan.height, "info": plan.info}


def proposal_document(proposal: Proposal, states: dict[Plan, str]) -> dict[str, object]:
    """Return a proposal for JSON, its plans' infos cut to a readable length.

    Args:
        proposal: The proposal.
        states: How far the binary of each plan is.
    """
    tally = proposal.tally
    return {
        "id": proposal.id,
        "title": proposal.title,
        "cancels": proposal.cancels,
        "expedited": proposal.expedited,
        "voting_end": proposal.voting_end,
        "tally": None
        if tally is None
        else {
            "yes": str(tally.yes),
            "no": str(tally.no),
            "no_with_veto": str(tally.no_with_veto),
            "abstain": str(tally.abstain),
        },
        "plans": [
            {**plan_document(plan), "info": plan.info[:_INFO], "binary": states.get(plan, "")}
            for plan in proposal.plans[:8]
        ],
    }
