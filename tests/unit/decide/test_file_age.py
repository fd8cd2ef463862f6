"""The plan file's time is compared with the records of the write-ahead log as coarsely as file systems keep it."""

from __future__ import annotations

import pytest

from cosmovisor.decide import file_age
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, SeenFile
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import FileIdentity
from cosmovisor.model.state import State

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
