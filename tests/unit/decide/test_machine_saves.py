"""A state document that cannot be written for a while costs time, never the upgrade."""

from __future__ import annotations

import pytest
from tests.support.facts import PLAN, H
from tests.support.playbook import Play

from cosmovisor.decide import commands, events
from cosmovisor.model.state import SignState

FULL = events.Failed(0.0, "save", "no space left on device")


def questions(play: Play) -> int:
    return sum(isinstance(one, commands.GatherFacts) for one in play.commands)


@pytest.mark.parametrize("when", ["before the first look", "at the plan", "at the halt", "at the proof"])
def test_after_a_failed_save_questions_go_on_and_the_upgrade_is_made(when):
    play = Play().heights(3, 3)
    if when == "before the first look":
        play.failing["save"] = FULL
        play.start()
        play.failing.clear()
        play.wait(120)
    else:
        play.start()
    if when == "at the plan":
        play.failing["save"] = FULL
        play.put(events.Asked(play.now, "known plan", PLAN)).wait(30)
        play.failing.clear()
    play.heights(H, H - 1).write_plan()
    if when == "at the halt":
        play.failing["save"] = FULL
        play.look().wait(30)
        play.failing.clear()
        asked = questions(play)
        play.wait(60)
        assert questions(play) > asked
    else:
        play.look().wait(30)
    if not play.lives:
        play.wait(60)
    assert any(isinstance(one, commands.SignalNode) for one in play.commands) or not play.lives
    play.exit(0)
    if when == "at the proof":
        play.failing["save"] = FULL
        play.heights(H, H).wait(30)
        play.failing.clear()
    play.heights(H + 2, H + 2).wait(300)
    assert [record.stage for record in play.saved.records if record.plan == PLAN] == ["proven"]
    asked = questions(play)
    play.look().wait(5)
    assert questions(play) > asked


SIGNED = SignState("c-1", "AB", 7, 0, 3, 1.0)


def saves(play: Play) -> list[commands.Save]:
    return [one for one in play.commands if isinstance(one, commands.Save)]


def test_what_was_signed_is_saved_while_the_node_ends_and_a_record_never_becomes_lower():
    play = Play().running().signal()
    count = len(saves(play))
    play.put(events.SignStateRead(play.now, SIGNED))
    assert len(saves(play)) == count + 1
    assert play.saved.sign_states == (SIGNED,)
    play.put(events.SignStateRead(play.now, SignState("c-1", "AB", 6, 0, 3, 2.0)))
    play.put(events.SignStateRead(play.now, None))
    assert play.saved.sign_states == (SIGNED,)
    assert play.exit(0).status == 0
    assert play.saved.sign_states == (SIGNED,)


def test_what_was_signed_is_not_saved_ahead_for_a_node_that_runs():
    play = Play().running()
    count = len(saves(play))
    play.put(events.SignStateRead(play.now, SIGNED))
    assert len(saves(play)) == count
    assert play.machine.state.sign_states == (SIGNED,)
