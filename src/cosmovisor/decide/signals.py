"""What a signal does, phase by phase (the table of the design)."""

from __future__ import annotations

from cosmovisor.decide.commands import CancelStep, KillNode, KillStep, SignalNode
from cosmovisor.decide.events import SignalCame
from cosmovisor.decide.turn import NEVER, Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.decide.events import SignalName

#: Phases in which a child of ours or a long copy is under way.
CUTTABLE = frozenset({"backup", "script", "pre-upgrade"})


def on_signal(turn: Turn, event: SignalCame) -> None:
    """Take a signal: a hang-up of a service is a reload, everything else wants the end."""
    if event.name == "HUP" and not event.terminal:
        if turn.m.phase == "holding":
            turn.say("info", "asked to look again")
            turn.ask("all")
        else:
            turn.set(reload=True)
        return
    stop(turn, event.name)


def stop(turn: Turn, name: SignalName) -> None:
    """End what runs, as far as the phase lets it; the second and third time with more force."""
    turn.set(signals=turn.m.signals + 1)
    count, phase = turn.m.signals, turn.m.phase
    if phase in CUTTABLE:
        _cut(turn, count, phase)
    elif phase == "switching":
        turn.say("info", "the switch is finished first; it takes milliseconds")
    elif phase == "launching":
        turn.say("info", "the node is being started; it is stopped as soon as it runs")
    elif turn.m.lives:
        _end_node(turn, name, count)
    else:
        turn.end(0)


def after_spawn(turn: Turn) -> None:
    """Pass on what came while the program was being started."""
    if turn.m.signals:
        _end_node(turn, "TERM", turn.m.signals)


def _end_node(turn: Turn, name: SignalName, count: int) -> None:
    """Pass a signal on to the node; its status becomes ours. There is no limit of ours."""
    asked = turn.m.phase == "stopping"
    if asked and count == 1:
        turn.say("info", "the node is being stopped already; nothing new is started after it")
        return
    if count >= 3:
        turn.say("warn", "asked three times: the node's session is killed")
        turn.do(KillNode())
    else:
        turn.do(SignalNode("QUIT" if name == "QUIT" else "TERM"))
    if count == 2:
        turn.say("warn", "the signal was passed on again; the end of the node is awaited without limit")
    if not asked:
        turn.set(why="end", kill_at=NEVER)
    turn.enter("stopping", "the end of the node", next_at=NEVER, give_up_at=NEVER)


def _cut(turn: Turn, count: int, phase: str) -> None:
    """Cancel a long step; the journal resumes it at the next start."""
    if count == 1:
        turn.say("info", f"the {phase} is ended at its next boundary; it is resumed at the next start")
        turn.do(CancelStep())
    else:
        turn.say("warn", f"asked again: the {phase} is killed; it is resumed at the next start")
        turn.do(KillStep())
