"""What the scout remembers survives its restart, stays small, and is never in the way when it is damaged."""

from __future__ import annotations

import os
import sqlite3

import pytest
from tests.unit.scout.test_follower import EPOCH, World

from cosmovisor.model.plan import Plan
from cosmovisor.scout import follower, memory
from cosmovisor.scout.eta import Mark
from cosmovisor.scout.memory import Memory
from cosmovisor.scout.plans import Happening

NEXT = Plan("v2", 20_000, "info")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def kept(tmp_path, told):
    return Memory(str(tmp_path / "scout.sqlite"), lambda level, text, _: told.append(f"{level} {text}"))


def reborn(world: World, kept: Memory, plan: Plan | None = None, height: int = 0) -> World:
    """Another scout of the same home, on the same chain, some time later."""
    found = World()
    found.chain = world.chain
    sources = world.follower.sources.__class__(
        world.follower.sources._own, (), "test-1", lambda: found.chain.now
    )
    found.follower = world.follower.__class__(
        sources,
        found.told,
        None,
        lambda level, text, _: found.said.append((level, text)),
        lambda: found.chain.now,
        lambda: EPOCH + found.chain.now,
        kept,
    )
    found.follower.remember(plan, height)
    return found


@pytest.fixture
def first(kept) -> World:
    """A scout that has followed a chain with a plan for an hour."""
    world = World()
    world.follower._memory = kept
    world.chain.plan = NEXT
    world.run(3600)
    return world


def test_blocks_and_events_come_back_in_order(kept):
    kept.add_blocks("a", [Mark(7, 70.5), Mark(5, 50.0)])
    kept.add_blocks("a", [Mark(6, 60.0)])
    assert kept.blocks("a") == (Mark(5, 50.0), Mark(6, 60.0), Mark(7, 70.5))
    assert kept.blocks("b") == ()
    events = [Happening(1.0, "scheduled", "x", Plan("v2", 9)), Happening(2.0, "voting-ended", "y", None, 4)]
    kept.add_events("a", events)
    assert kept.events("a") == tuple(events)
    assert kept.events("") == tuple(events)
    assert kept.events("b") == ()


def test_nothing_is_written_by_looking(kept, tmp_path):
    assert kept.blocks("a") == ()
    assert kept.events("a") == ()
    kept.add_events("a", [])
    assert os.listdir(tmp_path) == []


def test_it_stays_small(kept, tmp_path):
    kept.add_blocks("a", [Mark(height, float(height)) for height in range(1, memory.BLOCKS + 500)])
    plan = Plan("n" * 5000, 9, "i" * 100_000)
    kept.add_events(
        "a", [Happening(float(number), "proposed", "t" * 9000, plan, number) for number in range(1500)]
    )
    assert len(kept.blocks("a")) == memory.BLOCKS
    assert kept.blocks("a")[-1].height == memory.BLOCKS + 499
    assert len(kept.events("a", 5000)) == memory.EVENTS
    assert os.path.getsize(tmp_path / "scout.sqlite") < 3 << 20
    kept.add_blocks("b", [Mark(1, 1.0)])
    assert kept.blocks("a") == (), "one home follows one chain"


@pytest.mark.parametrize("how", ["text", "half", "zeros", "tables", "newer", "folder of another program"])
def test_a_damaged_file_is_moved_aside_and_said_and_a_new_one_begun(kept, told, tmp_path, how):
    path = tmp_path / "scout.sqlite"
    kept.add_blocks("a", [Mark(height, float(height)) for height in range(1, 2000)])
    if how == "text":
        path.write_bytes(b"this is no database" * 100)
    elif how == "half":
        data = path.read_bytes()
        path.write_bytes(data[:4096] + bytes(len(data) - 4096))
    elif how == "zeros":
        path.write_bytes(b"\0" * 8192)
    else:
        with sqlite3.connect(path) as file:
            file.executescript(
                {
                    "tables": "DROP TABLE blocks; CREATE TABLE blocks (x);",
                    "newer": "PRAGMA user_version = 99;",
                    "folder of another program": "PRAGMA user_version = 0; DROP TABLE events;",
                }[how]
            )
        file.close()
    assert kept.blocks("a") == ()
    kept.add_blocks("a", [Mark(3, 3.0)])
    assert kept.blocks("a") == (Mark(3, 3.0),)
    assert os.path.exists(tmp_path / "scout.sqlite.damaged")
    (line,) = told
    assert line.startswith("warning ")
    assert "scout.sqlite.damaged" in line


