"""The story of plans: each change is told once."""

from __future__ import annotations

from cosmovisor.chain.gov import VOTING, Proposal
from cosmovisor.model.plan import Plan
from cosmovisor.scout.plans import KEPT, Story

V2, V3 = Plan("v2", 100), Plan("v3", 200)


def kinds(happenings) -> list[str]:
    return [one.kind for one in happenings]


def test_a_plan_is_scheduled_reached_and_followed_by_the_next():
    story = Story()
    assert kinds(story.scheduled(None, 5, 0)) == []
    assert kinds(story.scheduled(V2, 5, 0)) == ["scheduled"]
    assert kinds(story.scheduled(V2, 50, 0)) == []
    assert kinds(story.scheduled(None, 100, 0)) == ["reached"]
    assert kinds(story.scheduled(V3, 100, 0)) == ["scheduled"]


def test_a_plan_that_goes_away_before_its_height_is_cancelled():
    story = Story()
    story.scheduled(V2, 5, 0)
    (one,) = story.scheduled(None, 99, 7.0)
    assert (one.kind, one.plan, one.at) == ("cancelled", V2, 7.0)
    assert "v2" in one.text


def test_another_plan_before_the_height_replaces_it_also_with_the_same_name():
    story = Story()
    story.scheduled(V2, 5, 0)
    (one,) = story.scheduled(Plan("v2", 150), 6, 0)
    assert (one.kind, one.plan) == ("replaced", Plan("v2", 150))
    (two,) = story.scheduled(Plan("v2", 150, "other info"), 7, 0)
    assert "info" in two.text
    assert two.kind == "replaced"


def test_a_plan_seen_right_after_the_height_of_the_one_before():
    story = Story()
    story.scheduled(V2, 5, 0)
    assert kinds(story.scheduled(V3, 120, 0)) == ["reached", "scheduled"]


def test_proposals_come_and_go():
    story = Story()
    upgrade, cancel = Proposal(4, VOTING, plans=(V2, V3)), Proposal(5, VOTING, cancels=True)
    assert kinds(story.in_voting([upgrade, cancel], 0)) == ["proposed", "proposed", "cancel-proposed"]
    assert kinds(story.in_voting([cancel, upgrade], 0)) == []
    (one,) = story.in_voting([cancel], 0)
    assert (one.kind, one.proposal, one.plan) == ("voting-ended", 4, V2)


def test_the_past_is_bounded():
    story = Story()
    for number in range(200):
        story.in_voting([Proposal(number, VOTING, plans=(V2,))], 0)
    assert len(story.happenings) == KEPT
