"""How facts are made of what is seen and what is remembered."""

from __future__ import annotations

import pytest
from tests.support.facts import (
    GENESIS_LINK,
    PLAN,
    V1,
    V2,
    V2_LINK,
    V3,
    H,
    at_least,
    exact,
    exited,
    running,
    switched,
)
from tests.support.playbook import Play

from cosmovisor.decide import commands
from cosmovisor.decide.fits import fits, known_switches
from cosmovisor.decide.frozen import compare_data, facts_of, learn_data, merge, rolled_back
from cosmovisor.model.facts import Facts, NodeFact
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, Prospect, SeenFolder
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import NotStaged
from cosmovisor.model.state import Applied, DataIdentity, FileInstance, FolderIdentity, PlanRecord, State
from cosmovisor.model.value import replace

TWIN = Version("V2", "upgrades/V2")


def folder(device: int = 1, inode: int = 1, born: int = 1) -> FolderIdentity:
    return FolderIdentity(device, inode, born)


ALL = DataIdentity(folder(), folder(), folder())


def look(**changes: object) -> Observations:
    return replace(Play().write_plan().see(commands.GatherFacts((), node_lives=True)), **changes)


def frozen(state: State | None = None, node: NodeFact | None = None, **changes: object) -> Facts:
    return facts_of(state or State(data=ALL), look(**changes), node or NodeFact(), ())


@pytest.mark.parametrize(
    ("recorded", "seen", "expected"),
    [
        (None, None, "missing"),
        (ALL, None, "missing"),
        (ALL, DataIdentity(None), "missing"),
        (None, ALL, "no record"),
        (ALL, ALL, "same"),
        (DataIdentity(folder()), ALL, "same"),
        (ALL, DataIdentity(folder()), "other"),
        (ALL, DataIdentity(folder(device=2), folder(), folder()), "other"),
        (ALL, DataIdentity(folder(inode=2), folder(), folder()), "other"),
        (ALL, DataIdentity(folder(born=2), folder(), folder()), "other"),
        (ALL, DataIdentity(folder(born=0), folder(), folder()), "same"),
        (DataIdentity(folder(born=0)), ALL, "same"),
        (ALL, DataIdentity(folder(), folder(inode=2), folder()), "other"),
        (ALL, DataIdentity(folder(), folder(), folder(inode=2)), "other"),
    ],
)
def test_data_is_told_by_three_folders(
    recorded: DataIdentity | None, seen: DataIdentity | None, expected: str
) -> None:
    assert compare_data(recorded, seen) == expected


def test_databases_that_appear_later_are_learned() -> None:
    assert learn_data(DataIdentity(folder()), ALL) == ALL
    assert learn_data(ALL, DataIdentity(folder(inode=9))) == ALL
    assert learn_data(None, ALL) is None
    assert learn_data(ALL, None) == ALL


@pytest.mark.parametrize(
    ("seen", "remembered", "expected"),
    [
        (exact(5), UNKNOWN, exact(5)),
        (UNKNOWN, UNKNOWN, UNKNOWN),
        (exact(5), at_least(5), exact(5)),
        (exact(5), at_least(6), at_least(6)),
        (at_least(7), at_least(6), at_least(7)),
        (UNKNOWN, at_least(6), at_least(6)),
    ],
)
def test_what_was_seen_is_joined_with_what_is_remembered(
    seen: Evidence, remembered: Evidence, expected: Evidence
) -> None:
    assert merge(seen, remembered) == expected


def test_an_older_copy_is_told_by_two_blocks_or_a_shorter_log() -> None:
    assert rolled_back(exact(8), at_least(10), 0)
    assert not rolled_back(exact(9), at_least(10), 0)
    assert not rolled_back(at_least(8), at_least(10), 0)
    assert not rolled_back(UNKNOWN, at_least(10), 0)
    log = Evidence(8, "at least", "cs.wal")
    assert rolled_back(log, UNKNOWN, 10)
    assert not rolled_back(log, UNKNOWN, 9)
    assert not rolled_back(replace(log, source="own record"), UNKNOWN, 10)


