"""One turn of the machine: the state that it holds, and what one event makes of it."""

from __future__ import annotations

from cosmovisor.decide import run as runs
from cosmovisor.decide.commands import Exit, GatherFacts, Save, Say, WakeAt
from cosmovisor.decide.frozen import facts_of
from cosmovisor.decide.policy import Policy
from cosmovisor.decide.run import Run
from cosmovisor.decide.schedule import next_entry
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts, NodeFact
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import NodeStopped
from cosmovisor.model.state import EMPTY, State
from cosmovisor.model.value import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from cosmovisor.decide.commands import Command, Level

    Phase = Literal[
        "starting",  # facts are gathered, nothing runs
        "running",  # the node runs and is not due
        "holding",  # due, binary not staged; the node may live
        "stopping",  # the node was asked to stop, for an upgrade or for good
        "backup",
        "script",
        "switching",  # link, marker and plan file, also going back
        "pre-upgrade",
        "launching",  # the node's program is being started
        "back-off",  # nothing runs until a moment
        "ending",  # the last command was given
    ]
    Why = Literal["", "upgrade", "go back", "end", "missing", "orphan", "arm again"]

#: Seconds between two goes at something that failed, with no node running.
RETRY = 10.0
#: Seconds between two requests to stage the same plan, ahead and at the height.
STAGE_AGAIN, STAGE_URGENT = 300.0, 5.0
#: Seconds after which remembered heights are saved although nothing else has changed.
SAVE_HEIGHTS = 600.0
#: How many polls an idle machine leaves heights out for.
IDLE_POLLS = 12
NEVER = float("inf")


@value
class Machine:
    """All that the supervisor knows between two events.

    Attributes:
        policy: The settings.
        state: The state document as it was last given to `Save`, with newer heights.
        phase: What is going on.
        waiting: What is awaited, a sentence for `status`; empty where nothing is.
        since: When this phase began (monotonic seconds).
        run: The run of the node that lives, or that has just ended.
        lives: Whether the node lives.
        node: What the tables were last told of it.
        seen: The last observations.
        decision: The last decision.
        conflict: What was last said about the operator's schedule beside the chain's plan.
        why: Why the node is stopped: for an upgrade, to go back, for good, as the binary is missing, as an
            orphan, to be started with another halt height.
        goal: The decision that is carried out (upgrade or going back).
        delayed: The operator's delay before the first step is being waited for, or over.
        stopped: Receipt of the node's end.
        ended_at: When the node ended (monotonic seconds); `NEVER` where this supervisor has not seen it.
        after_exit: The node has ended by itself and the exit table was not asked yet.
        status: Exit status that the supervisor passes on.
        signals: How often a stop was asked for.
        reload: A reload is to come when the phase allows.
        undoing: A step is being undone: when that is done, the document forgets it.
        wrote: The plan file was just written by us.
        at_rest: The step in flight waits for a look at what the stopped node has left.
        asks: Questions (`GatherFacts`) without answer.
        drop: How many of the next answers are too old to be used.
        again: Something was reported since the last question.
        kill_at: When a node that was asked to stop is killed.
        next_at: When to ask again, or to go on after a back-off.
        give_up_at: When a hold without a node ends.
        heights_at: When heights were last asked for.
        staging: The plan whose staging was asked for, and when.
        saved_at: When the document was last saved.
        unsaved: The last save has failed: the document in memory is newer than the one on disk.
        failures: Failures in a row, for back-off.
        failing_since: When a step or file work that is tried again failed first.
        wake: The moment of the last `WakeAt`.
    """

    policy: Policy
    state: State = EMPTY
    phase: Phase = "starting"
    waiting: str = ""
    since: float = 0.0
    run: Run | None = None
    lives: bool = False
    node: NodeFact = NodeFact()
    seen: Observations | None = None
    decision: Decision | None = None
    conflict: str = ""
    why: Why = ""
    goal: Decision | None = None
    delayed: bool = False
    stopped: NodeStopped | None = None
    ended_at: float = NEVER
    after_exit: bool = False
    status: int = 0
    signals: int = 0
    reload: bool = False
    undoing: bool = False
    wrote: bool = False
    at_rest: bool = False
    asks: int = 0
    drop: int = 0
    again: bool = False
    kill_at: float = NEVER
    next_at: float = NEVER
    give_up_at: float = NEVER
    heights_at: float = -NEVER
    staging: tuple[Plan, float] | None = None
    saved_at: float = 0.0
    unsaved: bool = False
    failures: int = 0
    failing_since: float = NEVER
    wake: float = NEVER


