"""What the breadth-first search has found on the way, each with its shortest trace in words."""

from __future__ import annotations

from tests.support.facts import PLAN, H, at_least, exited, facts

from cosmovisor.decide.after_exit import decide_after_exit


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
