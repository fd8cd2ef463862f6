"""One look after the other: what is told, what is believed, what it costs."""

from __future__ import annotations

import pytest

from cosmovisor.chain import gov, upgrade
from cosmovisor.chain.messages import chain_pb2 as m
from cosmovisor.chain.rpc import NodeStatus, NotServedError
from cosmovisor.model.errors import ChainError
from cosmovisor.model.plan import Plan
from cosmovisor.scout.follower import Follower
from cosmovisor.scout.sources import Sources

V2 = Plan("v2", 1000, "info")
EPOCH = 1_800_000_000.0


def plan(given: Plan) -> m.Plan:
    return m.Plan(name=given.name.encode(), height=given.height, info=given.info.encode())


class Chain:
    """A chain in simulated time; counts what it is asked."""

    def __init__(self, interval: float = 6.0) -> None:
        self.now = 0.0
        self.interval = interval
        self.base = 500
        self.up = True
        self.plan: Plan | None = None
        self.voting: list[Plan] = []
        self.catching_up = False
        self.governed = True
        self.broken = False
        self.asked: list[str] = []

    @property
    def height(self) -> int:
        return self.base + int(self.now / self.interval)

    def time_of(self, height: int) -> float:
        return EPOCH + (height - self.base) * self.interval


class Node:
    def __init__(self, chain: Chain, name: str = "own", chain_id: str = "test-1") -> None:
        self.chain, self.name, self.chain_id = chain, name, chain_id

    def _ask(self, what: str) -> None:
        self.chain.asked.append(what)
        if not self.chain.up:
            raise ChainError("down", reached=False)

    def status(self) -> NodeStatus:
        self._ask("status")
        chain = self.chain
        return NodeStatus(
            chain.height, chain.catching_up, "id", self.chain_id, chain.time_of(chain.height), "0.38"
        )

    def call(self, method: str, params: dict) -> object:
        self._ask(method)
        if method != "header":
            raise ChainError("unknown")
        height = int(params["height"])
        import datetime as dt

        text = dt.datetime.fromtimestamp(self.chain.time_of(height), dt.UTC).isoformat()
        return {"header": {"height": str(height), "chain_id": self.chain_id, "time": text}}

    def abci_query(self, path: str, data: bytes = b"") -> bytes:
        self._ask(path)
        chain = self.chain
        if chain.broken:
            raise ChainError("garbage")
        if path == upgrade.CURRENT_PLAN:
            return m.CurrentPlanResponse(plan=plan(chain.plan)).SerializeToString() if chain.plan else b""
        if path == gov.PROPOSALS_V1 and chain.governed:
            found = m.ProposalsResponseV1()
            for number, one in enumerate(chain.voting, 1):
                value = m.SoftwareUpgrade(plan=plan(one)).SerializeToString()
                message = m.Packed(type_url=b"/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", value=value)
                found.proposals.append(
                    m.ProposalV1(id=number, status=2, messages=[message], voting_end_time=m.Moment(seconds=9))
                )
            return found.SerializeToString()
        if path == gov.TALLY_V1:
            return m.TallyResponse(tally=m.Tally(yes=b"7")).SerializeToString()
        raise NotServedError("unknown")


class Told:
    def __init__(self) -> None:
        self.last: dict[str, object] = {}
        self.plans: list[Plan | None] = []

    def known_plan(self, found: Plan | None) -> bool:
        self.plans.append(found)
        return True

    def __getattr__(self, name: str):
        return lambda value: self.last.__setitem__(name, value)


class Ahead:
    def __init__(self) -> None:
        self.wanted: list[Plan] = []
        self.states = {V2: "fetched and checked"}

    def want(self, plans) -> None:
        self.wanted = list(plans)

    def step(self) -> None: ...


class World:
    def __init__(
        self, interval: float = 6.0, *, extra: Chain | None = None, ahead: Ahead | None = None
    ) -> None:
        self.chain = Chain(interval)
        self.extra = extra
        self.told = Told()
        self.said: list[tuple[str, str]] = []
        sources = Sources(
            [Node(self.chain)],
            [Node(extra, "extra")] if extra else [],
            "test-1" if extra else "",
            lambda: self.chain.now,
        )
        self.follower = Follower(
            sources,
            self.told,
            ahead,
            lambda level, text, _: self.said.append((level, text)),
            lambda: self.chain.now,
            lambda: EPOCH + self.chain.now,
        )

    def run(self, seconds: float) -> None:
        end = self.chain.now + seconds
        while self.chain.now < end:
            wait = self.follower.step()
            assert wait > 0
            self.chain.now += wait
            if self.extra:
                self.extra.now = self.chain.now

    def levels(self, word: str) -> list[str]:
        return [level for level, text in self.said if word in text]


