"""Brings a machine into its normal form: times as distances from now, texts left out.

Two states that can do the same must look the same, or the search would not end. Distances are cut to the classes
that the machine's rules can tell apart. Logical times are made ranks elsewhere (`held`, `engine`).
"""

from __future__ import annotations

from typing import Any

from cosmovisor.decide.machine import Machine
from cosmovisor.decide.run import AT_ONCE, Run
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.state import State
from cosmovisor.model.value import replace

NOW = 1000.0
#: How far time goes in one step: more than one settle time, and two of them are the longer one.
STEP = 30.0
#: No rule looks further back than the longer settle time; only a start is looked back at for as long as `AT_ONCE`.
FAR, FAR_START = 2 * STEP, AT_ONCE
INFINITE = float("inf")
#: Decisions that are carried out by file work and remembered until it is done.
ASKED_LATER = frozenset({"reset stages", "move file aside", "undo"})


def _past(at: float, now: float, most: float = FAR) -> float:
    """Return a past moment, cut to steps and to the furthest that counts."""
    distance = min(now - at, most)
    return NOW - STEP * (distance // STEP)


def _future(at: float, now: float, most: float) -> float:
    """Return a future moment, at most `most` ahead and at least a little."""
    if at == INFINITE:
        return at
    return NOW + min(max(STEP * -(-(at - now) // STEP), STEP), most)


def _run(run: Run, now: float) -> Run:
    """Return a run seen from now, without what no rule asks for any more.

    Of one that has ended only how it ended and how long it has lived count; how long it has lived is asked for only
    where it has not progressed.
    """
    ended = run.exited_at
    started = NOW if run.progressed else _past(run.started_at, now if ended is None else ended, FAR_START)
    if ended is not None:
        return replace(
            run,
            started_at=started,
            moved_at=NOW,
            interval=0.0,
            b=0,
            a=0,
            silent_since=None,
            data_mark=None,
            data_moved_at=NOW,
            exited_at=NOW,
        )
    return replace(
        run,
        started_at=started,
        moved_at=_past(run.moved_at, now),
        interval=0.0,
        silent_since=None if run.silent_since is None else _past(run.silent_since, now),
        data_moved_at=_past(run.data_moved_at, now),
    )


def timeless(state: State) -> State:
    """Leave out how long a node was down: no rule looks at it, and it would tell equal states apart."""
    if not any(line.downtime for line in state.history):
        return state
    return replace(state, history=tuple(replace(line, downtime=0.0) for line in state.history))


def normal(machine: Machine, now: float) -> Machine:
    """Return the normal form of a machine, in which it is `NOW` again."""
    run = None if machine.run is None else _run(machine.run, now)
    decision = machine.decision
    if decision is not None:
        # An earlier decision is asked about after file work only; else it but chooses how loud the next is told.
        decision = replace(decision, reason="", next_step="") if decision.do in ASKED_LATER else None
    goal = machine.goal
    if goal is not None:
        goal = replace(goal, reason="", next_step="")
    changes: dict[str, Any] = {
        "state": timeless(machine.state),
        "waiting": "",
        "since": NOW,
        "node": NodeFact(),  # made anew from the run whenever it is asked for
        "conflict": "",  # what was said last
        "stopped": None if machine.lives else machine.stopped,  # its end will make a new one
        "status": 0,  # passed on at the end, nothing else
        "run": run,
        "decision": decision,
        "goal": goal,
        "kill_at": _future(machine.kill_at, now, STEP),
        "next_at": _future(machine.next_at, now, STEP),
        "give_up_at": _future(machine.give_up_at, now, 2 * STEP),
        "heights_at": NOW,
        "staging": None,
        "saved_at": NOW,
        "ended_at": INFINITE,
        "failing_since": INFINITE,
        "failures": min(machine.failures, 3),
    }
    changes["wake"] = min(changes["kill_at"], changes["next_at"], changes["give_up_at"])
    return replace(machine, **changes)
