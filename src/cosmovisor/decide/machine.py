"""State times event gives state and commands: the whole supervisor without effects.

The shell feeds every event through `advance` and carries the commands out, in order. Which phase does what
with a signal stands in `signals`, the order of an upgrade in `steps`, what a decision leads to in `acting`.
"""

from __future__ import annotations

from cosmovisor.decide import acting, events, ledger, repair, signals, steps
from cosmovisor.decide import run as runs
from cosmovisor.decide.commands import KillNode, Reload, Save, SignalNode, WriteFile
from cosmovisor.decide.file_age import instance
from cosmovisor.decide.schedule import CLEAN
from cosmovisor.decide.sign_gate import highest
from cosmovisor.decide.turn import NEVER, Machine, Turn
from cosmovisor.model.heights import UNKNOWN
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import MAX_STAGED, ScheduleEntry
from cosmovisor.model.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from cosmovisor.decide.commands import Command
    from cosmovisor.decide.events import Event

__all__ = ["Machine", "advance"]


def advance(machine: Machine, event: Event) -> tuple[Machine, tuple[Command, ...]]:
    """Take one event; return the new machine and the commands to carry out, in order.

    Pure: the same machine and event give the same answer.
    """
    turn = Turn(machine, event.at)
    if machine.phase != "ending":
        _HANDLERS[type(event)](turn, event)
        _housekeeping(turn)
    return turn.finish()


def _housekeeping(turn: Turn) -> None:
    """Do what was put off until the phase allows it."""
    if turn.m.reload and turn.m.phase == "running" and turn.m.lives:
        turn.set(reload=False)
        turn.do(Save(turn.m.state), Reload())


def exit_status(status: int | None) -> int:
    """Return what a shell would make of a node's end: 128+n for signal n, 1 where it is unknown."""
    if status is None:
        return 1
    return 128 - status if status < 0 else status


def _on_started(turn: Turn, _event: events.Started) -> None:
    turn.enter("starting", "what is on disk")
    turn.ask("all")


def _on_orphan(turn: Turn, event: events.OrphanFound) -> None:
    """An orphan is stopped, or kept if the operator wants that; a second node is never started beside it."""
    begun = runs.begin(turn.at, event.version, UNKNOWN, first_launch=False, armed=event.armed)
    run = replace(begun, adopted=True)
    turn.set(run=run, lives=True)
    if event.ours:
        turn.say("info", f"the node (pid {event.pid}) runs on through the reload")
        turn.enter("running")
        turn.ask("all")
        return
    if turn.m.policy.adopt_orphan:
        turn.say("warn", f"the node of an earlier supervisor still runs (pid {event.pid}): it is kept")
        turn.enter("running")
        turn.ask("all")
        return
    turn.say("warn", f"the node of an earlier supervisor still runs (pid {event.pid}): it is stopped first")
    grace = turn.m.policy.shutdown_grace
    turn.enter(
        "stopping",
        "the end of the node of an earlier supervisor",
        why="orphan",
        kill_at=turn.at + (steps.PATIENT_GRACE if grace is None else grace),
    )
    turn.do(SignalNode("TERM"))


def _on_tick(turn: Turn, event: events.Tick) -> None:
    """The moment has come: kill, give up, go on after a back-off, or ask again."""
    turn.set(wake=NEVER)
    now = event.at
    if now >= turn.m.kill_at:
        turn.set(kill_at=NEVER)
        turn.say("warn", "the node did not end in its time and is killed")
        turn.do(KillNode())
    if now >= turn.m.give_up_at:
        turn.say("error", f"gave up after {turn.m.policy.hold_limit:g} s without a node: {turn.m.waiting}")
        turn.end(75)
        return
    if now >= turn.m.next_at:
        turn.set(next_at=NEVER)
        if turn.m.phase == "back-off" and turn.m.delayed:
            steps.after_stop(turn)
        elif turn.m.phase == "back-off":
            turn.look_again()
        elif turn.m.phase in {"running", "holding", "starting"}:
            turn.ask(acting.how_thorough(turn))


def _on_woken(turn: Turn, _event: events.Woken) -> None:
    """Something that is watched has changed: ask now."""
    if turn.m.phase in {"running", "holding", "starting"}:
        turn.ask(acting.how_thorough(turn, woken=True))


def _on_facts(turn: Turn, event: events.FactsGathered) -> None:
    """Take in what was seen, and decide if the phase is one that decides."""
    turn.set(asks=turn.m.asks - 1)
    if turn.m.drop:
        turn.set(drop=turn.m.drop - 1)
        return
    turn.set(seen=event.seen)
    if turn.m.wrote:
        turn.set(wrote=False)
        turn.save(replace(turn.m.state, written=instance(event.seen)))
    if turn.m.lives and turn.m.run is not None:
        turn.set(run=runs.observe(turn.m.run, event.seen, event.at))
    if turn.m.at_rest:
        steps.after_look(turn)
    if turn.m.phase in {"starting", "running", "holding"}:
        acting.decide(turn)
    if turn.m.again and turn.m.phase in {"starting", "running", "holding"}:
        turn.ask(acting.how_thorough(turn, woken=True))


