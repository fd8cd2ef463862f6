"""How the document follows what was seen and done: plan records, heights, history."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.facts import (
    LATER,
    PLAN,
    V1,
    V2,
    V2_LINK,
    V3,
    H,
    at_least,
    exact,
    exited,
    facts,
    file,
    running,
    switched,
)
from tests.support.playbook import Play

from cosmovisor.decide import commands, ledger
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import (
    MAX_HISTORY,
    MAX_RECORDS,
    Applied,
    DataIdentity,
    FileInstance,
    FolderIdentity,
    PlanRecord,
    ScheduleEntry,
    SignState,
    State,
)
from cosmovisor.model.value import replace

SEEN = PlanRecord(PLAN, halt_seen=True)
GUESSED = PlanRecord(PLAN, halt_seen=True, inferred=True)


def look(**changes: Any) -> Observations:
    return replace(Play().write_plan().see(commands.GatherFacts((), node_lives=True)), **changes)


def follow(state: State, seen: Observations | None = None, **given: Any) -> State:
    return ledger.follow(state, seen or look(), facts(records=state.records, **given))


def stage(state: State, plan: Plan = PLAN) -> str:
    return ledger.record_of(state, plan).stage


# -- records -------------------------------------------------------------------------------------------------


def test_a_plan_without_a_record_has_an_empty_one() -> None:
    assert ledger.record_of(State(records=(SEEN,)), LATER) == PlanRecord(LATER)
    assert ledger.record_of(State(records=(PlanRecord(LATER), SEEN)), PLAN) == SEEN


def test_a_record_replaces_that_of_its_plan_and_the_others_stay_by_height() -> None:
    low = PlanRecord(Plan("v1", 5))
    state = State(records=(PlanRecord(LATER), SEEN))
    assert ledger.put(state, low).records == (low, SEEN, PlanRecord(LATER))
    passed = replace(SEEN, passed=True)
    assert ledger.put(state, passed).records == (passed, PlanRecord(LATER))


def test_another_height_or_info_is_another_record() -> None:
    for other in (replace(PLAN, height=H + 1), replace(PLAN, info="other")):
        assert len(ledger.put(State(records=(SEEN,)), PlanRecord(other)).records) == 2


def test_beyond_the_bound_the_lowest_plan_falls_out() -> None:
    full = State(records=tuple(PlanRecord(Plan("x", height)) for height in range(1, MAX_RECORDS + 1)))
    heights = [one.plan.height for one in ledger.put(full, SEEN).records]
    assert heights == [*range(2, MAX_RECORDS + 1), H]


# -- what a look teaches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("remembered", "now", "expected"),
    [
        (UNKNOWN, UNKNOWN, UNKNOWN),
        (UNKNOWN, Evidence(7, "exact", "rpc", 3.0), Evidence(7, "at least", "own record", 3.0)),
        (at_least(6), Evidence(7, "at least", "rpc", 3.0), Evidence(7, "at least", "own record", 3.0)),
        (at_least(6), Evidence(7, "exact", "cs.wal", 3.0), Evidence(7, "at least", "own record", 3.0)),
        (at_least(7), exact(7), at_least(7)),
        (at_least(8), exact(7), at_least(8)),
        (at_least(8), UNKNOWN, at_least(8)),
    ],
)
def test_a_remembered_height_never_falls_and_is_only_at_least(
    remembered: Evidence, now: Evidence, expected: Evidence
) -> None:
    assert follow(State(b=remembered), b=now).b == expected
    assert follow(State(a=remembered), a=now).a == expected


def test_the_log_is_remembered_by_its_highest_record() -> None:
    wal = Evidence(9, "at least", "cs.wal")
    assert follow(State(log=3), look(b=wal)).log == 9
    assert follow(State(log=12), look(b=wal)).log == 12
    assert follow(State(log=3), look(b=exact(9))).log == 3
    assert follow(State(log=3), look(b=exact(9), record_times=((5, 1.0), (6, 2.0)))).log == 6
    assert follow(State(), look(b=exact(9))).log == 0


def test_data_chain_and_sign_state_are_learned() -> None:
    folder = FolderIdentity(1, 1, 1)
    signed = SignState("chain-1", "key", 5, 0, 1)
    state = State(data=DataIdentity(folder), chain_id="chain-0")
    learned = follow(state, look(chain_id="chain-1", sign_state=signed))
    assert learned.data == DataIdentity(folder, folder, folder)
    assert (learned.chain_id, learned.sign_states) == ("chain-1", (signed,))
    assert follow(state, look(chain_id="")).chain_id == "chain-0"


@pytest.mark.parametrize("before", ["switched", "pre-upgraded"])
def test_a_switch_is_proven_by_a_height_above_its_block(before: str) -> None:
    state = State(records=(switched(before),))
    on_v2 = {"link": V2_LINK}
    assert stage(follow(state, **on_v2, a=exact(H - 1), b=exact(H))) == before
    assert stage(follow(state, **on_v2, a=exact(H))) == "proven"
    assert stage(follow(state, **on_v2, b=exact(H + 1))) == "proven"
    assert stage(follow(state, a=exact(H))) == before, "another version is active"


def test_a_plan_that_was_never_switched_to_is_not_proven_while_no_version_is_active() -> None:
    lost = {"link": replace(V2_LINK, kind="missing", version=None)}
    assert follow(State(records=(SEEN,)), a=exact(H), **lost).records == (SEEN,)


def test_a_switch_is_proven_by_a_later_plan_that_the_new_program_has_written() -> None:
    state = State(records=(switched(),))
    on_v2 = {"link": V2_LINK, "b": exact(H)}
    assert stage(follow(state, **on_v2, file=file("fresh", LATER))) == "proven"
    assert stage(follow(state, **on_v2, file=file("old", LATER))) == "pre-upgraded"
    assert stage(follow(state, **on_v2, file=file("fresh", Plan("v1", H - 1)))) == "pre-upgraded"
    assert stage(follow(state, **on_v2, file=file("fresh", Plan("v3", H)))) == "pre-upgraded"


def test_a_plan_whose_program_was_put_in_place_by_hand_is_proven_once_its_height_is_executed() -> None:
    by_hand = {"file": file("old"), "link": V2_LINK}
    found = follow(State(), **by_hand, a=exact(H))
    assert found.records == (PlanRecord(PLAN, V2, "proven"),)
    assert follow(State(), **by_hand, a=exact(H - 1)).records == ()
    assert follow(State(), file=file("old"), a=exact(H)).records == (), "genesis is active"
    assert follow(State(), **by_hand, a=exact(H), skip=(H,)).records == ()
    passed = State(records=(PlanRecord(PLAN, passed=True),))
    assert follow(passed, **by_hand, a=exact(H)).records == passed.records
    assert follow(State(), link=V2_LINK, a=exact(H)).records == (), "no plan file tells whose it is"


def test_what_by_hand_is_proven_keeps_what_was_recorded_of_its_halt() -> None:
    found = follow(State(records=(SEEN,)), file=file("old"), link=V2_LINK, a=exact(H))
    assert found.records == (replace(SEEN, version=V2, stage="proven"),)


def test_a_version_that_nobody_knows_is_never_the_program_of_an_unplaced_plan() -> None:
    lost = {"link": replace(V2_LINK, kind="missing", version=None), "prospects": ()}
    assert follow(State(), file=file("old"), a=exact(H), **lost).records == ()


@pytest.mark.parametrize("record", [SEEN, GUESSED])
def test_a_halt_that_was_seen_is_refuted_by_a_height_below_it(record: PlanRecord) -> None:
    state = State(records=(record,))
    forgotten = (PlanRecord(PLAN),)
    assert follow(state, b=exact(H - 2)).records == forgotten
    assert follow(state, b=exact(H - 2), node=exited()).records == forgotten
    assert follow(state, b=exact(H - 2), node=running()).records == forgotten
    assert follow(state, b=exact(H - 1)).records == state.records
    assert follow(state, b=at_least(H - 2)).records == state.records
    still = running(progress="still")
    assert follow(state, b=exact(H - 2), node=still).records == state.records, "the RPC can be late"
    ended = exited(progress="still")
    assert follow(state, b=exact(H - 2), node=ended).records == forgotten


def test_only_a_halt_is_refuted_and_never_a_switch() -> None:
    for record in (switched(halt_seen=True), PlanRecord(PLAN, passed=True, inferred=True)):
        assert follow(State(records=(record,)), b=exact(H - 2)).records == (record,)


def test_each_record_is_followed_for_itself() -> None:
    later = PlanRecord(LATER, V3, "switched")
    state = State(records=(switched("proven"), later))
    on_v3 = facts(records=state.records, link=replace(V2_LINK, version=V3), a=exact(200))
    found = ledger.follow(state, look(), on_v3)
    assert [one.stage for one in found.records] == ["proven", "proven"]
    first_seen = State(records=(SEEN, PlanRecord(LATER, halt_seen=True)))
    assert [one.halt_seen for one in follow(first_seen, b=exact(H)).records] == [True, False]


@pytest.mark.parametrize(
    ("skip", "a", "is_passed"),
    [((H,), exact(H), True), ((H,), exact(H - 1), False), ((200,), exact(H), False), ((H,), UNKNOWN, False)],
)
def test_an_entry_that_the_arguments_skip_stays_skipped_once_its_height_is_executed(
    skip: tuple[int, ...], a: Evidence, is_passed: bool
) -> None:
    state = State(schedule=(ScheduleEntry(PLAN, V2),))
    found = ledger.follow(state, look(), facts(schedule=state.schedule, skip=skip, a=a))
    assert found.records == ((PlanRecord(PLAN, passed=True),) if is_passed else ())


# -- what is journalled --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "inferred", "after"),
    [
        (PlanRecord(PLAN), False, SEEN),
        (PlanRecord(PLAN), True, GUESSED),
        (GUESSED, False, SEEN),
        (GUESSED, True, GUESSED),
        (SEEN, True, SEEN),
        (SEEN, False, SEEN),
        (switched(), False, switched()),
        (switched("proven"), True, switched("proven")),
    ],
)
def test_a_halt_is_journalled_once_and_inferred_evidence_gives_way_to_better(
    before: PlanRecord, inferred: bool, after: PlanRecord
) -> None:
    assert ledger.halt(State(records=(before,)), PLAN, inferred=inferred).records == (after,)


def test_what_is_passed_is_no_halt_any_more() -> None:
    assert ledger.passed(State(records=(GUESSED,)), PLAN).records == (
        PlanRecord(PLAN, inferred=True, passed=True),
    )


def test_the_instance_that_lies_there_is_remembered_as_written_ahead() -> None:
    assert ledger.remember_ahead(State(), look()).ahead == FileInstance(7, 1)


@pytest.mark.parametrize("inferred", [True, False])
def test_a_switch_names_its_version_and_the_way_back(inferred: bool) -> None:
    found = ledger.switched(State(records=(SEEN,)), PLAN, V2, V1, inferred=inferred)
    assert found.records == (PlanRecord(PLAN, V2, "switched", inferred=inferred, halt_seen=True, back_to=V1),)


def test_pre_upgraded_follows_switched() -> None:
    assert ledger.pre_upgraded(State(records=(switched("switched"),)), PLAN).records == (switched(),)


@pytest.mark.parametrize("before", ["switched", "pre-upgraded"])
def test_an_undone_switch_leaves_its_halt_seen(before: str) -> None:
    state = State(records=(switched(before, halt_seen=True, inferred=True),))
    assert ledger.undone(state, PLAN).records == (GUESSED,)


@pytest.mark.parametrize("record", [SEEN, switched("proven")])
def test_what_was_never_switched_or_is_executed_cannot_be_undone(record: PlanRecord) -> None:
    state = State(records=(replace(record, back_to=V1),))
    assert ledger.undone(state, PLAN) == state


DONE = (Applied(Plan("v1", 5), V1, 1.0), Applied(PLAN, V2, 2.0))


def test_the_first_launch_of_the_last_version_tells_how_long_the_node_was_down() -> None:
    found = ledger.launched_after(State(history=(DONE[0], *DONE)), V2, 7.5)
    assert found.history == (DONE[0], DONE[0], replace(DONE[1], downtime=7.5))


@pytest.mark.parametrize(
    ("history", "version"),
    [
        ((), V2),
        ((), None),
        (DONE, V1),
        ((DONE[1], DONE[0]), V2),
        ((replace(DONE[1], downtime=3.0),), V2),
        ((replace(DONE[1], note="from marker"),), V2),
        ((replace(DONE[1], note="gone back"),), V2),
    ],
)
def test_a_downtime_that_is_known_or_belongs_to_another_launch_is_left_alone(
    history: tuple[Applied, ...], version: Version | None
) -> None:
    state = State(history=history)
    assert ledger.launched_after(state, version, 7.5) == state


def test_what_was_taken_back_is_written_into_the_history_and_never_taken_back_again() -> None:
    state = State(records=(switched(halt_seen=True, inferred=True),))
    found = ledger.gone_back(state, PLAN, 7.0)
    assert found.records == (PlanRecord(PLAN, gone_back=True, back_to=V1),)
    assert found.history == (Applied(PLAN, V2, 7.0, proven=False, note="gone back"),)


def test_a_plan_without_a_version_is_taken_back_without_a_line() -> None:
    found = ledger.gone_back(State(), PLAN, 7.0)
    assert (found.records, found.history) == ((PlanRecord(PLAN, gone_back=True),), ())


def test_the_history_grows_at_its_end_and_keeps_twice_its_bound() -> None:
    line = Applied(PLAN, V2, 1.0)
    assert ledger.add_history(State(history=(line,)), replace(line, at=2.0)).history == (
        line,
        replace(line, at=2.0),
    )
    full = State(history=tuple(replace(line, at=float(at)) for at in range(2 * MAX_HISTORY)))
    times = [one.at for one in ledger.add_history(full, replace(line, at=-1.0)).history]
    assert times == [*(float(at) for at in range(1, 2 * MAX_HISTORY)), -1.0]


def test_what_only_the_log_tells_is_not_remembered() -> None:
    logged = Evidence(7, "at least", "cs.wal", 3.0)
    assert follow(State(b=at_least(6)), b=logged).b == at_least(6)
    assert follow(State(), b=logged).b == UNKNOWN


def test_a_switch_that_is_done_again_has_its_line_already_unless_it_was_taken_back() -> None:
    line = Applied(PLAN, V2, 1.0)
    once = ledger.add_switch(State(), line)
    assert once.history == (line,)
    assert ledger.add_switch(once, replace(line, at=2.0)) == once
    for other in (replace(line, plan=LATER), replace(line, version=V3)):
        assert ledger.add_switch(once, other).history == (line, other)
    longer = replace(once, history=(replace(line, plan=LATER, version=V3), line))
    assert ledger.add_switch(longer, line) == longer
    back = replace(once, history=(replace(line, note="gone back"),))
    assert ledger.add_switch(back, line).history == (*back.history, line)