class Turn:
    """Collects what one event changes and commands; lives for one call of `advance` only."""

    def __init__(self, machine: Machine, at: float) -> None:
        self.m = machine
        self.at = at
        self.commands: list[Command] = []

    def set(self, **changes: Any) -> None:
        """Change fields of the machine."""
        self.m = replace(self.m, **changes)

    def enter(self, phase: Phase, waiting: str = "", **changes: Any) -> None:
        """Enter a phase, saying what is awaited in it."""
        since = self.m.since if phase == self.m.phase else self.at
        self.set(phase=phase, waiting=waiting, since=since, **changes)

    def do(self, *commands: Command) -> None:
        """Command something of the shell."""
        self.commands.extend(commands)

    def say(self, level: Level, text: str, fix: str = "") -> None:
        """Tell the operator something that is no decision."""
        self.do(Say(level, text, fix=fix))

    def save(self, state: State) -> None:
        """Keep the document, and save it if it has changed in more than heights (or these are old)."""
        old = self.m.state
        self.set(state=state)
        changed = _without_heights(state) != _without_heights(old)
        late = state != old and self.at - self.m.saved_at >= SAVE_HEIGHTS
        if changed or late or self.m.unsaved:
            self.save_now()

    def save_now(self) -> None:
        """Save the document as it is."""
        self.set(saved_at=self.at, unsaved=False)
        self.do(Save(self.m.state))

    def facts(self) -> Facts:
        """Return the frozen facts of the last observations, as the document now is."""
        seen = self.m.seen
        if seen is None:
            raise AssertionError("no decision is taken before anything was seen")
        node = runs.fact(self.m.run, self.m.policy, self.at, seen.file.plan)
        return facts_of(self.m.state, seen, node, self.m.policy.skip)

    def ask(self, heights: Literal["no", "quick", "all"] = "quick") -> None:
        """Ask for facts, unless an answer is awaited: then ask again when it has come."""
        if self.m.asks > self.m.drop:
            self.set(again=True)
            return
        if heights != "no":
            self.set(heights_at=self.at)
        self.set(asks=self.m.asks + 1, again=False, next_at=NEVER)
        self.do(GatherFacts(self._plans(), self.m.lives, heights))

    def ask_anew(self, heights: Literal["no", "quick", "all"] = "quick") -> None:
        """Ask for facts; an answer that is still to come belongs to another moment and is dropped."""
        self.set(drop=self.m.asks)
        self.ask(heights)

    def look_again(self) -> None:
        """Ask the tables again, from fresh facts, after something was done."""
        if self.m.lives:
            self.ask_anew("quick")
            return
        self.enter("starting", "what is on disk")
        self.ask_anew("all")

    def end(self, status: int) -> None:
        """Give the last command."""
        self.enter("ending", "", kill_at=NEVER, next_at=NEVER, give_up_at=NEVER)
        self.do(Exit(status))

    def try_again(self, pause: float, waiting: str) -> None:
        """Wait a while before another go, with no node running; give up with 75 after the hold limit."""
        since = min(self.m.failing_since, self.at)
        if self.at + pause - since > self.m.policy.hold_limit:
            self.say("error", f"gave up after {self.m.policy.hold_limit:g} s: {waiting}")
            self.end(75)
            return
        self.enter("back-off", waiting, next_at=self.at + pause, give_up_at=NEVER, failing_since=since)

    def _plans(self) -> tuple[Plan, ...]:
        """Return the plans whose readiness matters beside the one in the file."""
        state = self.m.state
        plans = [] if state.known_plan is None else [state.known_plan]
        if self.m.seen is not None:
            entry = next_entry(self.facts())
            plans += [] if entry is None else [entry.plan]
        else:
            plans += [entry.plan for entry in state.schedule[:1]]
        plans += [record.plan for record in state.records if record.halt_seen and record.stage == "none"]
        plans += [] if state.step is None else [state.step.plan]
        return tuple(dict.fromkeys(plans))

    def finish(self) -> tuple[Machine, tuple[Command, ...]]:
        """Return what the event has made of the machine, with the moment of the next tick."""
        plan = None if self.m.seen is None else self.m.seen.file.plan
        self.set(node=runs.fact(self.m.run, self.m.policy, self.at, plan))
        if self.m.phase != "ending":
            wake = min(self.m.kill_at, self.m.next_at, self.m.give_up_at)
            if wake not in {self.m.wake, NEVER}:
                self.do(WakeAt(wake))
            self.set(wake=wake)
        return self.m, tuple(self.commands)


def _without_heights(state: State) -> State:
    """Return the document without what changes at every block."""
    return replace(state, b=EMPTY.b, a=EMPTY.a, log=0, sign_states=())
