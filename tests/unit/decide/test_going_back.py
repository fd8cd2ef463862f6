"""Going back: after an inferred start alone, once, and only when the chain itself has refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    PLAN,
    V1,
    V2,
    V2_LINK,
    H,
    at_least,
    exact,
    exited,
    facts,
    file,
    running,
    switched,
)

from cosmovisor.decide.going_back import decide_going_back, unproven
from cosmovisor.model.facts import Facts, PlanFile
from cosmovisor.model.observations import Link
from cosmovisor.model.value import replace

INFERRED = switched(inferred=True)
FIRST = {"first_launch": True, "at_once": True, "version": V2}


def after(**given: Any) -> Facts:
    return facts(**{"link": V2_LINK, "record": INFERRED, "file": file("old"), **given})


GO = [
    (after(node=running(version=V2), a=exact(H - 2)), "back: alive below H-1"),
    (after(node=running(version=V2), a=exact(1), b=exact(2)), "back: alive below H-1"),
    (after(node=exited(version=V2), b=exact(H - 2)), "back: ended below H-1"),
    (after(node=exited(version=V2, status=-9), b=exact(5)), "back: ended below H-1"),
    (after(node=exited(**FIRST), b=exact(H - 1)), "back: first launch ended at H-1"),
    (after(node=exited(**{**FIRST, "status": 1})), "back: first launch refused"),
    (after(node=exited(**{**FIRST, "status": 2}), b=at_least(H - 1)), "back: first launch refused"),
]
STAY = {
    "healthy and frozen, waiting for the power": after(
        node=running(version=V2, progress="still longer"), b=exact(H), a=exact(H - 1)
    ),
    "silent": after(node=running(version=V2, quiet=True, ever_up=False)),
    "a unknown": after(node=running(version=V2), b=exact(H - 2)),
    "a at least is no refusal": after(node=running(version=V2), a=at_least(H - 2)),
    "it made progress": after(node=exited(version=V2, progressed=True), b=exact(H - 2)),
    "not the first launch": after(node=exited(version=V2, at_once=True), b=exact(H - 1)),
    "it did not end at once": after(node=exited(version=V2, first_launch=True), b=exact(H - 1)),
    "killed by a signal (out of memory)": after(node=exited(**{**FIRST, "status": -9})),
    "killed, as a shell says it": after(node=exited(**{**FIRST, "status": 137})),
    "status unknown": after(node=exited(**{**FIRST, "status": None})),
    "b >= H is known": after(node=exited(**FIRST), b=at_least(H)),
    "it was up": after(node=exited(**FIRST, ever_up=True)),
    "the file is of another plan": after(node=exited(**FIRST), file=PlanFile()),
    "proven start": after(record=switched(), node=exited(**FIRST)),
    "proven height": after(record=switched("proven", inferred=True), node=exited(**FIRST)),
    "gone back before": after(record=switched(inferred=True, gone_back=True), node=exited(**FIRST)),
    "nowhere to go": after(record=switched(inferred=True, back_to=None), node=exited(**FIRST)),
    "another version runs": after(node=exited(**{**FIRST, "version": V1})),
    "never started": after(b=exact(H - 2)),
}


@pytest.mark.parametrize(("given", "row"), GO)
def test_it_goes_back_to_the_version_before(given: Facts, row: str) -> None:
    decision = decide_going_back(given)
    assert decision is not None
    assert (decision.do, decision.row, decision.plan, decision.version) == ("go back", row, PLAN, V1)


@pytest.mark.parametrize("name", STAY)
def test_it_stays(name: str) -> None:
    assert decide_going_back(STAY[name]) is None


@pytest.mark.parametrize("stage", ["switched", "pre-upgraded"])
def test_a_switch_is_taken_back_at_either_stage(stage: str) -> None:
    given = after(record=switched(stage, inferred=True), node=running(version=V2), a=exact(3))
    assert decide_going_back(given) is not None


def test_a_record_without_its_version_cannot_be_gone_back_from() -> None:
    lost = Link("missing")
    record = replace(INFERRED, version=None)
    assert unproven(after(record=record, link=lost, node=exited())) is None
    assert decide_going_back(after(record=record, link=lost, node=exited(version=None), b=exact(5))) is None
