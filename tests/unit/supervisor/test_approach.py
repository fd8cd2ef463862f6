from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.supervisor.conftest import make_context

from cosmovisor.decide.machine import Machine
from cosmovisor.decide.policy import Policy
from cosmovisor.decide.run import begin
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, Prospect, SeenFile
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, NotStaged, StagedBinary
from cosmovisor.model.value import replace
from cosmovisor.supervisor import approach, program
from cosmovisor.supervisor.context import Context

PLAN = Plan("v2", 1000)
V2 = Version("v2", "upgrades/v2")
STAGED = StagedBinary(PLAN, V2, "p", "d", FileIdentity(0, 0, 0, 0, 0), "hand", "hand")


class Stager:
    def __init__(self) -> None:
        self.rechecked: list[Plan] = []

    def recheck(self, plan: Plan) -> None:
        self.rechecked.append(plan)


class Started:
    def __init__(self) -> None:
        self.all: list[list[str]] = []
        self.ended: Any = None

    def __call__(self, argv: list[str], _environ: object, _line: object, ended: Any, given: bytes) -> object:
        self.all.append(argv)
        self.ended = ended
        assert json.loads(given)["name"] == "v2"
        return object()


def near(height: int, staged: StagedBinary | NotStaged = STAGED) -> tuple[Machine, Observations]:
    run = replace(begin(0.0, GENESIS_VERSION, UNKNOWN, first_launch=False), interval=6.0)
    seen = Observations(
        1.0,
        SeenFile(),
        None,
        Link("genesis"),
        b=Evidence(height, "exact", "rpc", 1.0),
        prospects=(Prospect(PLAN, V2, staged),),
    )
    return Machine(Policy(), phase="running", run=run, lives=True), seen


def test_digest_and_copy_are_done_half_an_hour_before_and_again_shortly_before(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, stager = Started(), Stager()
    monkeypatch.setattr(program, "Program", started)
    watched = approach.Approach(context, stager, lambda *_: None)  # type: ignore[arg-type]
    watched.look(*near(600))
    assert started.all == []
    stager.rechecked.clear()
    watched.look(*near(700))
    watched.look(*near(701))
    assert stager.rechecked == [PLAN]
    assert len(started.all) == 1
    assert started.all[0][1:3] == ["-m", "cosmovisor.supervisor.copying_ahead"]
    assert started.all[0][3] == context.node_home
    started.ended(0)
    watched.look(*near(970))
    watched.look(*near(971))
    assert len(started.all) == 2
    assert stager.rechecked == [PLAN, PLAN]


def test_a_day_before_it_is_only_checked_so_that_there_is_time_to_free_space(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, stager = Started(), Stager()
    monkeypatch.setattr(program, "Program", started)
    watched = approach.Approach(context, stager, lambda *_: None)  # type: ignore[arg-type]
    early, seen = near(100)
    slow = replace(early, run=replace(early.run, interval=100.0))
    watched.look(slow, seen)
    assert stager.rechecked == []
    near_enough = near(137)[1]
    watched.look(slow, near_enough)
    watched.look(slow, near_enough)
    assert (started.all, stager.rechecked) == ([], [PLAN])


@pytest.mark.parametrize("height", [1000, 1001])
def test_at_and_above_the_height_nothing_begins(
    context: Context, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    started, stager = Started(), Stager()
    monkeypatch.setattr(program, "Program", started)
    watched = approach.Approach(context, stager, lambda *_: None)  # type: ignore[arg-type]
    watched.look(*near(height))
    assert (started.all, stager.rechecked) == ([], [])


def test_nothing_is_copied_for_a_binary_that_is_not_there_or_without_a_backup(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, stager = Started(), Stager()
    monkeypatch.setattr(program, "Program", started)
    waived = approach.Approach(make_context(home, cosmovisor_backup="off"), stager, lambda *_: None)  # type: ignore[arg-type]
    waived.look(*near(900))
    watched = approach.Approach(make_context(home), stager, lambda *_: None)  # type: ignore[arg-type]
    watched.look(*near(900, NotStaged("not there")))
    assert started.all == []


def test_the_copying_process_answers_in_lines(context: Context) -> None:
    (Path(context.data) / "priv_validator_state.json").write_text("{}")
    done = subprocess.run(
        [sys.executable, "-m", "cosmovisor.supervisor.copying_ahead", context.node_home],
        input='{"name":"v2","height":5,"info":""}\n',
        env=context.environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"bytes": 0}