def test_what_is_bound_to_other_data_is_left_out() -> None:
    state = State(
        data=ALL,
        records=(switched(),),
        b=at_least(50),
        a=at_least(50),
        ahead=FileInstance(7, 1),
        stale=FileInstance(7, 1),
    )
    mine = frozen(state)
    assert (mine.records, mine.b.height, mine.a.height, mine.file.age) == (state.records, 50, 50, "stale")
    other = frozen(replace(state, data=DataIdentity(folder(inode=9))))
    assert (other.data, other.records, other.b, other.a, other.file.age) == (
        "other",
        (),
        UNKNOWN,
        UNKNOWN,
        "old",
    )


def test_data_below_what_we_saw_is_other_data_unless_the_node_runs() -> None:
    state = State(data=ALL, b=at_least(50))
    low = {"b": exact(5)}
    assert frozen(state, **low).data == "other"
    assert frozen(state, exited(), **low).data == "other"
    assert frozen(state, running(), **low).data == "same"


def test_a_block_above_the_start_is_progress_and_no_end_at_once() -> None:
    node = exited(at_once=True, start_b=exact(10))
    assert frozen(node=node, b=exact(10)).node.at_once
    found = frozen(node=node, b=exact(11)).node
    assert (found.at_once, found.progressed) == (False, True)
    assert frozen(node=replace(node, start_b=at_least(10)), b=exact(11)).node.at_once
    assert frozen(node=running(at_once=True, start_b=exact(10)), b=exact(11)).node.at_once


def test_fresh_needs_a_spawn_and_a_change_since() -> None:
    spawned = State(data=ALL, ever_spawned=True, spawned=FileInstance(7, 1))
    assert frozen(spawned).file.age == "old"
    assert frozen(replace(spawned, spawned=None)).file.age == "fresh"
    assert frozen(replace(spawned, spawned=None, ever_spawned=False)).file.age == "old"
    assert frozen(State(data=ALL), running()).file.age == "fresh"
    assert frozen(State(data=ALL, written=FileInstance(7, 1))).file.ours
    assert not frozen(State(data=ALL)).file.ours


def test_what_a_node_wrote_in_a_short_life_at_the_height_is_fresh_whatever_the_clock_says() -> None:
    times = ((H - 1, 10.0),)
    at_height = exited(at_once=True, start_b=at_least(H))
    assert frozen(node=at_height, record_times=times).file.age == "fresh"
    for node in (
        exited(at_once=True, start_b=at_least(H - 2)),
        replace(at_height, at_once=False),
        replace(at_height, ever_up=True),
        running(at_once=True, start_b=at_least(H)),
    ):
        assert frozen(node=node, record_times=times).file.age == "ahead"
    assert frozen(node=exited(at_once=True, start_b=at_least(H - 1)), record_times=times).file.age == "fresh"


def test_a_link_makes_a_version_active_or_none() -> None:
    for link, version in (
        (GENESIS_LINK, V1),
        (V2_LINK, V2),
        (Link("dangling", V2), None),
        (Link("missing"), None),
        (Link("foreign"), Version("current", "current")),
    ):
        assert frozen(link=link).link.version == version


def folders(marker: Plan | None, *, twin: str | None = None, usable: bool = True) -> tuple[SeenFolder, ...]:
    found = (SeenFolder(V1, usable=True), SeenFolder(V2, usable=usable, marker=marker, digest="1"))
    return found if twin is None else (*found, SeenFolder(TWIN, usable=True, digest=twin))


@pytest.mark.parametrize(
    ("link", "marker", "expected"),
    [
        (GENESIS_LINK, None, True),
        (Link("foreign"), None, True),
        (Link("missing"), None, True),
        (V2_LINK, None, False),
        (V2_LINK, PLAN, True),
        (V2_LINK, Plan("V2", H), True),
        (V2_LINK, Plan("v2", H + 1), False),
        (V2_LINK, Plan("v9", H), False),
    ],
)
def test_the_marker_is_that_of_the_files_plan(link: Link, marker: Plan | None, expected: bool) -> None:
    assert frozen(link=link, folders=folders(marker)).marker is expected


