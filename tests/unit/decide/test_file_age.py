"""The plan file's time is compared with the records of the write-ahead log as coarsely as file systems keep it."""

from __future__ import annotations

import pytest

from cosmovisor.decide import file_age
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, SeenFile
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import FileIdentity
from cosmovisor.model.state import FileInstance, State

H = 24
RECORD = 1_000_000.25


def not_older(written_at: float) -> bool | None:
    identity = FileIdentity(1, 2, 200, round(written_at * 1e9), round(written_at * 1e9))
    seen = Observations(
        at=RECORD + 60,
        file=SeenFile("plan", Plan("v2", H), identity),
        data=None,
        link=Link("missing"),
        record_times=((H - 1, RECORD - 5), (H, RECORD)),
    )
    b = Evidence(H, "exact", "block store")
    return file_age.plan_file(State(), seen, b, UNKNOWN, spawned=False, at_once=False).not_older_than_block


@pytest.mark.parametrize("lag", [0.0, 0.004, 0.01, 0.25])
def test_the_clock_of_files_may_lag_behind_the_record_that_was_written_before_it(lag):
    assert not_older(RECORD - lag) is True


def test_a_file_of_an_earlier_block_is_older():
    assert not_older(RECORD - 1.5) is False


def age(
    written_at: float, *, now: float = RECORD + 60, remembered: bool = False, a: int = H - 1, b: int = H - 1
) -> str:
    stamp = round(written_at * 1e9)
    seen = Observations(
        at=now,
        file=SeenFile("plan", Plan("v2", H), FileIdentity(1, 2, 200, stamp, stamp)),
        data=None,
        link=Link("missing"),
        record_times=((H - 2, RECORD - 5), (H - 1, RECORD)),
    )
    state = State(ahead=FileInstance(2, stamp)) if remembered else State()
    store, known = Evidence(b, "exact", "rpc"), Evidence(a, "exact", "rpc")
    return file_age.plan_file(state, seen, store, known, spawned=True, at_once=False).age


@pytest.mark.parametrize("remembered", [False, True])
def test_a_file_newer_than_the_block_before_its_height_is_the_chains_whatever_a_late_answer_said(remembered):
    assert age(RECORD + 0.3, remembered=remembered) == "fresh"


@pytest.mark.parametrize("remembered", [False, True])
def test_a_file_older_than_the_block_before_its_height_is_a_schedule(remembered):
    assert age(RECORD - 3.0, remembered=remembered) == "ahead"


def test_what_is_remembered_as_a_schedule_stays_one_where_the_times_are_too_close():
    assert age(RECORD - 0.5, remembered=True) == "ahead"
    assert age(RECORD - 0.5) == "fresh"


def test_a_schedule_whose_height_is_executed_is_one_however_late_it_was_written():
    assert age(RECORD + 0.3, remembered=True, a=H) == "ahead"


@pytest.mark.parametrize("jump", [-7200.0, -30.0])
def test_records_from_before_the_clock_was_set_back_prove_nothing(jump):
    assert age(RECORD + jump + 1, now=RECORD + jump + 2) == "fresh"


def test_a_file_from_before_the_clock_was_set_back_is_not_made_the_chains_by_that():
    assert age(RECORD + 3600, now=RECORD + 5, remembered=True) == "ahead"


def judged(written_at: float = RECORD - 0.5, *, a: int = H - 1, at_once: bool = False, **given):
    """The age of a plan file with other records, another memory, or no identity."""
    stamp = round(written_at * 1e9)
    identity = FileIdentity(1, 2, 200, stamp, stamp) if given.get("exists", True) else None
    seen = Observations(
        at=RECORD + 60,
        file=SeenFile("plan", Plan("v2", H), identity),
        data=None,
        link=Link("missing"),
        record_times=given.get("records", ((H - 1, RECORD),)),
    )
    spawned = FileInstance(2, stamp) if given.get("unchanged", False) else None
    b, known = Evidence(H - 1, "exact", "rpc"), Evidence(a, "exact", "rpc")
    state, lives = State(spawned=spawned), given.get("node", True)
    return file_age.plan_file(state, seen, b, known, spawned=lives, at_once=at_once)


def test_what_the_chain_wrote_is_old_where_it_has_not_changed_since_the_spawn():
    assert judged(RECORD + 0.3).age == "fresh"
    assert judged(RECORD + 0.3, unchanged=True).age == "old"
    assert judged(RECORD + 0.3, node=False).age == "old"


def test_only_what_has_changed_was_written_in_a_short_life():
    assert judged(RECORD - 3, at_once=True).age == "fresh"
    assert judged(RECORD - 3, at_once=True, unchanged=True).age == "ahead"
    assert judged(at_once=True, unchanged=True).age == "old"


def test_a_file_without_an_identity_is_no_instance_that_is_remembered():
    found = judged(exists=False, records=())
    assert (found.age, found.ours) == ("old", False)


def test_a_file_that_was_written_just_now_is_not_from_the_future():
    assert age(RECORD + 0.3, now=RECORD + 0.5, remembered=True) == "fresh"


def test_a_record_from_the_future_does_not_hide_the_one_behind_it():
    assert judged(RECORD - 3, records=((H - 2, RECORD + 600), (H - 1, RECORD))).age == "ahead"
    assert judged(RECORD - 3, records=((H - 2, RECORD + 600),)).age == "fresh"


def test_a_file_older_than_the_record_of_its_own_height_is_a_schedule_only_if_that_is_executed():
    at_height = ((H, RECORD),)
    assert judged(RECORD - 3, records=at_height).age == "fresh"
    assert judged(RECORD - 3, records=at_height, a=H).age == "ahead"
    assert judged(RECORD - 3, records=((H + 1, RECORD),), a=H).age == "fresh"


def test_the_lag_of_a_file_is_one_second_and_no_more():
    assert judged(RECORD - 1.0).age == "ahead"
    assert judged(RECORD - 0.999).age == "fresh"
    assert not_older(RECORD - 1.0) is False
    assert not_older(RECORD - 0.999) is True


def test_the_clock_of_files_may_be_ahead_by_the_lag_and_no_more():
    for ahead, expected in ((0.5, "ahead"), (1.0, "ahead"), (1.5, "fresh")):
        assert judged(RECORD, records=((H - 1, RECORD + 60 + ahead),)).age == expected
    assert age(RECORD + 1.0, now=RECORD, remembered=True) == "fresh"
    assert age(RECORD + 1.1, now=RECORD, remembered=True) == "ahead"


def test_a_file_is_the_chains_only_if_it_is_newer_than_the_block_before_and_the_next_is_not_there():
    assert age(RECORD, remembered=True) == "ahead"
    assert age(RECORD + 0.1, remembered=True) == "fresh"
    assert age(RECORD + 0.1, remembered=True, b=H) == "fresh"
    assert age(RECORD + 0.1, remembered=True, b=H + 1) == "ahead"