def test_rows_that_somebody_has_put_in_are_left_out(kept, tmp_path):
    kept.add_blocks("a", [Mark(3, 3.0)])
    with sqlite3.connect(tmp_path / "scout.sqlite") as file:
        file.execute("INSERT INTO blocks VALUES ('a', 'x', 'y'), ('a', -4, 1.0), ('a', 9, NULL)")
        file.execute("INSERT INTO events VALUES ('a', 'x', 1, 2, 3, 4, 5), ('a', 1.0, 'k', 't', 7, 'h', 'p')")
    file.close()
    assert kept.blocks("a") == (Mark(3, 3.0),)
    assert kept.events("a") == (Happening(1.0, "k", "t"),)


def test_where_nothing_can_be_written_the_scout_goes_on_and_says_it_once(told, tmp_path):
    kept = Memory(str(tmp_path / "missing" / "scout.sqlite"), lambda _level, text, _: told.append(text))
    for _ in range(3):
        kept.add_blocks("a", [Mark(1, 1.0)])
    assert kept.blocks("a") == ()
    (line,) = told
    assert "goes on without its memory" in line


# After a restart ------------------------------------------------------------------------------------------


def test_after_a_restart_the_estimate_is_there_before_anybody_answers(first, kept):
    first.chain.up = False
    again = reborn(first, kept, NEXT, first.chain.height)
    again.follower.step()
    assert again.told.last["eta"]["at"] == pytest.approx(first.chain.time_of(NEXT.height), abs=30)
    assert again.told.plans == [], "the plan itself is told by a node only"


def test_after_a_restart_remembered_blocks_serve_until_they_are_measured_anew(first, kept):
    again = reborn(first, kept, NEXT, first.chain.height)
    again.chain.asked.clear()
    again.follower.step()
    assert again.told.last["eta"]["at"] == pytest.approx(first.chain.time_of(NEXT.height), abs=30)
    assert "header" not in again.chain.asked
    again.run(120)
    assert "header" in again.chain.asked


def test_a_chain_that_began_anew_under_its_name_is_not_estimated_from_the_old_one(first, kept):
    first.chain.base += 20 - first.chain.height
    again = reborn(first, kept)
    again.run(300)
    assert kept.blocks("test-1")[-1].height < 400
    assert again.told.last["eta"]["at"] == pytest.approx(first.chain.time_of(NEXT.height), abs=60)


def test_what_was_told_before_a_restart_is_not_told_again(first, kept):
    first.chain.voting = [Plan("v3", 5000)]
    first.run(200)
    again = reborn(first, kept)
    again.run(200)
    assert not again.levels("is scheduled")
    assert not again.levels("would schedule")
    kinds = [one["kind"] for one in again.follower.document()["events"]]
    assert kinds == ["scheduled", "proposed"]


def test_what_happened_while_no_scout_ran_is_noticed(first, kept):
    first.chain.voting = [Plan("v3", 5000)]
    first.run(200)
    first.chain.voting, first.chain.plan = [], None
    again = reborn(first, kept, NEXT, first.chain.height)
    again.run(200)
    assert again.levels("voting on proposal 1 has ended") == ["info"]
    assert again.levels("is cancelled") == ["warning"]
    kinds = [one.kind for one in kept.events("test-1")]
    assert kinds == ["scheduled", "proposed", "cancelled", "voting-ended"]


def test_it_does_not_grow_however_long_it_runs(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(follower, "KEEP", 1.0)
    monkeypatch.setattr(follower, "PAST", 50)
    monkeypatch.setattr(memory, "BLOCKS", 60)
    world = World()
    world.follower._memory = kept
    world.chain.plan = Plan("v9", 10**9)
    world.run(5_000)
    assert len(world.follower._past) <= 51
    assert len(kept.blocks("test-1")) == 60
