"""What a decision leads to."""

from __future__ import annotations

from cosmovisor.decide import events, ledger, repair, steps
from cosmovisor.decide import run as runs
from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.decide.commands import Say, Spawn, Stage
from cosmovisor.decide.ending import ended
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.running import decide_running
from cosmovisor.decide.schedule import conflict, halt_height, halting_before, next_entry
from cosmovisor.decide.sign_gate import refuse_launch
from cosmovisor.decide.turn import IDLE_POLLS, NEVER, STAGE_AGAIN, STAGE_URGENT, Turn
from cosmovisor.decide.words import is_open, is_pending
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.state import Step
from cosmovisor.model.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

#: Tables asked again with the same observations: at most the document changes in between, and only twice.
MAX_ROUNDS = 4
#: Seconds between two looks while something is about to become due.
SOON = 0.25
#: Back-off after ordinary exits and failures: doubled each time, seconds.
FIRST_BACK_OFF, LAST_BACK_OFF = 1.0, 60.0
#: How often file work is tried again at a start before the supervisor gives up.
MAX_FILE_FAILURES = 3


def how_thorough(turn: Turn, *, woken: bool = False) -> Literal["no", "quick", "all"]:
    """Return how heights are asked for: not while nothing can become due, all when nobody answers."""
    if not turn.m.lives:
        return "all"
    if turn.m.phase == "holding" or turn.m.seen is None:
        return "quick"
    facts = turn.facts()
    plan = facts.file.plan
    if plan is not None and is_pending(facts, plan):
        return "all" if facts.file.age == "fresh" and facts.b.strength != "exact" else "quick"
    busy = woken or is_open(facts, facts.known) or next_entry(facts) is not None or _unproven(facts)
    idle_for = turn.at - turn.m.heights_at
    return "quick" if busy or idle_for >= IDLE_POLLS * turn.m.policy.poll else "no"


def _unproven(facts: Facts) -> bool:
    """Tell whether a switch still waits for its first height."""
    return any(record.stage in {"switched", "pre-upgraded"} for record in facts.records)


def decide(turn: Turn) -> None:
    """Ask the table of this moment, and do what it says; again where only the document has changed."""
    for _ in range(MAX_ROUNDS):
        facts = turn.facts()
        if facts.data == "same" and turn.m.seen is not None:
            turn.save(ledger.follow(turn.m.state, turn.m.seen, facts))
            facts = turn.facts()
        decision = _ask_table(turn, facts)
        _tell(turn, decision, facts)
        turn.set(decision=decision)
        if not _ACTIONS[decision.do](turn, decision, facts):
            return
    turn.say("error", "the tables do not come to an end; this is a defect of cosmovisor")
    turn.end(1)


def _ask_table(turn: Turn, facts: Facts) -> Decision:
    """Choose the table: a living node, one that has just ended by itself, or none."""
    if turn.m.lives:
        return decide_running(facts)
    if turn.m.after_exit and facts.data == "same":
        return decide_after_exit(facts)
    return decide_launch(facts)


def _tell(turn: Turn, decision: Decision, facts: Facts) -> None:
    """Say a decision once, with its frozen facts; what repeats itself is said for debugging only."""
    last = turn.m.decision
    same = last is not None and (last.do, last.row, last.plan) == (decision.do, decision.row, decision.plan)
    quiet = {"wait", "launch"}
    level: Literal["debug", "info", "warn", "error"] = "info"
    if same or (decision.do in quiet and decision.passed is None and decision.row in {"no plan", "switched"}):
        level = "debug"
    elif decision.do == "refuse":
        level = "error"
    elif decision.do in {"hold", "go back", "reset stages"} or decision.passed is not None:
        level = "warn"
    turn.do(Say(level, decision.reason, decision.row, facts, decision.next_step))


