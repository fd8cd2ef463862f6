"""A state document that cannot be written for a while costs time, never the upgrade."""

from __future__ import annotations

import pytest
from tests.support.facts import PLAN, H
from tests.support.playbook import Play

from cosmovisor.decide import commands, events

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
