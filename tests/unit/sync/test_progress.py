"""The line, the bar and the JSON of a sync."""

from __future__ import annotations

import pytest

from cosmovisor.sync.plan import Step, SyncPlan
from cosmovisor.sync.progress import Progress

PLAN = SyncPlan("", None, (Step("v2", 100), Step("v3", 200)))


def snapshot(block: int, application: int, version: str = "genesis", waiting: str = "") -> dict:
    return {
        "heights": {"block": {"height": block}, "application": {"height": application}},
        "node": {"version": version},
        "phase": "running",
        "waiting": waiting,
    }


def test_upgrades_are_done_when_the_application_has_executed_their_height():
    progress = Progress(PLAN)
    for block, application, done in ((50, 50, 0), (100, 99, 0), (100, 100, 1), (150, 150, 1), (201, 200, 2)):
        progress.take(snapshot(block, application), float(block))
        assert progress.done == done


def test_an_upgrade_below_the_block_store_is_done_also_when_the_application_is_unknown():
    progress = Progress(PLAN)
    progress.take({"heights": {"block": {"height": 101}, "application": None}}, 0.0)
    assert progress.done == 1


def test_line_bar_and_json_tell_speed_and_time_left():
    progress = Progress(PLAN, 0)
    for second in range(11):
        progress.take(snapshot(second * 5, second * 5, "v1"), 1000.0 + second)
    text = progress.text(1010.0)
    assert text == "height 50 of 200, upgrade 0 of 2, running v1, 5.0 blocks/s, 30 s left (30 s to 30 s)"
    assert progress.bar(1010.0).startswith("[######------------------]  25% height 50")
    document = progress.document(1010.0)
    assert (document["height"], document["goal"], document["upgrades"], document["version"]) == (
        50,
        200,
        2,
        "v1",
    )
    assert document["eta"]["at"] == pytest.approx(1040.0)


def test_what_is_awaited_is_said():
    progress = Progress(PLAN)
    progress.take(snapshot(5, 5, waiting="the binary of v2"), 0.0)
    assert progress.text(0.0).endswith("waiting: the binary of v2")


def test_snapshots_of_any_shape_are_taken():
    progress = Progress(PLAN)
    for found in (
        {},
        {"heights": None},
        {"heights": {"block": {"height": "x"}}},
        {"heights": {"block": {"height": True}}},
        {"node": None},
    ):
        progress.take(found, 0.0)
    assert (progress.height, progress.done) == (0, 0)
    assert progress.bar(1.0)


def test_heights_never_go_backwards_in_what_is_shown():
    progress = Progress(PLAN)
    progress.see(50, 0.0)
    progress.see(40, 10.0)
    assert progress.height == 50


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_the_time_left_is_seen_on_a_terminal_of_any_width(width):
    steps = tuple(Step(f"v{number}.0.0", number * 500_000) for number in range(2, 41))
    progress = Progress(SyncPlan("", None, steps), 1_049_000)
    for second in range(11):
        progress.take(snapshot(1_049_000 + second * 5, 0, "v20.0.0"), 1000.0 + second)
    bar = progress.bar(1010.0, width)
    assert len(bar) < width
    assert " left" in bar
    assert bar.startswith("[")
    assert "upgrade 1 of 39" in bar
    assert ("(" in bar) == (width == 200)