def test_the_folder_of_the_files_plan_is_found_among_others() -> None:
    others = (Prospect(Plan("v3", 200), V3, NotStaged("no")), Prospect(PLAN, V2, NotStaged("no")))
    wrong = folders(Plan("v9", H))
    assert not frozen(link=V2_LINK, folders=wrong, prospects=others).marker


def test_a_marker_of_an_active_version_that_the_file_does_not_speak_of_is_taken_as_it_is() -> None:
    other = look(link=Link("version", V3), folders=(SeenFolder(V3, usable=True, marker=Plan("v3", 7)),))
    assert facts_of(State(data=ALL), other, NodeFact(), ()).marker
    from cosmovisor.model.observations import SeenFile

    assert frozen(link=V2_LINK, folders=folders(Plan("v9", 3)), file=SeenFile()).marker


def test_twins_are_usable_folders_of_the_open_plan_with_other_programs() -> None:
    assert frozen(folders=folders(None, twin="2")).twins == (V2, TWIN)
    assert frozen(folders=folders(None, twin="1")).twins == ()
    assert frozen(folders=folders(None)).twins == ()
    assert frozen(folders=folders(None, twin="2", usable=False)).twins == ()
    passed = State(data=ALL, records=(PlanRecord(PLAN, passed=True),))
    assert frozen(passed, folders=folders(None, twin="2")).twins == ()


# -- what fits ---------------------------------------------------------------------------------------------

SWITCHES = ((10, V2), (20, V3))


@pytest.mark.parametrize(
    ("b", "a", "expected"),
    [
        (UNKNOWN, UNKNOWN, ()),
        (exact(0), UNKNOWN, (V1,)),
        (exact(5), UNKNOWN, (V1,)),
        (exact(8), UNKNOWN, (V1,)),
        (exact(9), UNKNOWN, (V1, V2)),
        (exact(10), UNKNOWN, (V1, V2)),
        (exact(10), exact(10), (V2,)),
        (exact(11), UNKNOWN, (V2,)),
        (exact(19), UNKNOWN, (V2, V3)),
        (exact(21), UNKNOWN, (V3,)),
        (at_least(5), UNKNOWN, (V1, V2, V3)),
        (at_least(11), UNKNOWN, (V2, V3)),
        (UNKNOWN, at_least(20), (V3,)),
        (UNKNOWN, at_least(9), (V1, V2, V3)),
    ],
)
def test_versions_fit_by_the_heights_of_their_switches(
    b: Evidence, a: Evidence, expected: tuple[Version, ...]
) -> None:
    assert fits(SWITCHES, b, a, GENESIS_LINK) == expected


def test_without_any_switch_nothing_is_known_and_an_untold_version_never_contradicts() -> None:
    assert fits((), exact(5), UNKNOWN, GENESIS_LINK) == ()
    assert fits((), exact(0), UNKNOWN, V2_LINK) == (V1,), "no node has ever run on this data"
    assert fits((), exact(1), UNKNOWN, V2_LINK) == ()
    unknown = Link("version", Version("v9", "upgrades/v9"))
    assert fits(SWITCHES, exact(5), UNKNOWN, unknown) == (V1, unknown.version)
    assert fits(SWITCHES, exact(5), UNKNOWN, Link("missing")) == (V1,)
    assert fits(((10, V2), (30, V2)), exact(29), UNKNOWN, V2_LINK) == (V2,)


def test_switches_come_from_records_history_and_markers() -> None:
    record = PlanRecord(Plan("v3", 20), V3, "switched")
    line = Applied(Plan("v2", 10), V2, 0.0)
    found = known_switches((record,), (line,), ())
    assert found == SWITCHES
    assert known_switches((), (), (SeenFolder(V2, usable=True, marker=Plan("v2", 10)),)) == ((10, V2),)
    assert known_switches((), (), (SeenFolder(V1, usable=True, marker=Plan("x", 10)),)) == ()
    assert known_switches((replace(record, stage="none"),), (), ()) == ()
    assert known_switches((replace(record, version=None),), (), ()) == ()
    for note in ("gone back", "passed"):
        assert known_switches((), (line, replace(line, note=note)), ()) == ()
    assert known_switches((), (replace(line, note="from marker"),), ()) == ((10, V2),)
