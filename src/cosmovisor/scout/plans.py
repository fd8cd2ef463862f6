"""What happens to plans and proposals over time: seen, replaced, cancelled, passed; told once each."""

from __future__ import annotations

from collections.abc import Sequence

from cosmovisor.chain.gov import Proposal
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value

#: Events kept for those who come later.
KEPT = 50


@value
class Happening:
    """One line of the story.

    Attributes:
        at: When it was noticed, in seconds since the epoch.
        kind: `scheduled`, `replaced`, `cancelled`, `reached`, `proposed`, `voting-ended`, `cancel-proposed`.
        text: A sentence.
        plan: The plan that it is about.
        proposal: Number of the proposal, 0 for none.
    """

    at: float
    kind: str
    text: str
    plan: Plan | None = None
    proposal: int = 0

    def document(self) -> dict[str, object]:
        """Return it for JSON."""
        plan = {"name": self.plan.name, "height": self.plan.height} if self.plan else None
        return {"at": self.at, "kind": self.kind, "text": self.text, "plan": plan, "proposal": self.proposal}


class Story:
    """Remembers the scheduled plan and the proposals in voting, and notices what changes.

    Attributes:
        plan: The scheduled plan.
        proposals: Proposals in voting.
        happenings: The last events, oldest first.
    """

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.proposals: tuple[Proposal, ...] = ()
        self.happenings: list[Happening] = []
        self._votes: dict[int, Plan | None] = {}

    def recall(self, happenings: Sequence[Happening]) -> None:
        """Take the events of an earlier life: what was told then is not told again."""
        self.happenings = [*happenings, *self.happenings][-KEPT:]
        for one in happenings:
            if one.kind in {"proposed", "cancel-proposed"} and one.proposal:
                self._votes.setdefault(one.proposal, one.plan)
            elif one.kind == "voting-ended":
                self._votes.pop(one.proposal, None)

    def scheduled(self, plan: Plan | None, height: int, now: float) -> list[Happening]:
        """Take the plan that the chain has scheduled now, at a height of the node; return what is new."""
        before, self.plan = self.plan, plan
        if plan == before:
            return []
        found = []
        if before is None and plan is not None and self._was_told(plan):
            return []
        if before is None and plan is not None:
            found.append(Happening(now, "scheduled", f"{_named(plan)} is scheduled", plan))
        elif before is not None and height >= before.height:
            found.append(Happening(now, "reached", f"the height of {_named(before)} is reached", before))
            if plan is not None:
                found.append(Happening(now, "scheduled", f"{_named(plan)} is scheduled", plan))
        elif before is not None and plan is None:
            found.append(Happening(now, "cancelled", f"{_named(before)} is cancelled", before))
        elif before is not None and plan is not None:
            text = f"{_named(before)} is replaced by {_named(plan)}"
            if (before.name, before.height) == (plan.name, plan.height):
                text = f"the info of {_named(plan)} has changed"
            found.append(Happening(now, "replaced", text, plan))
        return self._keep(found)

    def in_voting(self, proposals: Sequence[Proposal], now: float) -> list[Happening]:
        """Take the proposals that are in voting now; return what is new."""
        known = {one.id for one in self.proposals} | set(self._votes)
        present = {one.id for one in proposals}
        found = []
        for one in proposals:
            if one.id in known:
                continue
            if one.cancels:
                text = f"proposal {one.id} would cancel the scheduled upgrade"
                found.append(Happening(now, "cancel-proposed", text, self.plan, one.id))
            for plan in one.plans:
                text = f"proposal {one.id} would schedule {_named(plan)}"
                found.append(Happening(now, "proposed", text, plan, one.id))
        for one in self.proposals:
            if one.id not in present:
                text = f"voting on proposal {one.id} has ended"
                found.append(
                    Happening(now, "voting-ended", text, one.plans[0] if one.plans else None, one.id)
                )
        for number, about in self._votes.items():
            if number not in present:
                text = f"voting on proposal {number} has ended"
                found.append(Happening(now, "voting-ended", text, about, number))
        self._votes.clear()
        self.proposals = tuple(proposals)
        return self._keep(found)

    def _was_told(self, plan: Plan) -> bool:
        """Whether the last that was told of the schedule is this plan."""
        for one in reversed(self.happenings):
            if one.kind in {"scheduled", "replaced", "cancelled", "reached"}:
                same = one.plan is not None and (one.plan.name, one.plan.height) == (plan.name, plan.height)
                return same and one.kind in {"scheduled", "replaced"}
        return False

    def _keep(self, found: list[Happening]) -> list[Happening]:
        self.happenings = [*self.happenings, *found][-KEPT:]
        return found


def _named(plan: Plan) -> str:
    return f"upgrade {plan.name!r} at height {plan.height}"
