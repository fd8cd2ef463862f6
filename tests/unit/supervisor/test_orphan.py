"""What holds the node's lock after a kill: a node is handed on, everything of an upgrade's step is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.unit.supervisor.conftest import Script

from cosmovisor.model.value import replace
from cosmovisor.storage import locks
from cosmovisor.supervisor import helper, orphan, processes, spawn
from cosmovisor.supervisor.context import Context


def until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while processes.alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def start(context: Context, *, record: str) -> spawn.Child:
    """Start something that holds the lock, as a supervisor that is killed before it records whom it started."""
    held = locks.hold(context.layout.node_lock, command=record)
    try:
        return spawn.spawn("/bin/sleep", ["600"], dict(os.environ), now=1.0, lock=held.fd)
    finally:
        held.close()


def end(child: spawn.Child) -> None:
    processes.kill_session(child.pid)
    spawn.reap(child.pid)


def test_nobody_is_found_where_nobody_lives(context: Context) -> None:
    assert orphan.find(context) is None


@pytest.mark.needs("linux")
def test_a_node_is_found_by_its_command_line(context: Context) -> None:
    child = start(context, record="cosmovisor run start")
    try:
        found = orphan.find(context)
        assert found is not None
        assert found.child.pid == child.pid
        assert processes.alive(child.pid)
    finally:
        end(child)


@pytest.mark.needs("linux")
def test_a_node_that_an_exact_schedule_has_started_tells_its_halt_height(context: Context) -> None:
    held = locks.hold(context.layout.node_lock)
    try:
        words = ["-c", "sleep 600; :", "start", "--halt-height", "41"]
        child = spawn.spawn("/bin/sh", words, dict(os.environ), now=1.0, lock=held.fd)
        held.describe(child.pid, " ".join(["/bin/sh", *words]))
    finally:
        held.close()
    try:
        found = orphan.find(context)
        assert found is not None
        assert found.arguments == (*context.arguments, "--halt-height", "41")
        assert orphan.armed(context, found.arguments) == 41
        mine = replace(context, arguments=("start", "--halt-height", "41"))
        assert orphan.armed(mine, mine.arguments) == 0
        assert orphan.armed(context, ("start", "--halt-height", "x")) == 0
    finally:
        end(child)


@pytest.mark.needs("linux")
def test_a_helper_that_was_only_just_started_is_taken_for_no_node(context: Context) -> None:
    child = start(context, record=f"{helper.MARK}/h/bin/daemon pre-upgrade")
    try:
        assert orphan.find(context) is None
        assert spawn.reap(child.pid) == -signal.SIGTERM
    finally:
        end(child)


@pytest.mark.needs("linux")
def test_what_a_helper_has_left_running_is_taken_for_no_node(context: Context, script: Script) -> None:
    path = script("genesis", "sleep 600 & echo $! > left; exit 0")
    started = helper.Helper(
        context.layout.node_lock, [str(path), "pre-upgrade"], dict(os.environ), context.layout.root
    )
    spawn.reap(started.child.pid)
    with open(os.path.join(context.layout.root, "left")) as file:
        left = int(file.read())
    assert processes.alive(left)
    assert locks.is_held(context.layout.node_lock)
    assert orphan.find(context) is None
    until_gone(left)
    assert not locks.is_held(context.layout.node_lock)


@pytest.mark.needs("linux")
def test_a_helper_is_on_record_before_it_runs(context: Context, script: Script) -> None:
    path = script("genesis", f"cat {context.layout.node_lock} > record; exit 0")
    seen: list[str] = []
    real = spawn.spawn

    def look(*given: object, **named: object) -> spawn.Child:
        seen.append(locks.recorded(context.layout.node_lock).command)
        return real(*given, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spawn, "spawn", look)
        started = helper.Helper(
            context.layout.node_lock, [str(path), "pre-upgrade"], dict(os.environ), context.layout.root
        )
    assert started.wait(60) == 0
    assert seen[0].startswith(helper.MARK)


def test_the_copy_ahead_ends_with_the_supervisor_that_asked_for_it(context: Context) -> None:
    plan = '{"name": "v2", "height": 5, "info": "", "supervisor": 1}\n'
    if os.getpid() == 1:
        plan = plan.replace(": 1}", ": 2}")
    words = ["-c", _COPYING, context.node_home]
    done = subprocess.run(
        [sys.executable, *words],
        env=context.environ,
        input=plan,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "copied" not in done.stdout


#: The copy ahead, with a backup that takes longer than anybody waits.
_COPYING = """
import sys, time
from cosmovisor import backup
def precopy(*given):
    time.sleep(600)
    print("copied")
backup.precopy = precopy
from cosmovisor.supervisor import copying_ahead
sys.exit(copying_ahead.main(sys.argv[1:]))
"""
