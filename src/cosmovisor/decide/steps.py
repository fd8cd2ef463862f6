"""The order of an upgrade: stop, backup, script, switch, pre-upgrade, launch; each is journalled first."""

from __future__ import annotations

from cosmovisor.decide import events, ledger
from cosmovisor.decide.commands import RunStep, SignalNode, WriteFile
from cosmovisor.decide.schedule import halting_before, last_commit
from cosmovisor.decide.turn import NEVER, RETRY, Turn
from cosmovisor.decide.words import is_pending, named
from cosmovisor.model.decision import Decision
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import BackupReceipt, BackupWaived, StagedBinary
from cosmovisor.model.state import MAX_BACKUPS, Applied, Backup, Step
from cosmovisor.model.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.decide.turn import Phase, Why
    from cosmovisor.model.state import StepKind

KINDS = frozenset({"backup", "script", "switch", "pre-upgrade", "go back"})
#: Grace at a proven halt (the state is committed), and where the node may still be at work; seconds.
HALT_GRACE, PATIENT_GRACE = 10.0, 60.0

_PHASES: dict[StepKind, Phase] = {
    "backup": "backup",
    "script": "script",
    "switch": "switching",
    "pre-upgrade": "pre-upgrade",
    "go back": "switching",
}


def stop_for(turn: Turn, decision: Decision, why: Why) -> None:
    """Ask a living node to stop, or go on at once if it is gone."""
    turn.set(why=why, goal=decision, give_up_at=NEVER, next_at=NEVER)
    if not turn.m.lives:
        after_stop(turn)
        return
    grace = turn.m.policy.shutdown_grace
    if grace is None:
        frozen = decision.proven and not decision.row.startswith(("schedule", "above"))
        frozen = frozen or decision.row == "silent, log at H"
        grace = HALT_GRACE if frozen else PATIENT_GRACE
    turn.enter("stopping", "the end of the node, for " + (why or "the end"), kill_at=turn.at + grace)
    turn.do(SignalNode("TERM"))


def after_stop(turn: Turn) -> None:
    """Go on after the node has gone; if the operator wants the end meanwhile, nothing new is started."""
    why, goal = turn.m.why, turn.m.goal
    if turn.m.signals or why == "end":
        turn.save_now()
        turn.end(turn.m.status)
    elif why == "missing":
        turn.end(1)
    elif why == "upgrade" and goal is not None and goal.plan is not None and goal.version is not None:
        _begin_upgrade(turn, goal, goal.plan, goal.version)
    elif why == "go back" and goal is not None and goal.plan is not None and goal.version is not None:
        version = ledger.record_of(turn.m.state, goal.plan).version or goal.version
        run_step(turn, Step("go back", goal.plan, version, goal.version, inferred=True, since=_now(turn)))
    else:
        if why == "arm again" and goal is not None and goal.plan is not None:
            turn.save(halting_before(turn.m.state, goal.plan))
        turn.set(why="", run=None)
        turn.enter("starting", "what is on disk")
        turn.ask_anew("all")


def _begin_upgrade(turn: Turn, goal: Decision, plan: Plan, version: Version) -> None:
    """Journal the first step, with the version to go back to: it is never read from the link again."""
    delay = turn.m.policy.restart_delay
    if delay > 0 and not turn.m.delayed:
        # Where the Go tool has it: between the stop and the backup.
        turn.enter("back-off", f"DAEMON_RESTART_DELAY of {delay:g} s", next_at=turn.at + delay, delayed=True)
        return
    turn.set(delayed=False)
    facts = turn.facts()
    staged = facts.staged(plan)
    if not isinstance(staged, StagedBinary):
        turn.look_again()
        return
    waived = turn.m.policy.backup_waived
    step = Step(
        kind="backup",
        plan=plan,
        version=version,
        back_to=facts.link.version if facts.link.kind in {"genesis", "version"} else None,
        inferred=not goal.proven,
        since=facts.at,
        staged=staged,
        stopped=turn.m.stopped,
        backup=BackupWaived(waived) if waived else None,
    )
    run_step(turn, _after_backup(turn, step) if waived else step)


def run_step(turn: Turn, step: Step) -> None:
    """Journal a step, then carry it out."""
    turn.save(replace(turn.m.state, step=step))
    phase = _PHASES[step.kind]
    turn.enter(phase, f"the step {step.kind} for {named(step.plan)}", next_at=NEVER, give_up_at=NEVER)
    turn.do(RunStep(step))


def _after_backup(turn: Turn, step: Step) -> Step:
    """Return what follows a backup."""
    return replace(step, kind="script" if turn.m.policy.script else "switch", attempt=1)


def after_step(turn: Turn, event: events.Done) -> None:
    """Go on to the next step."""
    step = turn.m.state.step
    if step is None or step.kind != event.what:
        return
    if turn.m.signals and step.kind in {"backup", "script"}:
        turn.end(0)
        return
    if step.kind == "backup":
        step = replace(step, backup=event.receipt)
        if isinstance(event.receipt, BackupReceipt):
            line = Backup(step.plan, event.receipt, _now(turn))
            turn.set(state=replace(turn.m.state, backups=(*turn.m.state.backups, line)[-MAX_BACKUPS:]))
        run_step(turn, _after_backup(turn, step))
    elif step.kind == "script":
        run_step(turn, replace(step, kind="switch", attempt=1))
    elif step.kind == "switch":
        _after_switch(turn, step)
    elif step.kind == "pre-upgrade":
        _finished(turn, step)
    else:
        state = ledger.gone_back(replace(turn.m.state, step=None), step.plan, _now(turn))
        turn.save(state)
        _launch_or_end(turn)


