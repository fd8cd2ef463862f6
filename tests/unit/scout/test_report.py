"""What is told to the supervisor: changes at once, the same once a minute, and again to a new supervisor."""

from __future__ import annotations

import json

from cosmovisor.chain.gov import VOTING, Proposal, Tally
from cosmovisor.model.errors import StateError
from cosmovisor.model.plan import Plan
from cosmovisor.scout.report import AGAIN, Report, plan_document, proposal_document

V2 = Plan("v2", 100, "info")


class Supervisor:
    def __init__(self) -> None:
        self.heard: list[dict] = []
        self.up = True
        self.now = 0.0

    def ask(self, path: str, message: dict) -> dict:
        if not self.up:
            raise StateError("no supervisor listens")
        self.heard.append(message)
        return {"ok": True}

    def report(self) -> Report:
        return Report("/sock", self.ask, lambda: self.now)


def test_the_same_is_told_once_a_minute_and_a_change_at_once():
    supervisor = Supervisor()
    report = supervisor.report()
    for _ in range(3):
        assert report.known_plan(V2)
    assert supervisor.heard == [{"do": "known-plan", "plan": {"name": "v2", "height": 100, "info": "info"}}]
    report.known_plan(None)
    assert supervisor.heard[1:] == [{"do": "known-plan", "plan": None}]
    supervisor.now += AGAIN
    report.known_plan(None)
    assert len(supervisor.heard) == 3


def test_what_was_not_heard_is_told_again():
    supervisor = Supervisor()
    report = supervisor.report()
    supervisor.up = False
    assert not report.eta({"at": 1})
    assert report.snapshot() is None
    supervisor.up = True
    assert report.eta({"at": 1})
    assert supervisor.heard == [{"do": "eta", "value": {"at": 1}}]


def test_a_proposal_is_small_and_complete():
    huge = Plan("v9", 9, "x" * 900_000)
    proposal = Proposal(7, VOTING, "title", (V2, huge), tally=Tally(10**30, 2, 3, 4), voting_end=5.0)
    document = proposal_document(proposal, {V2: "fetched and checked"})
    assert len(json.dumps(document)) < 10_000
    assert document["tally"] == {"yes": str(10**30), "abstain": "2", "no": "3", "no_with_veto": "4"}
    assert document["plans"][0] == {**plan_document(V2), "binary": "fetched and checked"}


def test_proposals_are_bounded():
    supervisor = Supervisor()
    supervisor.report().proposals([{"id": number} for number in range(100)])
    assert len(supervisor.heard[0]["value"]) == 20
