"""What the document says after the data's identity was recorded, for the first time or anew."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    GENESIS_LINK,
    LATER,
    PLAN,
    V1,
    V2,
    V2_LINK,
    V3,
    H,
    at_least,
    exact,
    facts,
    file,
    running,
    switched,
)
from tests.support.playbook import Play

from cosmovisor.decide import commands, rebuild
from cosmovisor.model.facts import Facts
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, SeenFile, SeenFolder
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import (
    EMPTY,
    MAX_HISTORY,
    Applied,
    FileInstance,
    PlanRecord,
    ScheduleEntry,
    State,
    Step,
)
from cosmovisor.model.value import replace

LIES_THERE = FileInstance(7, 1)
OTHER_FILE = FileInstance(8, 8)
#: A document full of what belongs to the data before.
OLD = State(
    records=(PlanRecord(PLAN, halt_seen=True),),
    step=Step("switch", PLAN, V2, V1),
    b=at_least(50),
    a=at_least(50),
    log=50,
    ahead=OTHER_FILE,
    stale=OTHER_FILE,
    spawned=OTHER_FILE,
    ever_spawned=True,
    written=OTHER_FILE,
)
GENESIS_FOLDER = SeenFolder(V1, usable=True)


def look(*folders: SeenFolder, **changes: Any) -> Observations:
    seen = Play().write_plan().see(commands.GatherFacts((), node_lives=True))
    return replace(seen, **{"folders": (GENESIS_FOLDER, *folders), **changes})


def marked(version: Version, plan: Plan) -> SeenFolder:
    return SeenFolder(version, usable=True, marker=plan)


def moment(**given: Any) -> Facts:
    return facts(**{"file": file("old"), "data": "no record", **given})


def recorded(state: State = EMPTY, seen: Observations | None = None, **given: Any) -> State:
    seen = seen or look()
    return rebuild.record_data(state, seen, moment(link=seen.link, **given))


ON_V2 = look(marked(V2, PLAN), link=V2_LINK)


# -- data without a record -----------------------------------------------------------------------------------


def test_the_data_is_recorded_and_nothing_of_other_data_is_left() -> None:
    found = recorded(OLD)
    assert found.data == look().data
    assert (found.records, found.step, found.b, found.a, found.log) == ((), None, UNKNOWN, UNKNOWN, 0)
    assert (found.ahead, found.spawned, found.ever_spawned, found.written) == (None, None, False, None)
    assert found.stale == LIES_THERE


def test_what_is_not_bound_to_the_data_is_kept() -> None:
    mine = State(schedule=(ScheduleEntry(LATER, V3),), known_plan=LATER, chain_id="chain-1")
    found = recorded(mine)
    assert (found.schedule, found.known_plan, found.chain_id) == (mine.schedule, LATER, "chain-1")


@pytest.mark.parametrize(
    ("link", "given", "stale"),
    [
        (GENESIS_LINK, {"b": exact(H - 2)}, False),
        (V2_LINK, {"b": exact(H - 2)}, False),
        (GENESIS_LINK, {"b": exact(H - 1)}, True),
        (GENESIS_LINK, {"b": exact(H)}, True),
        (GENESIS_LINK, {"b": at_least(H - 2)}, True),
        (GENESIS_LINK, {}, True),
        (Link("missing"), {"b": exact(H - 2)}, True),
        (Link("dangling", V2), {"b": exact(H - 2)}, True),
        (Link("foreign"), {"b": exact(H - 2)}, True),
        (Link("missing"), {"b": exact(H), "node": running()}, False),
    ],
)
def test_a_plan_file_is_stale_unless_it_is_the_go_tools_schedule_or_a_node_lives_with_it(
    link: Link, given: dict[str, Any], stale: bool
) -> None:
    assert recorded(seen=look(link=link), **given).stale == (LIES_THERE if stale else None)


def test_without_a_plan_nothing_can_be_a_schedule() -> None:
    torn = SeenFile("incomplete", None, look().file.identity)
    assert recorded(seen=look(file=torn), b=exact(5)).stale == LIES_THERE
    assert recorded(seen=look(file=SeenFile()), b=exact(5)).stale is None


def test_the_history_is_rebuilt_from_markers_by_height() -> None:
    seen = look(
        replace(GENESIS_FOLDER, marker=Plan("x", 1)),
        marked(V3, LATER),
        marked(V2, PLAN),
        SeenFolder(V1, False),
    )
    assert recorded(seen=seen).history == (
        Applied(PLAN, V2, 0.0, note="from marker"),
        Applied(LATER, V3, 0.0, note="from marker"),
    )


def test_a_history_that_is_there_is_kept() -> None:
    mine = (Applied(PLAN, V2, 7.0),)
    assert recorded(State(history=mine), look(marked(V3, LATER))).history == mine


def test_beyond_the_bound_the_lowest_markers_are_left_out() -> None:
    plans = [Plan(f"v{height}", height) for height in range(1, MAX_HISTORY + 3)]
    seen = look(*(marked(Version(plan.name, f"upgrades/{plan.name}"), plan) for plan in plans))
    assert [line.plan for line in recorded(seen=seen).history] == plans[2:]


# -- the record of the active version ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("b", "a", "stage", "inferred"),
    [
        (exact(H + 1), UNKNOWN, "proven", False),
        (UNKNOWN, at_least(H), "proven", False),
        (exact(H), exact(H - 1), "switched", False),
        (at_least(H), UNKNOWN, "switched", False),
        (exact(H - 1), exact(H - 1), "pre-upgraded", True),
        (UNKNOWN, UNKNOWN, "pre-upgraded", True),
    ],
)
def test_how_far_the_active_version_came_is_told_by_the_heights(
    b: Evidence, a: Evidence, stage: Any, inferred: bool
) -> None:
    found = recorded(seen=ON_V2, b=b, a=a)
    assert found.records == (PlanRecord(PLAN, V2, stage, inferred, back_to=V1),)


def test_genesis_a_version_without_marker_and_no_version_have_no_record() -> None:
    marked_genesis = (replace(GENESIS_FOLDER, marker=PLAN),)
    assert recorded(seen=look(folders=marked_genesis, link=GENESIS_LINK)).records == ()
    assert recorded(seen=look(marked(V3, LATER), link=V2_LINK)).records == ()
    assert recorded(seen=look(marked(V2, PLAN), link=Link("missing"))).records == ()


@pytest.mark.parametrize(
    ("given", "back_to"),
    [
        ({"fits": (V3, V2)}, V3),
        ({"fits": (V2, V3, V1)}, V3),
        ({"fits": (V2,)}, V1),
        ({"fits": (), "usable": (V1, V2)}, V1),
        ({"fits": (V2,), "usable": (V2,)}, None),
    ],
)
def test_the_way_back_is_another_version_that_fits_else_genesis(
    given: dict[str, Any], back_to: Version | None
) -> None:
    assert recorded(seen=ON_V2, b=exact(H), **given).records[0].back_to == back_to


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        (Plan("v2", H), PLAN),
        (Plan("V2", H), PLAN),
        (Plan("v2", H + 1), Plan("v2", H + 1)),
        (Plan("v9", H), Plan("v9", H)),
    ],
)
def test_where_file_and_marker_mean_the_same_the_plan_has_the_info_of_the_file(
    marker: Plan, told: Plan
) -> None:
    assert recorded(seen=look(marked(V2, marker), link=V2_LINK)).records[0].plan == told
    absent = look(marked(V2, marker), link=V2_LINK, file=SeenFile())
    assert recorded(seen=absent).records[0].plan == marker


# -- other data ----------------------------------------------------------------------------------------------


def reset(
    state: State = OLD, seen: Observations = ON_V2, version: Version | None = V2, **given: Any
) -> State:
    return rebuild.reset_stages(
        state, seen, moment(**{"data": "other", "records": state.records, **given}), version
    )


def test_on_other_data_all_is_forgotten_and_the_file_that_lies_there_is_stale() -> None:
    found = reset(version=V1, b=exact(5))
    assert (found.data, found.records, found.step) == (ON_V2.data, (), None)
    assert (found.b, found.a, found.log) == (UNKNOWN, UNKNOWN, 0)
    assert (found.stale, found.ahead, found.spawned, found.written) == (LIES_THERE, None, None, None)


def test_on_an_older_copy_in_the_same_folders_the_memory_of_the_file_is_kept() -> None:
    found = reset(version=V1, data="same")
    assert (found.stale, found.ahead, found.spawned) == (OTHER_FILE, OTHER_FILE, None)


def test_the_start_of_a_version_above_genesis_is_inferred_until_its_height_is_seen() -> None:
    bare = replace(OLD, step=None, records=())
    assert reset(bare, b=exact(H)).records == (PlanRecord(PLAN, V2, "switched", inferred=True, back_to=V1),)
    assert reset(bare, b=exact(H + 1)).records == (PlanRecord(PLAN, V2, "proven", back_to=V1),)
    assert reset(bare, b=exact(H + 1), version=V1).records == ()


CUT = Step("pre-upgrade", PLAN, V2, V1)


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (State(), "pre-upgraded"),
        (State(step=CUT), "switched"),
        (State(step=replace(CUT, kind="switch")), "switched"),
        (State(step=replace(CUT, kind="backup")), "pre-upgraded"),
        (State(step=replace(CUT, kind="go back")), "pre-upgraded"),
        (State(step=replace(CUT, version=V3)), "pre-upgraded"),
        (State(records=(switched("switched"),)), "switched"),
        (State(records=(switched("pre-upgraded"),)), "pre-upgraded"),
        (State(records=(switched("proven"),)), "pre-upgraded"),
        (State(records=(PlanRecord(LATER, V3, "switched"),)), "pre-upgraded"),
    ],
)
def test_a_pre_upgrade_that_was_cut_or_never_begun_runs_on_other_data_too(state: State, stage: str) -> None:
    assert [one.stage for one in reset(state).records] == [stage]


def test_what_is_proven_by_the_heights_needs_no_pre_upgrade_again() -> None:
    assert [one.stage for one in reset(State(step=CUT), a=exact(H)).records] == ["proven"]


def test_in_the_same_folders_no_plan_is_taken_back_twice_and_what_is_passed_stays_so() -> None:
    back = PlanRecord(LATER, gone_back=True, halt_seen=True)
    passed = PlanRecord(Plan("v4", 50), passed=True)
    state = State(records=(PlanRecord(PLAN, halt_seen=True), back, passed))
    kept = reset(state, version=V1, data="same", b=exact(49))
    assert kept.records == (PlanRecord(LATER, gone_back=True), passed)
    assert reset(state, version=V1, data="same", b=exact(199)).records == kept.records
    assert reset(state, version=V1, data="other", b=exact(49)).records == ()


def test_what_was_passed_can_be_met_again_on_a_copy_from_below_it() -> None:
    state = State(records=(PlanRecord(PLAN, passed=True, gone_back=True),))

    def still_passed(b: Evidence) -> bool:
        return reset(state, version=V1, data="same", b=b).records[0].passed

    assert not still_passed(exact(H - 2))
    assert still_passed(exact(H - 1))
    assert still_passed(at_least(H - 2))


def test_the_active_plans_own_record_is_made_anew() -> None:
    low = PlanRecord(Plan("v1", 9), passed=True)
    found = reset(State(records=(low, PlanRecord(PLAN, passed=True))), data="same", b=exact(H))
    assert found.records == (low, PlanRecord(PLAN, V2, "switched", inferred=True, back_to=V1))


def test_a_plan_that_was_taken_back_once_stays_so_when_its_version_fits_the_copy() -> None:
    state = State(records=(PlanRecord(PLAN, gone_back=True),))
    assert reset(state, data="same", b=exact(H)).records[0].gone_back
    beside = replace(state, records=(*state.records, PlanRecord(LATER, passed=True)))
    assert reset(beside, data="same", b=exact(H)).records[-1].gone_back
    assert not reset(state, data="other", b=exact(H)).records[0].gone_back
    assert not reset(State(records=(PlanRecord(LATER, gone_back=True),)), data="same").records[-1].gone_back


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ((), None),
        ((Applied(PLAN, V2, 1.0),), PLAN),
        ((Applied(PLAN, V2, 1.0), Applied(replace(PLAN, height=7), V2, 2.0)), replace(PLAN, height=7)),
        ((Applied(PLAN, V2, 1.0), Applied(LATER, V3, 2.0)), PLAN),
        ((Applied(PLAN, V2, 1.0, note="gone back"),), None),
    ],
)
def test_without_a_marker_the_history_tells_which_plan_made_a_version_active(
    history: tuple[Applied, ...], told: Plan | None
) -> None:
    bare = look(link=V2_LINK)
    found = reset(State(history=history), bare)
    assert [one.plan for one in found.records] == ([] if told is None else [told])
    later = look(marked(V2, replace(PLAN, height=9)), link=V2_LINK)
    assert [one.plan.height for one in reset(State(history=history), later).records] == [9]
    assert reset(State(history=history), bare, version=None).records == ()


# -- markers of a future -------------------------------------------------------------------------------------


def test_markers_of_upgrades_that_the_data_has_not_seen_are_outdated() -> None:
    seen = look(
        replace(GENESIS_FOLDER, marker=LATER), marked(V2, PLAN), marked(V3, LATER), SeenFolder(V2, True)
    )
    assert rebuild.outdated_markers(seen, moment(b=exact(H - 2))) == (V2, V3)
    assert rebuild.outdated_markers(seen, moment(b=exact(H - 1))) == (V3,)
    assert rebuild.outdated_markers(seen, moment(b=exact(199))) == ()
    assert rebuild.outdated_markers(seen, moment(b=at_least(5))) == ()
