"""What simulated nights have found, each in its smallest form."""

from __future__ import annotations

import pytest
from tests.support.facts import PLAN, V2, V2_LINK, H, at_least, exact, facts, switched
from tests.support.playbook import Play

from cosmovisor.decide import events
from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.decide.launch import decide_launch
from cosmovisor.model.facts import NodeFact, PlanFile
from cosmovisor.model.observations import SeenFile

FULL = events.Failed(0.0, "save", "no space left", "free some")


def test_a_question_behind_a_save_that_fails_is_asked_all_the_same() -> None:
    play = Play().running()
    play.failing["save"] = FULL
    play.put(events.Asked(play.now, "known plan", PLAN))
    del play.failing["save"]
    play.heights(H, H - 1).write_plan().look()
    assert play.take() == ["Signal TERM"]


def test_a_supervisor_whose_last_save_fails_ends_all_the_same() -> None:
    play = Play().running()
    play.failing["save"] = FULL
    assert play.exit(3).status == 3


def test_a_document_lost_under_a_node_that_is_kept_is_made_anew_and_the_upgrade_is_not_missed() -> None:
    play = Play(adopt_orphan=True)
    play.heights(H - 5, H - 5).put(events.OrphanFound(play.now, 77))
    assert play.saved.data is not None
    play.heights(H, H - 1).write_plan().look()
    assert play.take() == ["Signal TERM"]


def test_a_node_kept_at_its_halt_is_upgraded_although_the_document_is_lost() -> None:
    play = Play(adopt_orphan=True)
    play.heights(H, H - 1).write_plan().put(events.OrphanFound(play.now, 77))
    play.wait(60.0)
    assert play.take()[0] == "Signal TERM"
    assert play.machine.why == "upgrade"


@pytest.mark.parametrize("stage", ["switched", "pre-upgraded"])
@pytest.mark.parametrize("b", [exact(H), at_least(H)])
def test_a_plan_file_lost_with_the_power_after_the_switch_is_written_again(stage: str, b: object) -> None:
    given = {"record": switched(stage), "link": V2_LINK, "b": b, "a": at_least(H - 1)}
    absent = decide_launch(facts(**given))
    assert (absent.do, absent.row, absent.plan) == ("write file", "switched, file gone", PLAN)
    torn = decide_launch(facts(**given, file=PlanFile("incomplete")))
    assert (torn.do, torn.row, torn.plan) == ("move file aside", "incomplete, halt known", PLAN)
    ended = NodeFact(state="exited", version=V2, status=2)
    assert decide_after_exit(facts(**given, node=ended)).do == "write file"


@pytest.mark.parametrize(
    "given",
    [
        {"b": exact(H + 1)},
        {"b": exact(H), "a": exact(H)},
        {"b": at_least(H - 1)},
        {"b": exact(H), "skip": (H,)},
    ],
)
def test_a_plan_file_that_nobody_waits_for_is_not_written(given: dict[str, object]) -> None:
    decision = decide_launch(facts(record=switched("pre-upgraded"), link=V2_LINK, **given))
    assert decision.do == ("undo" if given.get("skip") else "launch")


def test_writing_the_file_of_a_plan_that_was_switched_to_does_not_change_its_record() -> None:
    play = Play().running()
    play.heights(H, H - 1).write_plan().look().exit(0)
    before = play.saved.records
    assert before[0].stage == "pre-upgraded"
    again = Play(play.saved)
    again.link, again.markers = play.link, play.markers
    again.file = SeenFile("incomplete", None, play.file.identity)
    again.heights(H, H - 1).start()
    assert again.take() == ["MoveAside", "WriteFile", "Spawn v2"]
    assert again.saved.records == before
    assert again.file.plan == PLAN