def test_a_plan_is_told_with_an_estimate_and_its_cancellation_too():
    world = World()
    world.run(60)
    assert set(world.told.plans) == {None}
    world.chain.plan = V2
    world.run(60)
    assert world.told.plans[-1] == V2
    eta = world.told.last["eta"]
    assert eta["at"] == pytest.approx(world.chain.time_of(1000), abs=12)
    assert eta["interval"] == pytest.approx(6.0, rel=0.01)
    assert eta["earliest"] <= eta["at"] <= eta["latest"]
    world.chain.plan = None
    world.run(60)
    assert world.told.plans[-1] is None
    assert world.told.last["eta"] is None
    assert world.levels("is cancelled") == ["warning"]


def test_a_proposal_is_told_with_its_votes_and_staged_ahead_until_it_is_scheduled():
    ahead = Ahead()
    world = World(ahead=ahead)
    world.chain.voting = [V2, Plan("old", 3)]
    world.run(130)
    first = world.told.last["proposals"][0]
    assert first["tally"]["yes"] == "7"
    assert first["plans"] == [{"name": "v2", "height": 1000, "info": "info", "binary": "fetched and checked"}]
    assert ahead.wanted == [V2]
    world.chain.plan, world.chain.voting = V2, []
    world.run(130)
    assert ahead.wanted == []
    assert world.levels("voting on proposal 1 has ended") == ["info"]


def test_without_leave_to_download_it_only_warns_once():
    world = World()
    world.chain.voting = [V2]
    world.run(400)
    assert world.levels("downloads are not allowed") == ["warning"]
    assert "not fetched" in world.told.last["proposals"][0]["plans"][0]["binary"]


@pytest.mark.parametrize("interval", [0.05, 0.5, 1.0, 2.0, 6.0, 60.0])
@pytest.mark.parametrize("busy", [False, True])
def test_it_costs_less_than_a_request_a_second_however_fast_the_chain_is(interval, busy):
    world = World(interval, ahead=Ahead())
    world.chain.plan = Plan("v9", 10**9)
    if busy:
        world.chain.voting = [Plan(f"v{number}", 10**8) for number in range(10)]
    world.run(3600)
    assert len(world.chain.asked) < 3600


def test_a_node_that_is_down_costs_next_to_nothing_and_is_found_again():
    world = World()
    world.chain.plan = V2
    world.run(60)
    world.chain.up = False
    world.chain.asked.clear()
    world.run(3600)
    assert len(world.chain.asked) <= 130
    assert world.told.plans[-1] == V2
    world.chain.up = True
    world.run(60)
    assert world.follower.status.height >= world.chain.height - 3


def test_nothing_is_told_of_plans_before_a_node_has_said_something():
    world = World()
    world.chain.up = False
    world.follower.remember(V2, 700)
    world.run(300)
    assert world.told.plans == []
    world.chain.up = True
    world.chain.broken = True
    world.run(300)
    assert world.told.plans == []


def test_another_node_can_add_a_plan_but_never_take_one_away():
    extra = Chain()
    extra.base = 2000
    world = World(extra=extra)
    world.chain.plan = V2
    world.run(30)
    world.chain.up = False
    world.run(300)  # the others have passed the height: they know of no plan
    assert world.told.plans[-1] == V2
    extra.plan = Plan("v3", 9000)
    world.run(300)
    assert world.told.plans[-1] == V2


def test_another_node_tells_of_a_plan_while_ours_is_down():
    extra = Chain()
    world = World(extra=extra)
    world.run(30)
    world.chain.up = False
    extra.plan = V2
    world.run(200)
    assert world.told.plans[-1] == V2


def test_a_node_that_catches_up_is_estimated_by_its_own_speed():
    world = World(interval=0.5)
    world.chain.plan = Plan("v9", 50_000)
    world.chain.catching_up = True
    world.run(120)
    eta = world.told.last["eta"]
    assert eta["syncing"]
    assert eta["interval"] == pytest.approx(0.5, rel=0.2)
    assert "header" not in world.chain.asked


def test_a_chain_without_governance_is_said_once_and_still_followed():
    world = World()
    world.chain.governed = False
    world.chain.plan = V2
    world.run(600)
    assert world.levels("no governance module") == ["info"]
    assert world.told.plans[-1] == V2


def test_the_document_is_complete():
    world = World()
    world.chain.plan = V2
    world.chain.voting = [Plan("v3", 5000)]
    world.run(60)
    document = world.follower.document()
    assert document["plan"] == {"name": "v2", "height": 1000, "info": "info"}
    assert document["chain_id"] == "test-1"
    assert document["source"] == "own"
    assert [one["kind"] for one in document["events"]] == ["scheduled", "proposed"]
