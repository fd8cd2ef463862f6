"""Follows one chain: the scheduled plan, proposals, block times; tells the supervisor and the log.

Everything is asked of one node at a time and in turn, so that the cost stays below a request a second
whatever happens; where the node is down nothing is asked but whether it is back.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from cosmovisor.chain import answer, gov, upgrade
from cosmovisor.chain.rpc import NodeStatus, NotServedError
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import replace
from cosmovisor.scout import eta, report
from cosmovisor.scout.ahead import Ahead
from cosmovisor.scout.plans import Happening, Story
from cosmovisor.scout.sources import Found, Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.scout.memory import Memory
    from cosmovisor.scout.report import Report
    from cosmovisor.scout.sources import Asked

    Say = Callable[[str, str, dict[str, object]], None]

#: Seconds between two looks at height and plan: two blocks, within these bounds.
SOONEST, LATEST = 3.0, 15.0
#: Seconds between two looks at proposals, within these bounds (ten blocks).
PROPOSALS_SOONEST, PROPOSALS_LATEST = 15.0, 120.0
#: Seconds after which block times are measured anew.
MEASURE_AGAIN = 600.0
#: Seconds until they are measured where remembered ones serve meanwhile.
MEASURE_FIRST = 60.0
#: Seconds between two blocks that are remembered, and how many of them this process holds.
KEEP, PAST = 300.0, 2_000
#: Proposals whose tally is asked for in one look.
_TALLIES = 2
#: Own sights of the tip that are kept; they serve where the node keeps no old blocks, and in block sync.
_SIGHTS = 64


class Follower:
    """Follows one chain.

    Args:
        sources: Whom to ask.
        tell: The supervisor; None where nobody is told.
        ahead: Stages binaries of proposals; None where downloads are not allowed.
        say: Takes a level (`info`, `warning`), a sentence and fields.
        clock: Monotonic seconds.
        now: Seconds since the epoch.
        memory: What an earlier scout has seen; None where nothing is kept.
    """

    def __init__(
        self,
        sources: Sources,
        tell: Report | None,
        ahead: Ahead | None,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        memory: Memory | None = None,
    ) -> None:
        self._memory = memory
        self._past: tuple[eta.Mark, ...] = ()
        self._recalled = ""
        self._kept_at = float("-inf")
        self.sources = sources
        self.story = Story()
        self.status: NodeStatus | None = None
        self.source = ""
        self.eta: eta.Eta | None = None
        self._tell = tell
        self._ahead = ahead
        self._say = say
        self._clock = clock
        self._now = now
        self._sights: deque[eta.Mark] = deque(maxlen=_SIGHTS)
        self._marks: tuple[eta.Mark, ...] = ()
        self._measured_at = self._proposals_at = float("-inf")
        self._governed = True
        self._learned = False
        self._own_height = 0
        self._warned: set[Plan] = set()
        self._said_problems: dict[str, str] = {}

    def step(self) -> float:
        """Look once; return the seconds until the next look."""
        if self._ahead is not None:
            self._ahead.step()
        found = self.sources.find()
        self._say_problems()
        self._recall()
        if found is None:
            self._report()
            return self.sources.delay()
        try:
            self._look(found)
        except ChainError as error:
            self.sources.problems[found.node.name] = error.cause
        self._report()
        return min(max(2 * self._interval(), SOONEST), LATEST)

    def remember(self, plan: Plan | None, height: int) -> None:
        """Take what the supervisor knows from before; it is not told again before a node has said it."""
        self.story.plan = plan
        self._own_height = height

    def _recall(self) -> None:
        """Take up what an earlier scout has seen: the estimate is there before anybody answers."""
        chain = self.sources.chain_id
        if self._memory is None or not chain or chain == self._recalled:
            return
        self._recalled = chain
        self._past = self._memory.blocks(chain)
        self.story.recall(self._memory.events(chain))
        plan = self.story.plan
        if plan is not None and self._past and plan.height > self._own_height:
            tip = self._past[-1]
            marks = eta.nearest(self._past, tip.height, plan.height - tip.height)
            self.eta = eta.estimate([*marks, tip], plan.height, self._now())

    def _keep(self, sight: eta.Mark, chain: str) -> None:
        """Remember the tip from time to time."""
        if self._memory is None or self._clock() - self._kept_at < KEEP:
            return
        self._kept_at = self._clock()
        self._past = (*self._past[1 - PAST :], sight)
        self._memory.add_blocks(chain, [sight])

    def document(self) -> dict[str, object]:
        """Return all that is known, for JSON."""
        plan = self.story.plan
        return {
            "chain_id": self.sources.chain_id,
            "source": self.source,
            "height": self.status.height if self.status else None,
            "catching_up": self.status.catching_up if self.status else None,
            "plan": report.plan_document(plan) if plan else None,
            "eta": self.eta.document() if self.eta else None,
            "proposals": self._proposals(),
            "events": [one.document() for one in self.story.happenings[-20:]],
            "problems": dict(list(self.sources.problems.items())[:8]),
        }

    def _look(self, found: Found) -> None:
        node, status = found.node, found.status
        self.status, self.source = status, node.name
        sight = eta.Mark(status.height, self._now() if status.catching_up else status.latest_block_time)
        self._recall()
        if self._sights and sight.height < self._sights[-1].height:
            self._sights.clear()
        if found.own and self._past and sight.height < self._past[-1].height and not status.catching_up:
            self._past = ()
            if self._memory is not None:
                self._memory.forget_blocks()
        if not self._sights or sight.height > self._sights[-1].height:
            self._sights.append(sight)
            if found.own and not status.catching_up:
                self._keep(sight, status.chain_id)
        plan = upgrade.current_plan(node)
        if found.own:
            self._own_height = status.height
        if found.own or self._may_add(plan):
            self._learned = True
            self._notice(self.story.scheduled(plan, status.height, self._now()))
        self._estimate(node, status)
        if self._governed and self._clock() >= self._proposals_at:
            self._proposals_at = self._clock() + min(
                max(10 * self._interval(), PROPOSALS_SOONEST), PROPOSALS_LATEST
            )
            self._ask_proposals(node)

    def _may_add(self, plan: Plan | None) -> bool:
        """Tell whether the word of another node counts while ours is down.

        It is ahead of our data: that it has no plan, or a later one, says nothing about the upgrade that our
        data still has before it. So it can only add a plan where none is known.
        """
        before = self.story.plan
        return plan is not None and (before is None or before.height <= self._own_height)

    def _ask_proposals(self, node: Asked) -> None:
        try:
            found = gov.proposals(node)
        except NotServedError:
            self._governed = False
            self._say(
                "info", "the chain has no governance module: plans are seen when they are scheduled", {}
            )
            return
        tallied = []
        for one in found[:_TALLIES]:
            try:
                tallied.append(replace(one, tally=gov.tally(node, one.id)))
            except ChainError:
                tallied.append(one)
        self._notice(self.story.in_voting([*tallied, *found[_TALLIES:]], self._now()))
        plans = [plan for one in found for plan in one.plans if self._is_ahead(plan)]
        if self._ahead is not None:
            self._ahead.want(plans)
            self._ahead.step()

    def _is_ahead(self, plan: Plan) -> bool:
        height = self.status.height if self.status else 0
        return plan != self.story.plan and plan.height > height

    def _notice(self, happenings: list[Happening]) -> None:
        if self._memory is not None:
            self._memory.add_events(self.sources.chain_id, happenings)
        for one in happenings:
            level = "warning" if one.kind in {"cancelled", "replaced", "cancel-proposed"} else "info"
            fields: dict[str, object] = {"plan": one.plan.name, "height": one.plan.height} if one.plan else {}
            self._say(level, one.text, fields)
            if one.kind == "proposed" and one.plan and self._ahead is None and one.plan not in self._warned:
                if len(self._warned) < 256:
                    self._warned.add(one.plan)
                self._say(
                    "warning",
                    f"nothing is fetched for upgrade {one.plan.name!r}: downloads are not allowed; put the "
                    "binary into place by hand or set DAEMON_ALLOW_DOWNLOAD_BINARIES=true",
                    {},
                )

    def _estimate(self, node: Asked, status: NodeStatus) -> None:
        plan = self.story.plan
        if plan is None or plan.height <= status.height:
            self.eta = None
            self._marks = ()
            self._measured_at = float("-inf")
            return
        now = self._now()
        if status.catching_up:
            self.eta = eta.estimate(self._sights, plan.height, now, syncing=True)
            return
        left = plan.height - status.height
        stale = self._clock() - self._measured_at > MEASURE_AGAIN
        first = self._measured_at == float("-inf")
        past = eta.nearest(self._past, status.height, left) if first else ()
        if len(past) > 1:
            self._marks = past
            self._measured_at = self._clock() - MEASURE_AGAIN + MEASURE_FIRST
        elif stale or (self.eta is not None and self.eta.height != plan.height):
            self._measured_at = self._clock()
            self._marks = self._measure(node, status, left)
            if self._memory is not None and len(self._past) < eta.SPANS:
                self._past = tuple(sorted({*self._past, *self._marks}, key=lambda mark: mark.height))
                self._memory.add_blocks(status.chain_id, self._marks)
        tip = eta.Mark(status.height, status.latest_block_time)
        marks = [mark for mark in self._marks if mark.height < tip.height]
        self.eta = eta.estimate([*(marks or self._sights), tip], plan.height, now)

    def _measure(self, node: Asked, status: NodeStatus, left: int) -> tuple[eta.Mark, ...]:
        marks = []
        for height in eta.heights(status.height, left, status.earliest):
            mark = block_time(node, height, status.chain_id)
            if mark is not None:
                marks.append(mark)
        return tuple(marks)

    def _interval(self) -> float:
        """Return seconds a block, as far as they are known."""
        if self.eta is not None and not self.eta.syncing:
            return self.eta.interval
        if len(self._sights) > 1:
            first, last = self._sights[0], self._sights[-1]
            return max(last.time - first.time, 0.0) / (last.height - first.height)
        return 0.0

    def _proposals(self) -> list[dict[str, object]]:
        states = self._ahead.states if self._ahead is not None else {}
        for one in self.story.proposals:
            for plan in one.plans:
                if plan == self.story.plan:
                    states[plan] = "scheduled: see the plan"
                elif self._ahead is None:
                    states[plan] = "not fetched: downloads are not allowed"
        return [report.proposal_document(one, states) for one in self.story.proposals]

    def _report(self) -> None:
        if self._tell is None:
            return
        if self._learned:
            self._tell.known_plan(self.story.plan)
        self._tell.eta(self.eta.document() if self.eta else None)
        self._tell.proposals(self._proposals())
        whole = self.document()
        self._tell.note({key: whole[key] for key in ("chain_id", "source", "events", "problems")})

    def _say_problems(self) -> None:
        for name, problem in self.sources.problems.items():
            if "not believed" in problem and self._said_problems.get(name) != problem:
                self._said_problems[name] = problem
                self._say("warning", problem, {})


def block_time(node: Asked, height: int, chain_id: str) -> eta.Mark | None:
    """Ask for the time in the header of a block; None where the node no longer has it or says something else.

    `header` is there from CometBFT 0.37 on, `blockchain` in all versions.
    """
    for method, params in (
        ("header", {"height": str(height)}),
        ("blockchain", {"minHeight": str(height), "maxHeight": str(height)}),
    ):
        try:
            result = node.call(method, params)
        except ChainError:
            continue
        header = answer.take(result, "header")
        metas = answer.take(result, "block_metas")
        if isinstance(metas, list) and len(metas) == 1:
            header = answer.take(metas[0], "header")
        try:
            same = answer.height(answer.take(header, "height"), "height") == height
        except ChainError:
            continue
        at = answer.moment(answer.take(header, "time"))
        if same and at and answer.take(header, "chain_id") == chain_id:
            return eta.Mark(height, at)
    return None
