"""The questions that several tables ask."""

from __future__ import annotations

import pytest
from tests.support.facts import (
    GENESIS_LINK,
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
)
from tests.support.facts import switched as switched_to

from cosmovisor.decide import words
from cosmovisor.model.facts import NodeFact
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link
from cosmovisor.model.state import PlanRecord

HEIGHTS = [
    # block store, application: above H, contradicted at H, may be just before H, rests just before H
    (UNKNOWN, UNKNOWN, False, False, True, False),
    (exact(H - 2), UNKNOWN, False, True, True, False),
    (exact(H - 1), UNKNOWN, False, False, True, False),
    (exact(H), UNKNOWN, False, False, True, False),
    (exact(H + 1), UNKNOWN, True, True, True, False),
    (at_least(H - 2), UNKNOWN, False, False, True, False),
    (at_least(H + 1), UNKNOWN, True, True, True, False),
    (UNKNOWN, exact(H - 2), False, False, False, False),
    (UNKNOWN, exact(H - 1), False, False, True, True),
    (UNKNOWN, exact(H), True, True, False, False),
    (UNKNOWN, at_least(H - 2), False, False, True, False),
    (UNKNOWN, at_least(H - 1), False, False, True, True),
    (UNKNOWN, at_least(H), True, True, False, False),
]


@pytest.mark.parametrize(("b", "a", "above", "contradicted", "may_be", "rests"), HEIGHTS)
def test_what_the_heights_say_about_a_halt(
    b: Evidence, a: Evidence, above: bool, contradicted: bool, may_be: bool, rests: bool
) -> None:
    given = facts(b=b, a=a)
    assert words.is_above(given, H) is above
    assert words.contradicted(given, H) is contradicted
    assert words.may_be_just_before(given, H) is may_be
    assert words.rests_just_before(given, H) is rests


@pytest.mark.parametrize(
    ("record", "settled"),
    [
        (PlanRecord(PLAN), False),
        (PlanRecord(PLAN, halt_seen=True), False),
        (PlanRecord(PLAN, gone_back=True), False),
        (PlanRecord(PLAN, passed=True), True),
        (switched_to("switched"), True),
        (switched_to("pre-upgraded"), True),
        (switched_to("proven"), True),
    ],
)
def test_a_plan_is_settled_once_its_binary_is_in_place_or_it_is_passed(
    record: PlanRecord, settled: bool
) -> None:
    assert words.is_settled(record) is settled
    assert words.is_open(facts(record=record), PLAN) is not settled
    assert words.is_pending(facts(record=record), PLAN) is not settled


def test_a_plan_is_open_unless_the_arguments_skip_it() -> None:
    assert words.is_open(facts(skip=(H + 1,)), PLAN)
    assert not words.is_open(facts(skip=(H,)), PLAN)
    assert not words.is_open(facts(), None)


@pytest.mark.parametrize("age", ["fresh", "old", "stale"])
def test_an_open_plan_is_pending_until_its_height_is_executed_unless_it_was_written_ahead(age: str) -> None:
    assert words.is_pending(facts(file=file(age), a=exact(H - 1)), PLAN)
    assert not words.is_pending(facts(file=file(age), a=exact(H)), PLAN)
    assert words.is_pending(facts(file=file("ahead"), a=exact(H)), PLAN)


@pytest.mark.parametrize(
    ("node", "link", "version"),
    [
        (running(version=V2), GENESIS_LINK, V2),
        (exited(version=V2), GENESIS_LINK, V2),
        (running(version=None), V2_LINK, V2),
        (NodeFact(version=V1), V2_LINK, V2),
        (NodeFact(), Link("missing"), None),
    ],
)
def test_the_active_version_is_the_nodes_own_else_that_of_the_link(node, link, version) -> None:
    assert words.active_version(facts(node=node, link=link)) == version


@pytest.mark.parametrize("proven", [True, False])
def test_what_is_due_is_upgraded_if_its_binary_is_ready_else_held_with_the_next_step(proven: bool) -> None:
    ready = words.due(facts(), PLAN, "row", "why", proven=proven)
    assert (ready.do, ready.row, ready.plan, ready.version, ready.proven) == (
        "upgrade",
        "row",
        PLAN,
        V2,
        proven,
    )
    missing = words.due(facts(ready=False), PLAN, "row", "why", proven=proven)
    assert (missing.do, missing.version, missing.proven) == ("hold", V2, proven)
    assert missing.next_step == "put it there"


@pytest.mark.parametrize(("node", "do"), [(running(), "hold"), (exited(), "refuse"), (NodeFact(), "refuse")])
def test_twins_hold_a_living_node_and_refuse_a_launch(node: NodeFact, do: str) -> None:
    found = words.due(facts(node=node, twins=(V1, V2)), PLAN, "row", "why", proven=True)
    assert (found.do, found.version, found.plan) == (do, None, PLAN)
    assert "genesis and upgrades/v2" in found.next_step