def _on_spawned(turn: Turn, event: events.NodeSpawned) -> None:
    """The node's program runs."""
    run = turn.m.run
    turn.set(lives=True, run=None if run is None else replace(run, started_at=event.at, moved_at=event.at))
    turn.enter("running", next_at=event.at + min(1.0, turn.m.policy.poll), drop=turn.m.asks)
    if run is not None and run.first_launch and turn.m.ended_at <= event.at:
        turn.set(state=ledger.launched_after(turn.m.state, run.version, event.at - turn.m.ended_at))
    turn.set(ended_at=NEVER)
    if turn.m.seen is not None:
        turn.save(replace(turn.m.state, spawned=instance(turn.m.seen), ever_spawned=True))
    signals.after_spawn(turn)


def _on_exited(turn: Turn, event: events.NodeExited) -> None:
    """The node has ended: because it was told to, or by itself."""
    run = turn.m.run
    signed = highest(turn.m.state.sign_states, event.sign_state)
    turn.set(state=replace(turn.m.state, sign_states=signed))
    if run is not None:
        turn.set(run=replace(run, exited_at=event.at, status=event.status))
    turn.set(
        lives=False,
        stopped=replace(event.stopped, orderly=event.status in CLEAN),
        ended_at=event.at,
        kill_at=NEVER,
        status=exit_status(event.status),
        drop=turn.m.asks,
    )
    if turn.m.phase == "stopping":
        steps.after_stop(turn)
        return
    turn.set(after_exit=True)
    turn.enter("starting", "what the node has left on disk")
    turn.ask("all")


def _on_sign_state(turn: Turn, event: events.SignStateRead) -> None:
    """Save while the node is still ending: what it signs after this is all that is left to write then."""
    signed = highest(turn.m.state.sign_states, event.sign_state)
    turn.set(state=replace(turn.m.state, sign_states=signed))
    if turn.m.lives and turn.m.phase == "stopping":
        turn.save_now()


def _on_done(turn: Turn, event: events.Done) -> None:
    """A step or file work has succeeded."""
    turn.set(failures=0, failing_since=NEVER)
    if event.what in steps.KINDS:
        steps.after_step(turn, event)
        return
    turn.set(wrote=turn.m.wrote or event.what == "write file")
    step = turn.m.state.step
    if (turn.m.phase, event.what) == ("switching", "write file") and step is not None:
        steps.after_file(turn, step)
        return
    if turn.m.phase not in {"starting", "running", "holding", "switching"}:
        return  # something else has begun meanwhile
    decision = turn.m.decision
    if decision is not None and decision.plan is not None and event.what == decision.do == "move file aside":
        turn.do(WriteFile(decision.plan))
        return
    if turn.m.undoing and decision is not None:
        repair.after_undo(turn, decision)
    if event.what == "write marker":
        repair.after_marker(turn)
    if turn.m.signals and not turn.m.lives:
        turn.end(0)
        return
    turn.look_again()


def _on_failed(turn: Turn, event: events.Failed) -> None:
    """Something could not be done."""
    if event.what in steps.KINDS:
        steps.after_failure(turn, event)
    else:
        acting.after_failure(turn, event)


def _on_asked(turn: Turn, event: events.Asked) -> None:
    """The operator or the scout wants something; values of the wrong kind are ignored."""
    state, wanted = turn.m.state, event.value
    if event.what == "known plan" and (wanted is None or isinstance(wanted, Plan)):
        state = replace(state, known_plan=wanted)
    elif event.what == "schedule" and isinstance(wanted, ScheduleEntry):
        others = [one for one in state.schedule if one.plan != wanted.plan]
        entries = sorted([*others, wanted], key=lambda one: one.plan.height)
        state = replace(state, schedule=tuple(entries))
    elif event.what == "unschedule" and isinstance(wanted, Plan):
        state = replace(state, schedule=tuple(one for one in state.schedule if one.plan != wanted))
    elif event.what == "staged" and isinstance(wanted, StagedBinary):
        others_staged = [one for one in state.staged if one.version != wanted.version]
        state = replace(state, staged=(*others_staged, wanted)[-MAX_STAGED:])
    elif event.what == "stop":
        signals.stop(turn, "TERM")
        return
    elif event.what == "reload":
        turn.set(reload=True)
        return
    turn.save(state)
    if turn.m.phase in {"running", "holding", "starting"}:
        turn.ask(acting.how_thorough(turn, woken=True))


_HANDLERS: dict[type, Callable[[Turn, Any], None]] = {
    events.Started: _on_started,
    events.OrphanFound: _on_orphan,
    events.Tick: _on_tick,
    events.Woken: _on_woken,
    events.FactsGathered: _on_facts,
    events.NodeSpawned: _on_spawned,
    events.NodeExited: _on_exited,
    events.SignalCame: signals.on_signal,
    events.Done: _on_done,
    events.Failed: _on_failed,
    events.SignStateRead: _on_sign_state,
    events.Asked: _on_asked,
}
