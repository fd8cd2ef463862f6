"""What is remembered of one run of the node, and what the tables are told of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import PLAN, V2, H, at_least, exact
from tests.support.playbook import Play

from cosmovisor.decide import commands
from cosmovisor.decide.policy import Policy
from cosmovisor.decide.run import AT_ONCE, INTERVALS, LONGER, Run, begin, fact, observe, settle_time
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.value import replace

START = 100.0
RUN = begin(START, V2, UNKNOWN, first_launch=False)
SETTLE = Policy().settle


def look(b: Evidence = UNKNOWN, a: Evidence = UNKNOWN, **changes: Any) -> Observations:
    seen = Play().see(commands.GatherFacts((), node_lives=True))
    return replace(seen, **{"b": b, "a": a, "tried": False, "data_changed_at": None, **changes})


def told(run: Run, at: float, **policy: Any) -> NodeFact:
    return fact(run, Policy(**policy), at, PLAN)


def test_a_run_begins_with_what_it_was_launched_with() -> None:
    run = begin(START, V2, exact(5), first_launch=True, armed=9)
    node = told(run, START)
    assert (node.state, node.version, node.first_launch, node.armed) == ("running", V2, True, 9)
    assert (node.start_b, node.progress, node.status) == (exact(5), "moving", None)
    assert not (node.ever_up or node.progressed or node.quiet or node.at_once)


def test_at_its_beginning_nothing_was_seen_of_it_and_its_clocks_start() -> None:
    run = begin(START, V2, exact(5), first_launch=True)
    assert run == Run(
        started_at=START,
        version=V2,
        first_launch=True,
        armed=0,
        start_b=exact(5),
        moved_at=START,
        data_moved_at=START,
        adopted=False,
        b=0,
        a=0,
        interval=0.0,
        ever_up=False,
        progressed=False,
        silent_since=None,
        data_mark=None,
        exited_at=None,
        status=None,
    )


def test_without_a_run_no_node_was_ever_started() -> None:
    assert fact(None, Policy(), START, PLAN) == NodeFact()


# -- heights -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("b", "a", "up"),
    [
        (exact(5), UNKNOWN, True),
        (UNKNOWN, exact(5), True),
        (at_least(5), at_least(5), False),
        (UNKNOWN, UNKNOWN, False),
    ],
)
def test_only_an_exact_height_is_an_answer_of_the_node(b: Evidence, a: Evidence, up: bool) -> None:
    assert observe(RUN, look(b, a), 101.0).ever_up is up


def test_the_highest_heights_of_the_run_are_kept() -> None:
    run = observe(RUN, look(exact(5), exact(4)), 101.0)
    assert (run.b, run.a, run.moved_at) == (5, 4, 101.0)
    lower = observe(run, look(exact(4), exact(3)), 102.0)
    assert (lower.b, lower.a, lower.moved_at) == (5, 4, 101.0)
    only_a = observe(run, look(exact(4), exact(6)), 102.0)
    assert (only_a.b, only_a.a, only_a.moved_at) == (5, 6, 102.0)
    only_b = observe(run, look(exact(6), UNKNOWN), 102.0)
    assert (only_b.b, only_b.a, only_b.moved_at) == (6, 4, 102.0)
    same = observe(run, look(exact(5), exact(4)), 102.0)
    assert same == run


def test_the_first_answer_is_progress_only_above_the_height_that_it_started_with() -> None:
    def first(start: Evidence, b: Evidence, a: Evidence = UNKNOWN) -> bool:
        return observe(replace(RUN, start_b=start), look(b, a), 101.0).progressed

    assert first(exact(4), exact(5))
    assert not first(exact(5), exact(5))
    assert not first(UNKNOWN, exact(5))
    assert not first(at_least(4), exact(5))
    assert not first(exact(4), UNKNOWN, exact(5)), "the application alone tells nothing of the store"


def test_any_height_above_an_earlier_answer_is_progress_and_stays_so() -> None:
    run = observe(RUN, look(exact(5)), 101.0)
    assert not run.progressed
    moved = observe(run, look(exact(6)), 102.0)
    assert moved.progressed
    assert observe(moved, look(exact(6)), 103.0).progressed
    application = observe(RUN, look(UNKNOWN, exact(5)), 101.0)
    assert observe(application, look(UNKNOWN, exact(6)), 102.0).progressed
    again = replace(moved, b=0, a=0)
    assert observe(again, look(exact(7)), 103.0).progressed


def test_the_first_blocks_of_a_chain_are_progress_too() -> None:
    for run in (replace(RUN, b=1), replace(RUN, a=1)):
        assert observe(run, look(exact(2)), 102.0).progressed
    assert observe(replace(RUN, start_b=exact(0)), look(exact(1)), 101.0).progressed
    assert observe(replace(RUN, b=1), look(exact(2)), 102.0).interval == 2.0


def test_the_block_interval_is_learned_from_blocks_and_smoothed() -> None:
    run = observe(RUN, look(exact(10)), 101.0)
    assert run.interval == 0.0, "the first answer says nothing of the time between blocks"
    run = observe(run, look(exact(12)), 107.0)
    assert run.interval == 3.0
    run = observe(run, look(exact(13)), 114.0)
    assert run.interval == (3 * 3.0 + 7.0) / 4
    stalled = observe(run, look(exact(13), exact(13)), 130.0)
    assert stalled.interval == run.interval, "a height of the application alone is no block"


# -- settle times --------------------------------------------------------------------------------------------


def test_the_settle_time_is_a_multiple_of_the_block_interval_with_a_lower_bound() -> None:
    policy = Policy(settle=10.0)
    assert settle_time(RUN, policy) == 10.0
    assert settle_time(replace(RUN, interval=1.0), policy) == 10.0
    assert settle_time(replace(RUN, interval=6.0), policy) == 30.0
    assert (INTERVALS, LONGER, AT_ONCE) == (5, 6, 120.0)


@pytest.mark.parametrize(
    ("stands", "progress"),
    [(0.0, "moving"), (9.9, "moving"), (10.0, "still"), (59.9, "still"), (60.0, "still longer")],
)
def test_a_node_stands_still_after_its_settle_time_and_still_longer_after_six(
    stands: float, progress: str
) -> None:
    run = replace(RUN, moved_at=200.0)
    assert told(run, 200.0 + stands, settle=10.0).progress == progress
    slow = replace(run, interval=6.0)
    assert told(slow, 200.0 + 3 * stands, settle=10.0).progress == progress


# -- silence -------------------------------------------------------------------------------------------------


def test_silence_begins_when_every_source_was_tried_and_ends_with_an_answer() -> None:
    assert observe(RUN, look(tried=False), 101.0).silent_since is None
    silent = observe(RUN, look(tried=True), 101.0)
    assert silent.silent_since == 101.0
    assert observe(silent, look(tried=True), 102.0).silent_since == 101.0
    assert observe(silent, look(tried=False), 102.0).silent_since == 101.0
    assert observe(silent, look(exact(5), tried=True), 102.0).silent_since is None
    assert observe(RUN, look(exact(5), tried=True), 101.0).silent_since is None


def test_a_change_below_data_is_remembered_with_its_moment() -> None:
    run = observe(RUN, look(data_changed_at=50.0), 101.0)
    assert (run.data_mark, run.data_moved_at) == (50.0, 101.0)
    assert observe(run, look(data_changed_at=50.0), 102.0).data_moved_at == 101.0
    assert observe(run, look(data_changed_at=None), 102.0) == run
    assert observe(run, look(data_changed_at=51.0), 102.0).data_moved_at == 102.0
    older = observe(run, look(data_changed_at=49.0), 102.0)
    assert (older.data_mark, older.data_moved_at) == (49.0, 102.0), (
        "a clock that was set back is a change too"
    )


@pytest.mark.parametrize(
    ("changes", "quiet"),
    [
        ({}, True),
        ({"silent_since": None}, False),
        ({"silent_since": 140.1}, False),
        ({"data_moved_at": 140.1}, False),
        ({"data_mark": None}, False),
        ({"exited_at": 150.0}, False),
    ],
)
def test_a_node_is_quiet_when_nobody_answers_and_nothing_changes_for_the_longer_settle_time(
    changes: dict[str, Any], quiet: bool
) -> None:
    run = replace(RUN, silent_since=140.0, data_mark=1.0, data_moved_at=140.0)
    assert told(replace(run, **changes), 200.0, settle=10.0).quiet is quiet


@pytest.mark.parametrize(
    ("at", "changes", "hushed"),
    [
        (150.0, {}, True),
        (149.9, {}, False),
        (500.0, {}, True),
        (150.0, {"data_moved_at": 141.0}, False),
        (150.0, {"silent_since": 141.0}, False),
        (150.0, {"exited_at": 150.0}, False),
    ],
)
def test_a_node_is_hushed_after_one_settle_time_of_silence(
    at: float, changes: dict[str, Any], hushed: bool
) -> None:
    run = replace(RUN, silent_since=140.0, data_mark=1.0, data_moved_at=140.0)
    assert told(replace(run, **changes), at, settle=10.0).hushed is hushed


def test_a_node_that_answers_is_not_hushed_however_short_the_settle_time() -> None:
    assert not told(replace(RUN, data_mark=1.0), START, settle=0.5).hushed


# -- the end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "at_once"),
    [
        ({"exited_at": START + 1.0}, True),
        ({"exited_at": START + AT_ONCE - 0.1}, True),
        ({"exited_at": START + AT_ONCE}, False),
        ({"exited_at": None}, False),
        ({"exited_at": START + 1.0, "progressed": True}, False),
        ({"exited_at": START + 1.0, "adopted": True}, False),
    ],
)
def test_a_node_ends_at_once_soon_after_a_start_that_we_saw_and_without_progress(
    changes: dict[str, Any], at_once: bool
) -> None:
    assert told(replace(RUN, **changes), 500.0).at_once is at_once


def test_an_ended_node_keeps_its_status() -> None:
    ended = told(replace(RUN, exited_at=200.0, status=-9, ever_up=True, progressed=True), 500.0)
    assert (ended.state, ended.status, ended.ever_up, ended.progressed) == ("exited", -9, True, True)


@pytest.mark.parametrize(
    ("start", "there"),
    [(exact(H), True), (at_least(H), True), (exact(H - 1), False), (exact(H + 1), False), (UNKNOWN, False)],
)
def test_a_node_was_started_at_the_halt_if_its_store_was_at_the_plans_height(
    start: Evidence, there: bool
) -> None:
    run = replace(RUN, start_b=start)
    assert fact(run, Policy(), START, PLAN).started_at_halt is there
    assert not fact(run, Policy(), START, None).started_at_halt


def test_an_unknown_start_is_not_a_start_at_height_zero() -> None:
    assert not fact(RUN, Policy(), START, replace(PLAN, height=0)).started_at_halt
