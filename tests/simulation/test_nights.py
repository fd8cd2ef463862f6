"""Seeded upgrade nights in made-up time: the real supervisor code, every fault, and the laws after each."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cosmovisor.decide import acting, schedule, steps
from cosmovisor.decide import events as happenings
from cosmovisor.decide.words import due, is_open
from cosmovisor.model.decision import Decision
from cosmovisor.model.value import replace
from cosmovisor.supervisor import context as contexts
from cosmovisor.supervisor import effects, launch, stager
from cosmovisor.supervisor import steps as carrying_out
from tests.simulation import night, seams
from tests.simulation.faults import Faults
from tests.simulation.night import Outcome, play
from tests.simulation.script import Script, of

NIGHTS, AT_ONCE = 2000, 50


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("nights"))


@pytest.mark.parametrize("first", range(0, NIGHTS, AT_ONCE))
def test_every_night_ends_well(first: int, place: str) -> None:
    for seed in range(first, first + AT_ONCE):
        outcome = play(seed, place)
        assert not outcome.violations, (
            f"{outcome.violations[:3]} with {outcome.faults}; "
            f"to see it: python -m tests.simulation --replay {seed}\n" + "\n".join(outcome.story[-40:])
        )


def test_a_seed_replays_exactly_also_in_another_process(place: str) -> None:
    for seed in (2, 7):
        assert play(seed, place).story == play(seed, place).story
    told = []
    for hashing in ("1", "2"):
        command = [sys.executable, "-m", "tests.simulation", "--replay", "7"]
        environ = {**os.environ, "PYTHONHASHSEED": hashing}
        told.append(subprocess.run(command, env=environ, capture_output=True, check=True, timeout=120).stdout)
    assert told[0] == told[1]
    assert b"start of v3" in told[0]


def optimistic(script: Script) -> bool:
    quiet = not script.faults and not script.twist and not script.habits.behind
    return quiet and script.has_log and script.habits.optimistic == "stops"


def test_answers_of_one_block_ago_do_not_make_a_halt_a_schedule(place: str, planted: Any) -> None:
    def late(real: Any) -> Any:
        heights: list[int] = []

        def answer(method: str, height: int, *who: Any) -> Any:
            if method == "status" and height not in heights:
                heights.append(height)
                height = heights[-2] if len(heights) > 1 else height
            return real(method, height, *who)

        return answer

    planted(seams, "_answer", late)
    nights = [seed for seed in range(3000) if optimistic(of(seed, random.Random(seed)))]
    assert len(nights) >= 8
    for seed in nights[:8]:
        assert play(seed, place).violations == [], seed


class Watched(night.Night):
    """A night that notes when the chain writes its file and when the next binary is started."""

    def write_plan_file(self, plan: Any) -> None:
        self.halts = [*getattr(self, "halts", []), self.loop.now]
        super().write_plan_file(plan)

    def start_process(self, version: str, halt: int = 0) -> int:
        self.starts = [*getattr(self, "starts", []), (version, self.loop.now)]
        return super().start_process(version, halt)


def calm(script: Script) -> bool:
    return (
        not script.faults and not script.twist and not script.habits.behind and not script.habits.optimistic
    )


def silent_nights(place: str, planted: Any) -> Iterator[Watched]:
    """Return calm nights with an RPC that never answers, and a log and a block store that can be read."""
    planted(Faults, "rpc", lambda _: lambda _: "silent")
    planted(night, "PATIENCE", lambda _: 900.0)
    fits = [seed for seed in range(300) if calm(of(seed, random.Random(seed)))]
    for seed in fits[:8]:
        watched = Watched(seed, place)
        watched.script.has_log = watched.script.has_store = True
        watched.chain.habits = dataclasses.replace(watched.script.habits, exits=False)
        yield watched


def test_a_silent_rpc_costs_one_settle_time_where_the_log_tells_the_halt(place: str, planted: Any) -> None:
    took = []
    for watched in silent_nights(place, planted):
        assert watched.run().violations == [], watched.outcome.seed
        first = next(at for version, at in watched.starts if version == "v2")
        took.append(first - watched.halts[0])
    assert max(took) < 35.0, took


def test_a_log_that_was_there_before_the_databases_hides_no_halt(place: str, planted: Any) -> None:
    for watched in silent_nights(place, planted):
        watched.chain.data.records.append((watched.goal + 50, night.EPOCH - 1000.0))
        assert watched.run().violations == [], watched.outcome.seed


# -- the judge sees what is wrong: each rule that is broken on purpose is told within some nights -----------


def first_violation(place: str, most: int = 60, fits: Callable[[Script], bool] = bool) -> str:
    """Return what the first night that goes wrong has shown, of those whose script fits."""
    for seed in range(most):
        if not fits(of(seed, random.Random(seed))):
            continue
        outcome: Outcome = play(seed, place)
        if outcome.violations:
            return outcome.violations[0]
    return ""


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any, str, Any], None]]:
    def plant(where: Any, name: str, new: Any) -> None:
        monkeypatch.setattr(where, name, new(getattr(where, name)))

    monkeypatch.setattr(night, "PATIENCE", 60.0)
    return plant


def test_due_on_a_plan_that_is_only_seen_is_too_early(place: str, planted: Any) -> None:
    def too_soon(real: Any) -> Any:
        def decide(facts: Any) -> Decision:
            plan = facts.file.plan
            if plan is not None and is_open(facts, plan):
                return due(facts, plan, "planted", "it is planned", proven=True)
            return real(facts)

        return decide

    planted(acting, "decide_running", too_soon)
    found = first_violation(place, 200, lambda script: script.twist == "written ahead")
    assert "is started too early, as proven" in found


def test_a_start_of_the_old_binary_after_the_halt_is_told(place: str, planted: Any) -> None:
    def by_the_link(real: Any) -> Any:
        def decide(facts: Any) -> Decision:
            found = real(facts)
            if found.do in {"upgrade", "hold"} and facts.link.version is not None:
                return Decision("launch", "planted", "as the link says", version=facts.link.version)
            return found

        return decide

    planted(acting, "decide_launch", by_the_link)

    def fits(script: Script) -> bool:
        return any(fault.kind in {"kill both", "power"} for fault in script.faults)

    assert "is started after the halt of v2 was journalled" in first_violation(place, 200, fits)


def test_two_nodes_at_once_are_told(place: str, planted: Any) -> None:
    planted(launch, "_beginning", lambda _: lambda *_: happenings.Started(0.0))
    planted(
        seams,
        "_Lock",
        lambda real: type("Lock", (real,), {"__init__": lambda self, *_: setattr(self, "fd", -1)}),
    )
    assert first_violation(place) == "two nodes at once"


def test_a_plan_file_that_is_changed_is_told(place: str, planted: Any) -> None:
    def tidy(real: Any) -> Any:
        def switch(context: Any, *given: Any) -> None:
            real(context, *given)
            # One byte more: the same plan to every reader, but no longer what the chain has written.
            with open(context.plan_file, "ab") as file:
                file.write(b"\n")

        return switch

    planted(effects, "switch", tidy)
    assert "the plan file was changed" in first_violation(place, 5)


def test_an_upgrade_without_a_backup_is_told(place: str, planted: Any) -> None:
    planted(contexts, "policy", lambda real: lambda *given: replace(real(*given), backup_waived="planted"))
    assert first_violation(place, 5) == "v2 is started without a backup"


def test_an_upgrade_without_its_pre_upgrade_is_told(place: str, planted: Any) -> None:
    def hurry(real: Any) -> Any:
        def run_step(turn: Any, step: Any) -> None:
            if step.kind == "pre-upgrade":
                steps._finished(turn, step)
            else:
                real(turn, step)

        return run_step

    planted(steps, "run_step", hurry)
    assert first_violation(place, 5) == "v2 is started before its pre-upgrade has finished"


def test_an_upgrade_that_is_missed_is_told(place: str, planted: Any) -> None:
    def blind(_: Any) -> Any:
        return lambda facts: Decision("wait", "planted", "nothing is ever due")

    planted(acting, "decide_running", blind)
    assert "the node never got past" in first_violation(place, 5)


def test_a_launch_on_a_lower_sign_state_is_told(place: str, planted: Any) -> None:
    planted(contexts, "policy", lambda real: lambda *given: replace(real(*given), sign_gate=False))

    def fits(script: Script) -> bool:
        return script.signs and any(fault.kind == "sign state lost" for fault in script.faults)

    assert "is known to be signed" in first_violation(place, 400, fits)


def test_a_table_that_fails_is_told(place: str, planted: Any) -> None:
    def broken(_: Any) -> Any:
        return lambda facts: 1 // 0

    planted(acting, "decide_running", broken)
    assert "ZeroDivisionError" in first_violation(place, 5)


# -- what lies outside one life of one supervisor -----------------------------------------------------------


def has(kind: str) -> Callable[[Script], bool]:
    return lambda script: script.further == kind


def test_a_program_beside_what_an_upgrade_has_left_running_is_told(place: str, planted: Any) -> None:
    planted(seams, "_is_taken", lambda _: lambda night: night.living() is not None)
    planted(night, "PATIENCE", lambda _: 900.0)
    found = first_violation(place, 100, has("helper left"))
    assert "beside what an earlier supervisor has left" in found


def test_a_second_supervisor_that_is_let_in_is_told(place: str, planted: Any) -> None:
    planted(launch, "_lock", lambda _: lambda *_: seams._Quiet())
    planted(night, "PATIENCE", lambda _: 900.0)
    found = first_violation(place, 100, has("second supervisor"))
    assert found in {"two nodes at once", "a second supervisor was let in"}


def test_a_start_on_restored_data_by_the_link_is_told(place: str, planted: Any) -> None:
    def by_the_link(real: Any) -> Any:
        def decide(facts: Any) -> Decision:
            found = real(facts)
            if found.do in {"reset stages", "relink"} and facts.link.version is not None:
                return Decision("launch", "planted", "as the link says", version=facts.link.version)
            return found

        return decide

    planted(acting, "decide_launch", by_the_link)
    found = first_violation(place, 400, has("data restored"))
    assert "is started too early" in found or "is started after the halt" in found


def test_a_pre_upgrade_that_has_failed_and_is_passed_over_is_told(place: str, planted: Any) -> None:
    planted(carrying_out, "_FAILED", lambda _: 99)
    planted(carrying_out, "_AGAIN", lambda _: 98)

    def fits(script: Script) -> bool:
        return script.further == "pre-upgrade fails" and script.faults[-1].length >= 20.0

    found = first_violation(place, 600, fits)
    assert "is started before its pre-upgrade has finished" in found


def test_a_staging_that_is_never_tried_again_is_told(place: str, planted: Any) -> None:
    asked = set()

    def once(real: Any) -> Any:
        def stage(self: Any, plan: Any, *, urgent: bool) -> None:
            if (id(self), plan) not in asked:
                asked.add((id(self), plan))
                real(self, plan, urgent=urgent)

        return stage

    planted(stager.Stager, "stage", once)
    planted(stager.Stager, "_failed", lambda _: lambda *_, **__: None)
    assert "the node never got past" in first_violation(place, 200, has("staging fails"))


def test_a_schedule_that_is_followed_too_early_is_told(place: str, planted: Any) -> None:
    def early(real: Any) -> Any:
        return lambda facts, height: real(facts, height - 1)

    planted(schedule, "is_above", early)
    assert "s2 is started too early" in first_violation(place, 200, has("schedule"))


def test_a_schedule_that_is_never_followed_is_told(place: str, planted: Any) -> None:
    planted(schedule, "next_entry", lambda _: lambda facts: None)
    assert first_violation(place, 400, has("schedule")) == "the operator's schedule was missed"


def test_an_exact_schedule_whose_height_the_old_program_executes_is_told(place: str, planted: Any) -> None:
    planted(acting, "halt_height", lambda _: lambda facts: 0)
    assert "which the exact schedule gives to s2" in first_violation(place, 400, has("exact schedule"))