def _after_switch(turn: Turn, step: Step) -> None:
    """Link and marker are durable: journal that, write the plan file of a schedule, then pre-upgrade."""
    state = ledger.switched(turn.m.state, step.plan, step.version, step.back_to, inferred=step.inferred)
    line = Applied(step.plan, step.version, _now(turn), proven=not step.inferred)
    turn.set(state=ledger.add_switch(state, line))
    if turn.m.goal is not None and turn.m.goal.row == "schedule":
        # The node has made blocks until it was gone: what the file must say shows only now.
        turn.enter("switching", "the heights that the stopped node has left", at_rest=True)
        turn.ask_anew("all")
        return
    _write_scheduled_file(turn, step)


def after_look(turn: Turn) -> None:
    """Write the plan file of a schedule for the height at which the node has stopped, then go on."""
    step = turn.m.state.step
    turn.set(at_rest=False)
    if step is not None:
        _write_scheduled_file(turn, step)


def after_file(turn: Turn, step: Step) -> None:
    """Go on to pre-upgrade, or end where the operator wants that."""
    if turn.m.signals:
        turn.save(replace(turn.m.state, step=replace(step, kind="pre-upgrade", attempt=1)))
        turn.end(0)
    elif step.staged is not None and step.staged.no_pre_upgrade:
        _finished(turn, step)
    else:
        run_step(turn, replace(step, kind="pre-upgrade", attempt=1))


def _write_scheduled_file(turn: Turn, step: Step) -> None:
    """Write the plan file for a scheduled binary that would else not arm its store loader, then go on.

    It belongs to the switch: where it cannot be written, the switch is done again.
    """
    written = _scheduled_plan(turn, step)
    if written is None:
        after_file(turn, step)
        return
    passed = turn.m.state if written == step.plan else ledger.passed(turn.m.state, written)
    turn.save(passed)
    turn.enter("switching", "the plan file of the schedule")
    turn.do(WriteFile(written))


def _scheduled_plan(turn: Turn, step: Step) -> Plan | None:
    """Return what the plan file of a schedule must say; None where nothing is to be written.

    Only where there is none, or one of a plan that is settled; its height is the last commit + 1.
    """
    seen = turn.m.seen
    entry = next((one for one in turn.m.state.schedule if one.plan == step.plan), None)
    if seen is None or entry is None:
        return None
    facts = turn.facts()
    if seen.file.plan is not None and is_pending(facts, seen.file.plan):
        return None
    # An end that an earlier life has seen counts too, but not of a program that halts before it executes.
    ended = step.stopped is not None and step.stopped.orderly and not entry.halts_before
    committed = last_commit(facts, orderly=ended)
    return None if committed is None else replace(step.plan, height=committed + 1)


def _finished(turn: Turn, step: Step) -> None:
    """Everything is in place: launch, after a look at the facts."""
    state = ledger.pre_upgraded(replace(turn.m.state, step=None), step.plan)
    # An entry for the same program at another height has nothing left to do.
    schedule = tuple(entry for entry in state.schedule if entry.version != step.version)
    turn.save(replace(state, schedule=schedule))
    turn.say("info", f"{named(step.plan)}: {step.version.folder} is in place")
    if not turn.m.policy.restart_after_upgrade:
        turn.say("info", "DAEMON_RESTART_AFTER_UPGRADE is false: the node is not started")
        turn.end(0)
        return
    _launch_or_end(turn)


def _launch_or_end(turn: Turn) -> None:
    """Ask for the facts that a launch needs."""
    turn.set(why="", goal=None, run=None)
    if turn.m.signals:
        turn.end(0)
        return
    turn.enter("starting", "the facts before the launch")
    turn.ask_anew("no")


def after_failure(turn: Turn, event: events.Failed) -> None:
    """A step has failed: try it again, or end; the journal resumes it at the next start."""
    step = turn.m.state.step
    if event.cancelled or turn.m.signals:
        turn.say("info", f"the step {event.what} was ended; it is resumed at the next start")
        turn.end(0)
        return
    turn.say("error", f"the step {event.what} failed: {event.reason}", event.fix)
    if step is None or not event.retry:
        turn.end(1)
        return
    if step.kind == "pre-upgrade":
        if step.attempt >= turn.m.policy.pre_upgrade_tries:
            turn.say("error", f"pre-upgrade has failed {step.attempt} times; the limit is reached")
            turn.end(1)
            return
        run_step(turn, replace(step, attempt=step.attempt + 1))
        return
    if step.kind == "script":
        turn.end(1)
        return
    turn.try_again(RETRY, f"another try of the step {step.kind}: {event.reason}")


def _now(turn: Turn) -> float:
    """Return the wall time of the last observations; 0 before the first."""
    return 0.0 if turn.m.seen is None else turn.m.seen.at
