"""What is remembered of one run of the node: when its heights moved, whether it was ever up, how it ended."""

from __future__ import annotations

from cosmovisor.decide.policy import Policy
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.value import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.model.facts import Progress

#: A node that ends within this time without progress has ended at once (loading a large state takes a while).
AT_ONCE = 120.0
#: Settle times are at least this many observed block intervals.
INTERVALS = 5
#: The longer settle time is this many times the settle time.
LONGER = 6


@value
class Run:
    """One run of the node; times are monotonic seconds.

    Attributes:
        started_at: When it was spawned (or found, for an orphan).
        version: What runs.
        first_launch: It is the first launch after the switch to this version.
        armed: The halt height that it was launched with; 0: none.
        start_b: Block-store height at its launch.
        moved_at: When a height was last seen to move; its start before that.
        data_moved_at: When `data_mark` last changed; its start before that.
        adopted: It was found running; its start was not seen and its exit status will be unknown.
        b: Highest exact block-store height seen in this run; 0: none.
        a: Likewise for the application.
        interval: Observed seconds per block; 0: unknown.
        ever_up: It answered once.
        progressed: A height moved after its first answer, or above what it started with.
        silent_since: Since when every source of heights was tried without an exact answer; None: one
            answered.
        data_mark: The newest change below `data/` that was seen; None: not looked at.
        exited_at: When it ended; None: it lives.
        status: Its exit status.
    """

    started_at: float
    version: Version | None
    first_launch: bool
    armed: int
    start_b: Evidence
    moved_at: float
    data_moved_at: float
    adopted: bool = False
    b: int = 0
    a: int = 0
    interval: float = 0.0
    ever_up: bool = False
    progressed: bool = False
    silent_since: float | None = None
    data_mark: float | None = None
    exited_at: float | None = None
    status: int | None = None


def begin(
    at: float, version: Version | None, start_b: Evidence, *, first_launch: bool, armed: int = 0
) -> Run:
    """Return a run that begins now."""
    return Run(at, version, first_launch, armed, start_b, moved_at=at, data_moved_at=at)


def observe(run: Run, seen: Observations, at: float) -> Run:
    """Take in what was seen of a node that lives."""
    b = seen.b.height if seen.b.strength == "exact" else 0
    a = seen.a.height if seen.a.strength == "exact" else 0
    if b or a:
        run = replace(run, ever_up=True, silent_since=None)
    elif seen.tried and run.silent_since is None:
        run = replace(run, silent_since=at)
    if b > run.b or a > run.a:
        interval = (at - run.moved_at) / (b - run.b) if 0 < run.b < b else 0.0
        if interval and run.interval:
            interval = (3 * run.interval + interval) / 4
        higher = run.b > 0 or run.a > 0 or run.start_b.is_below(b)
        run = replace(
            run,
            b=max(b, run.b),
            a=max(a, run.a),
            moved_at=at,
            interval=interval or run.interval,
            progressed=run.progressed or higher,
        )
    if seen.data_changed_at is not None and seen.data_changed_at != run.data_mark:
        run = replace(run, data_mark=seen.data_changed_at, data_moved_at=at)
    return run


def settle_time(run: Run, policy: Policy) -> float:
    """Return the settle time in seconds: a multiple of the observed block interval, with a lower bound."""
    return max(policy.settle, INTERVALS * run.interval)


def fact(run: Run | None, policy: Policy, at: float, plan: Plan | None) -> NodeFact:
    """Return what the tables are told of the node."""
    if run is None:
        return NodeFact()
    settle = settle_time(run, policy)
    stands = at - run.moved_at
    progress: Progress = "moving"
    if stands >= settle:
        progress = "still longer" if stands >= LONGER * settle else "still"
    hushed_for = 0.0
    if run.silent_since is not None and run.data_mark is not None:
        hushed_for = at - max(run.silent_since, run.data_moved_at)
    ended = run.exited_at is not None
    at_once = (
        run.exited_at is not None
        and not run.adopted
        and not run.progressed
        and run.exited_at - run.started_at < AT_ONCE
    )
    return NodeFact(
        state="exited" if ended else "running",
        version=run.version,
        progress=progress,
        hushed=hushed_for >= settle and not ended,
        quiet=hushed_for >= LONGER * settle and not ended,
        status=run.status,
        at_once=at_once,
        started_at_halt=plan is not None
        and run.start_b.strength != "unknown"
        and run.start_b.height == plan.height,
        ever_up=run.ever_up,
        progressed=run.progressed,
        first_launch=run.first_launch,
        armed=run.armed,
        start_b=run.start_b,
    )
