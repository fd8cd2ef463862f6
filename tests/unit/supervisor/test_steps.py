from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.supervisor.conftest import Script, make_context

from cosmovisor.decide import events
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, Proof, StagedBinary
from cosmovisor.model.state import Step
from cosmovisor.storage import locks
from cosmovisor.supervisor import helper, steps
from cosmovisor.supervisor.context import Context

PLAN = Plan("V2", 9, "info")
V2 = Version("v2", "upgrades/v2")


def carry_out(
    context: Context, kind: str, staged: StagedBinary | None = None, running: steps.Running | None = None
) -> events.Done | events.Failed:
    step = Step(kind, PLAN, V2, GENESIS_VERSION, staged=staged)  # type: ignore[arg-type]
    return steps.carry_out(context, running or steps.Running(step), lambda *_: None)


def staged(*proofs: Proof, no_pre_upgrade: bool = False) -> StagedBinary:
    return StagedBinary(
        PLAN, V2, "p", "d", FileIdentity(0, 0, 0, 0, 0), "hand", "hand", proofs, no_pre_upgrade
    )


@pytest.mark.parametrize("status", [0, 1])
def test_done_and_not_implemented_both_let_the_upgrade_go_on(
    context: Context, script: Script, status: int
) -> None:
    script("upgrades/v2", f"exit {status}")
    assert isinstance(carry_out(context, "pre-upgrade"), events.Done)


@pytest.mark.parametrize(("status", "retry"), [(30, False), (31, True)])
def test_failures_say_whether_another_try_can_help(
    context: Context, script: Script, status: int, retry: bool
) -> None:
    script("upgrades/v2", f"exit {status}")
    failed = carry_out(context, "pre-upgrade")
    assert isinstance(failed, events.Failed)
    assert (failed.what, failed.retry) == ("pre-upgrade", retry)
    assert failed.fix


def test_another_status_fails_only_where_the_command_is_known_to_exist(
    context: Context, script: Script
) -> None:
    script("upgrades/v2", "exit 7")
    assert isinstance(carry_out(context, "pre-upgrade", staged()), events.Done)
    assert isinstance(carry_out(context, "pre-upgrade"), events.Done)
    known = staged(Proof("pre-upgrade", "ok"))
    assert isinstance(carry_out(context, "pre-upgrade", known), events.Failed)


def test_a_pre_upgrade_that_was_killed_has_not_finished(context: Context, script: Script) -> None:
    # As the kernel does when memory runs out: a signal is no answer, and never says that the command is missing.
    script("upgrades/v2", "kill -9 $$")
    failed = carry_out(context, "pre-upgrade", staged())
    assert isinstance(failed, events.Failed)
    assert failed.retry
    assert "ended by signal 9" in failed.reason


def test_a_binary_proven_to_lack_the_command_is_not_asked(
    context: Context, script: Script, home: Path
) -> None:
    script("upgrades/v2", f"touch {home}/asked; exit 30")
    assert isinstance(carry_out(context, "pre-upgrade", staged(no_pre_upgrade=True)), events.Done)
    assert not (home / "asked").exists()


def test_the_operators_script_gets_name_height_and_home(home: Path) -> None:
    context = make_context(home, cosmovisor_custom_preupgrade="hook.sh")
    hook = home / "cosmovisor" / "hook.sh"
    hook.write_text(f'#!/bin/sh\necho "$PWD $1 $2" > {home}/out\n')
    hook.chmod(0o644)
    assert isinstance(carry_out(context, "script"), events.Done)
    assert (home / "out").read_text() == f"{home} V2 9\n"


def test_a_script_that_fails_or_is_missing_ends_the_upgrade(home: Path) -> None:
    context = make_context(home, cosmovisor_custom_preupgrade="hook.sh")
    failed = carry_out(context, "script")
    assert isinstance(failed, events.Failed)
    assert "hook.sh" in failed.reason
    hook = home / "cosmovisor" / "hook.sh"
    hook.write_text("#!/bin/sh\nexit 4\n")
    hook.chmod(0o755)
    failed = carry_out(context, "script")
    assert isinstance(failed, events.Failed)
    assert not failed.retry
    assert "status 4" in failed.reason


def test_a_script_that_never_ends_is_ended_with_all_it_started(home: Path) -> None:
    context = make_context(home, cosmovisor_custom_preupgrade="hook.sh", cosmovisor_preupgrade_timeout=0.2)
    hook = home / "cosmovisor" / "hook.sh"
    hook.write_text("#!/bin/sh\nsleep 600 & sleep 600\n")
    hook.chmod(0o755)
    failed = carry_out(context, "script")
    assert isinstance(failed, events.Failed)
    assert "0.2 s" in failed.reason
    assert not locks.is_held(context.layout.node_lock)


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_a_step_ends_when_it_is_told_to(home: Path, how: str) -> None:
    context = make_context(home, cosmovisor_custom_preupgrade="hook.sh")
    hook = home / "cosmovisor" / "hook.sh"
    trap = "trap '' TERM; " if how == "kill" else ""
    hook.write_text(f"#!/bin/sh\n{trap}touch {home}/began; while :; do sleep 0.05; done\n")
    hook.chmod(0o755)
    running = steps.Running(Step("script", PLAN, V2, GENESIS_VERSION))
    answers: list[events.Done | events.Failed] = []
    thread = threading.Thread(target=lambda: answers.append(carry_out(context, "script", running=running)))
    thread.start()
    deadline = time.monotonic() + 60
    while not (home / "began").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert locks.is_held(context.layout.node_lock)
    running.cancel() if how == "cancel" else running.kill()
    thread.join(60)
    (answer,) = answers
    assert isinstance(answer, events.Failed)
    assert answer.cancelled


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_a_step_that_is_ended_while_its_program_starts_ends_too(
    home: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    context = make_context(home, cosmovisor_custom_preupgrade="hook.sh", cosmovisor_preupgrade_timeout=120.0)
    hook = home / "cosmovisor" / "hook.sh"
    trap = "trap '' TERM; " if how == "kill" else ""
    hook.write_text(f"#!/bin/sh\n{trap}touch {home}/began; while :; do sleep 0.05; done\n")
    hook.chmod(0o755)
    running = steps.Running(Step("script", PLAN, V2, GENESIS_VERSION))
    start = helper.Helper

    def started(*given: Any) -> helper.Helper:
        found = start(*given)
        deadline = time.monotonic() + 60
        while not (home / "began").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        running.cancel() if how == "cancel" else running.kill()
        return found

    monkeypatch.setattr(helper, "Helper", started)
    before = time.monotonic()
    answer = carry_out(context, "script", running=running)
    assert isinstance(answer, events.Failed)
    assert answer.cancelled
    assert time.monotonic() - before < 60


def test_going_back_restores_the_version_that_the_journal_names(context: Context, script: Script) -> None:
    script("upgrades/v2", "exit 0")
    assert isinstance(carry_out(context, "switch"), events.Done)
    assert isinstance(carry_out(context, "go back"), events.Done)
    assert Path(context.layout.current).readlink() == Path("genesis")
    assert not Path(context.layout.marker(V2)).exists()
