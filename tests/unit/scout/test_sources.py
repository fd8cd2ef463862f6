"""Who is asked: ours first; others only while ours is down, and only of the same chain."""

from __future__ import annotations

from tests.support.scripted_rpc import ScriptedRpc, status

from cosmovisor.chain.rpc import Rpc
from cosmovisor.scout.sources import EXTRA_PERIOD, FIRST, LONGEST, Sources


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def down() -> Rpc:
    server = ScriptedRpc()
    server.close()
    return Rpc(server.address, 20)


def test_our_own_node_is_asked_first():
    with ScriptedRpc({"status": status(5)}) as ours, ScriptedRpc({"status": status(9)}) as other:
        found = Sources([Rpc(ours.address, 20)], [Rpc(other.address, 20)], "test-1", Clock()).find()
        assert found is not None
        assert (found.own, found.status.height) == (True, 5)
        assert other.requests == []


def test_another_node_of_the_same_chain_answers_while_ours_is_down():
    with ScriptedRpc({"status": status(9)}) as other:
        found = Sources([down()], [Rpc(other.address, 20)], "test-1", Clock()).find()
        assert found is not None
        assert (found.own, found.status.height) == (False, 9)


def test_another_chain_is_not_believed_and_said():
    with ScriptedRpc({"status": status(9, chain_id="evil-1")}) as other:
        node = Rpc(other.address, 20)
        sources = Sources([down()], [node], "test-1", Clock())
        assert sources.find() is None
        assert "evil-1" in sources.problems[node.name]
        assert "not believed" in sources.problems[node.name]


def test_a_foreign_node_on_our_own_port_is_not_believed_either():
    with ScriptedRpc({"status": status(9, chain_id="evil-1")}) as other:
        assert Sources([Rpc(other.address, 20)], (), "test-1", Clock()).find() is None


def test_another_node_of_our_chain_on_our_port_is_not_believed_as_ours():
    with ScriptedRpc({"status": status(9)}) as other:
        node = Rpc(other.address, 20, node_id="bb" * 20)
        sources = Sources([node], (), "test-1", Clock())
        assert sources.find() is None
        assert sources.problems[node.name].startswith("not believed")


def test_other_nodes_are_not_believed_while_our_chain_is_unknown():
    with ScriptedRpc({"status": status(9)}) as other:
        assert Sources([down()], [Rpc(other.address, 20)], "", Clock()).find() is None
        assert other.requests == []


def test_our_chain_is_learned_from_our_own_node():
    with ScriptedRpc({"status": status(5)}) as ours:
        sources = Sources([Rpc(ours.address, 20)], (), "", Clock())
        sources.find()
        assert sources.chain_id == "test-1"


def test_a_node_that_is_down_is_asked_ever_more_rarely_and_for_ever():
    clock = Clock()
    node = down()
    sources = Sources([node], (), "", clock)
    waits = []
    for _ in range(9):
        assert sources.find() is None
        waits.append(sources.delay())
        clock.now += waits[-1]
    assert waits[0] == FIRST
    assert waits[-1] == LONGEST
    assert all(later <= 2 * earlier for earlier, later in zip(waits, waits[1:], strict=False))


def test_a_node_that_came_back_is_asked_as_before_also_with_lower_heights():
    clock = Clock()
    server = ScriptedRpc({"status": status(50)})
    node = Rpc(server.address, 20)
    sources = Sources([node], (), "", clock)
    assert sources.find() is not None
    server.close()
    assert sources.find() is None
    clock.now += LONGEST
    with ScriptedRpc({"status": status(40)}) as again:
        node.address = again.address
        found = sources.find()
        assert found is not None
        assert found.status.height == 40


def test_other_nodes_are_asked_once_a_minute():
    clock = Clock()
    with ScriptedRpc({"status": status(9)}) as other:
        sources = Sources([down()], [Rpc(other.address, 20)], "test-1", clock)
        answers = 0
        while clock.now < 10 * EXTRA_PERIOD:
            answers += sources.find() is not None
            clock.now += 1.0
        assert answers == 10
