"""What the breadth-first search has found on the way, each with its shortest trace in words."""

from __future__ import annotations

from tests.support.facts import PLAN, V2, V2_LINK, H, at_least, exited, facts, switched
from tests.support.playbook import Play

from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.model.state import EMPTY
from cosmovisor.model.value import replace


def test_a_node_that_loads_for_minutes_and_refuses_its_height_gets_the_file_that_it_could_not_write() -> None:
    """Killed with block H saved; started again it loads for longer than `at once` means, replays H and ends.

    Nobody tells the height exactly and the chain cannot write its file: the old program was started for ever.
    """
    node = exited(start_b=at_least(H))
    found = decide_after_exit(facts(known=PLAN, b=at_least(H), node=node))
    assert (found.do, found.plan) == ("write file", PLAN)


def test_a_node_that_was_up_at_the_height_of_a_known_plan_and_crashed_gets_no_file() -> None:
    for crashed in ({"ever_up": True}, {"progressed": True}, {"status": -9}):
        node = exited(start_b=at_least(H), **crashed)
        assert decide_after_exit(facts(known=PLAN, b=at_least(H), node=node)).do == "exit"


def launched_after(status: int) -> bool:
    """Return whether the first launch of an inferred start counts as made, after it ended with a status."""
    play = Play(replace(EMPTY, records=(switched(inferred=True),)))
    play.link, play.markers = V2_LINK, {V2: PLAN}
    play.write_plan().start()
    play.exit(status)
    return play.saved.records[0].launched


def test_a_first_launch_that_is_killed_while_it_starts_is_not_the_one_that_is_judged() -> None:
    """Started too early on inferred evidence, the new program is killed before it can refuse its data.

    Its next launch refuses, and was never taken back, as it was not the first: stopped for ever.
    """
    assert not launched_after(-9)
    assert launched_after(3)
