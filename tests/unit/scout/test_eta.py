"""Estimates from block times, with a range that holds what the past held."""

from __future__ import annotations

import random

import pytest

from cosmovisor.scout.eta import LONGEST, SHORTEST, SPANS, Mark, duration, estimate, heights


def test_a_steady_chain_is_estimated_to_the_second():
    marks = [Mark(height, 1000 + 6.0 * height) for height in (100, 200, 300)]
    found = estimate(marks, 400, now=0)
    assert found is not None
    assert (found.at, found.left, found.interval, found.measured) == (1000 + 2400, 100, 6.0, 200)
    assert found.earliest == found.at - 6.0
    assert found.latest == found.at + 6.0


def test_the_range_is_the_spread_of_the_measured_spans():
    marks = [Mark(0, 0.0), Mark(100, 500.0), Mark(200, 1200.0), Mark(300, 1800.0)]
    found = estimate(marks, 400, now=0)
    assert found is not None
    assert (found.earliest, found.at, found.latest) == (1800 + 99 * 5.0, 1800 + 100 * 6.0, 1800 + 101 * 7.0)


def test_one_span_alone_gives_a_wide_range():
    found = estimate([Mark(10, 0.0), Mark(20, 10.0)], 120, now=0)
    assert found is not None
    assert found.latest - found.earliest > 0.4 * (found.at - 10)


def test_the_order_of_marks_and_doubles_do_not_matter():
    marks = [Mark(1, 1.0), Mark(2, 2.0), Mark(3, 4.0)]
    assert estimate([*marks[::-1], *marks], 10, 0) == estimate(marks, 10, 0)


@pytest.mark.parametrize(
    ("marks", "height"),
    [
        ([], 5),
        ([Mark(1, 1.0)], 5),
        ([Mark(1, 1.0), Mark(5, 2.0)], 5),
        ([Mark(1, 1.0), Mark(2, 1.0)], 5),
        ([Mark(1, 9.0), Mark(2, 1.0)], 5),
    ],
)
def test_no_estimate_where_the_marks_do_not_tell(marks, height):
    assert estimate(marks, height, 0) is None


def test_nothing_is_expected_in_the_past():
    found = estimate([Mark(1, 1.0), Mark(2, 2.0)], 5, now=1000.0)
    assert found is not None
    assert found.earliest == found.at == 1000.0
    assert found.latest >= found.at


def test_the_real_moment_lies_in_the_range_on_chains_whose_speed_wanders():
    inside = 0
    for seed in range(200):
        dice = random.Random(seed)
        times, now, speed = [0.0], 0.0, 5.0
        for height in range(1, 12_001):
            if height % 500 == 0:
                speed = 5.0 * dice.uniform(0.9, 1.1)
            now += speed * dice.uniform(0.7, 1.3)
            times.append(now)
        tip, goal = 10_000, 12_000
        marks = [Mark(height, times[height]) for height in heights(tip, goal - tip)]
        found = estimate(marks, goal, times[tip])
        assert found is not None
        inside += found.earliest <= times[goal] <= found.latest
    assert inside >= 150  # an honest range, not a certain one


def test_heights_worth_measuring_are_as_far_apart_as_the_way_ahead_is_long():
    assert heights(1_000_000, 1000) == [1_000_000 - 1000 * number for number in range(SPANS, -1, -1)]
    assert heights(1_000_000, 3)[-2] == 1_000_000 - SHORTEST
    assert heights(1_000_000, 10**9)[-2] == 1_000_000 - LONGEST
    assert heights(100, 1000) == [4 + 12 * number for number in range(SPANS + 1)]
    assert min(heights(1_000_000, 1000, earliest=999_900)) >= 999_900
    assert heights(1, 50) == [1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59.6, "1 min"),
        (310, "5 min 10 s"),
        (90_061, "1 d 1 h"),
        (86_400, "1 d"),
        (7200, "2 h"),
    ],
)
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