def _wait(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """Keep what runs; remember what was learned of the file."""
    state, seen = turn.m.state, turn.m.seen
    if decision.remember_ahead and seen is not None:
        state = ledger.remember_ahead(state, seen)
    if decision.passed is not None:
        state = ledger.passed(state, decision.passed)
    turn.save(state)
    if not turn.m.lives:
        turn.enter("starting", decision.reason, next_at=turn.at + SOON)
        return False
    soon = decision.row in {"not named", "below H, still"} or _unproven(facts)
    near = facts.file.age == "fresh" and decision.plan is not None and is_open(facts, decision.plan)
    turn.enter("running", "", next_at=turn.at + (SOON if soon or near else turn.m.policy.poll))
    turn.set(give_up_at=NEVER, why="", goal=None)
    said = conflict(facts)
    if said and said != turn.m.conflict:
        turn.say("warn", said, "Keep it, or take the entry out: cosmovisor schedule list")
    turn.set(conflict=said)
    _stage_ahead(turn, facts)
    return False


def _stage_ahead(turn: Turn, facts: Facts) -> None:
    """Have the next binary staged as soon as its plan is known."""
    entry = next_entry(facts)
    for plan in (facts.file.plan, facts.known, None if entry is None else entry.plan):
        if plan is None or not is_pending(facts, plan) or isinstance(facts.staged(plan), StagedBinary):
            continue
        stage(turn, plan, urgent=False)
        return


def stage(turn: Turn, plan: Plan, *, urgent: bool) -> None:
    """Ask for staging, not more often than useful."""
    last = turn.m.staging
    pause = STAGE_URGENT if urgent else STAGE_AGAIN
    if last is None or last[0] != plan or turn.at - last[1] >= pause:
        turn.set(staging=(plan, turn.at))
        turn.do(Stage(plan, urgent))


def _upgrade(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Due and staged: journal the halt, stop the node, go on."""
    if decision.plan is not None:
        turn.save(ledger.halt(turn.m.state, decision.plan, inferred=not decision.proven))
    turn.set(after_exit=False)
    steps.stop_for(turn, decision, "upgrade")
    return False


def _hold(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Due and not staged: journal the halt, keep a living node, stage urgently, ask again."""
    plan = decision.plan
    if plan is not None:
        turn.save(ledger.halt(turn.m.state, plan, inferred=not decision.proven))
    if turn.m.policy.exit_on_missing:
        turn.say("error", "COSMOVISOR_ON_MISSING_BINARY=exit: the node is stopped and this ends")
        steps.stop_for(turn, decision, "missing")
        return False
    if plan is not None:
        stage(turn, plan, urgent=True)
    limit = NEVER
    if not turn.m.lives:
        first = turn.m.give_up_at == NEVER
        limit = turn.at + turn.m.policy.hold_limit if first else turn.m.give_up_at
    turn.enter("holding", decision.reason, next_at=turn.at + 1.0, give_up_at=limit, after_exit=False)
    return False


def _exit(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """An ordinary exit: pass the status on, or restart with back-off."""
    state = turn.m.state
    if decision.passed is not None:
        state = ledger.passed(state, decision.passed)
    for record in state.records:
        unproven = record.stage in {"switched", "pre-upgraded"} and record.version == facts.node.version
        if unproven and not _killed_before_it_was_up(facts):
            state = ledger.put(state, replace(record, launched=True))
    turn.set(state=state, after_exit=False)
    turn.save_now()
    run = turn.m.run
    text, fix = ended(None if run is None else run.status)
    if not turn.m.policy.restart:
        turn.say("warn" if turn.m.status else "info", text, fix)
        turn.end(turn.m.status)
        return False
    failures = turn.m.failures + 1 if run is not None and not run.progressed else 1
    pause = min(FIRST_BACK_OFF * 2 ** (failures - 1), LAST_BACK_OFF)
    turn.say("warn", f"{text}; it is started again in {pause:g} s", fix)
    turn.enter("back-off", "the next start of the node", next_at=turn.at + pause, failures=failures)
    return False


def _killed_before_it_was_up(facts: Facts) -> bool:
    """Tell whether something else has ended the node while it started: that launch has told nothing."""
    node = facts.node
    return node.status is not None and node.status < 0 and not node.ever_up and not node.progressed


def _launch(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """Start the node, if its sign-state allows it."""
    seen, state = turn.m.seen, turn.m.state
    if seen is None or decision.version is None:
        raise AssertionError("a launch names a version that was seen")
    if turn.m.policy.sign_gate:
        refusal = refuse_launch(seen, state)
        if refusal is not None:
            _tell(turn, refusal, facts)
            turn.set(decision=refusal)
            return _refuse(turn, refusal, facts)
    if decision.passed is not None:
        state = ledger.passed(state, decision.passed)
    turn.save(state)
    record = next((one for one in state.records if one.version == decision.version), None)
    first = record is not None and record.stage in {"switched", "pre-upgraded"} and not record.launched
    armed = halt_height(facts)
    run = runs.begin(turn.at, decision.version, facts.b, first_launch=first, armed=armed)
    turn.set(run=run, after_exit=False, give_up_at=NEVER, why="", goal=None)
    turn.enter("launching", "the start of the node's program", next_at=NEVER)
    turn.do(Spawn(decision.version, armed))
    return False


def _refuse(turn: Turn, _decision: Decision, _facts: Facts) -> bool:
    """Launch nothing; the reason was said. A node that lives is never touched by a refusal."""
    if turn.m.lives:
        turn.enter("running", "", next_at=turn.at + turn.m.policy.poll)
        return False
    turn.save_now()
    turn.end(1)
    return False


def _go_back(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Take an inferred start back."""
    turn.set(after_exit=False)
    steps.stop_for(turn, decision, "go back")
    return False


def _arm_again(turn: Turn, decision: Decision, _facts: Facts) -> bool:
    """Remember how this program halts, and start it again with the halt height that it needs.

    A living node is stopped first: were it remembered before, and the save failed, nobody would ask again.
    """
    turn.set(after_exit=False)
    if turn.m.lives:
        steps.stop_for(turn, decision, "arm again")
        return False
    if decision.plan is not None:
        turn.save(halting_before(turn.m.state, decision.plan))
    return True


def _pre_upgrade(turn: Turn, decision: Decision, facts: Facts) -> bool:
    """Run pre-upgrade of a switched plan again."""
    if decision.plan is not None and decision.version is not None:
        back_to = facts.record(decision.plan).back_to
        staged = facts.staged(decision.plan)
        steps.run_step(
            turn,
            Step(
                "pre-upgrade",
                decision.plan,
                decision.version,
                back_to,
                inferred=not decision.proven,
                since=facts.at,
                staged=staged if isinstance(staged, StagedBinary) else None,
            ),
        )
    return False


def _resume(turn: Turn, _decision: Decision, facts: Facts) -> bool:
    """Do the step in flight again."""
    if facts.step is not None:
        steps.run_step(turn, replace(facts.step, attempt=1))
    return False


def after_failure(turn: Turn, event: events.Failed) -> None:
    """File work, a save or a launch has failed: tried again for a while; a living node is left alone.

    A save that failed has dropped the commands after it: a stop that was to follow was not asked for.
    """
    turn.say("error", f"cannot {event.what}: {event.reason}", event.fix)
    if event.what == "stage" or turn.m.phase in {"backup", "script", "pre-upgrade"} - _dropped(event):
        return
    failures = turn.m.failures + 1
    turn.set(failures=failures, undoing=False, unsaved=turn.m.unsaved or event.what == "save")
    if turn.m.lives:
        if not turn.m.signals:
            again = turn.at + turn.m.policy.poll
            turn.enter("running", event.reason, next_at=again, kill_at=NEVER, why="", goal=None)
        return
    upgrading = turn.m.state.step is not None or any(
        one.halt_seen and one.stage == "none" and not one.passed for one in turn.m.state.records
    )
    if turn.m.signals or not event.retry or (failures >= MAX_FILE_FAILURES and not upgrading):
        turn.end(1)
        return
    turn.set(run=None)
    pause = min(FIRST_BACK_OFF * 2 ** (failures - 1), LAST_BACK_OFF)
    turn.try_again(pause, f"another try: {event.reason}")


def _dropped(event: events.Failed) -> set[str]:
    """Return the phases whose step was dropped with the save that failed."""
    return {"backup", "script", "pre-upgrade"} if event.what == "save" else set()


_ACTIONS: dict[str, Callable[[Turn, Decision, Facts], bool]] = {
    "launch": _launch,
    "upgrade": _upgrade,
    "hold": _hold,
    "wait": _wait,
    "exit": _exit,
    "go back": _go_back,
    "refuse": _refuse,
    "write file": repair.write_file,
    "move file aside": repair.move_aside,
    "finish switch": repair.finish_switch,
    "pre-upgrade": _pre_upgrade,
    "record data": repair.record_data,
    "reset stages": repair.reset_stages,
    "relink": repair.relink,
    "resume": _resume,
    "arm again": _arm_again,
    "undo": repair.undo,
}
