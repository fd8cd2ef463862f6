"""Signals, phase by phase: the node is never left alone, and its exit status is ours."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from tests.support.world import World


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_is_passed_on_and_waited_for(world: World, number: int) -> None:
    world.genesis("v1", slow_stop=0.3)
    supervisor = world.run()
    world.until_height(2)
    status = supervisor.stop(number)
    assert status == (131 if number == signal.SIGQUIT else 0)
    assert world.live_nodes() == []


def test_the_third_signal_kills_a_node_that_does_not_end(world: World) -> None:
    world.genesis("v1", ignore_sigterm=True)
    supervisor = world.run()
    world.until_height(1)
    supervisor.send_signal(signal.SIGTERM)
    world.wait("the first", lambda: "phase" in world.command("status", "-o", "json").stdout)
    supervisor.send_signal(signal.SIGTERM)
    supervisor.wait_for_log("passed on again")
    assert len(world.live_nodes()) == 1
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait() == 137
    assert world.live_nodes() == []


def test_a_signal_after_several_upgrades_reaches_the_node_of_today(world: World) -> None:
    names = ["v2", "v3", "v4"]
    world.genesis("v1")
    for name in names:
        world.place(name)
    supervisor = world.run()
    for name in names:
        world.schedule(name, blocks=4)
        world.until_blocks_of(name)
    assert supervisor.stop() == 0
    assert world.live_nodes() == []
    assert world.started() == ["v1", *names]
    world.verify()


def test_a_stop_in_the_middle_of_a_script_is_taken_up_at_the_next_start(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    world.variables["COSMOVISOR_CUSTOM_PREUPGRADE"] = "hook"
    began, go = world.root / "began", world.root / "go"
    hook = world.tree / "hook"
    hook.write_text(f"#!/bin/sh\necho $1 $2 >> {began}\nwhile ! test -e {go}; do sleep 0.05; done\n")
    hook.chmod(0o755)
    first = world.run()
    height = world.schedule("v2", blocks=5)
    world.wait("the script", began.exists)
    assert world.live_nodes() == []
    assert first.stop() in {0, 143}
    assert world.current() == "genesis"
    go.touch()
    second = world.run()
    world.until_blocks_of("v2")
    assert began.read_text().splitlines() == [f"v2 {height}"] * 2
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()


@pytest.mark.complaint(27)
@pytest.mark.needs("pid namespaces")
def test_as_the_first_process_strays_are_reaped_and_signals_work(world: World) -> None:
    world.genesis("v1", leash=0)  # our process cannot be seen from inside
    strays = world.root / "strays"
    daemon = world.tree / "genesis" / "bin" / "demod"
    real = daemon.with_name("real")
    daemon.rename(real)
    # A grandchild whose parent is gone becomes a child of the first process.
    daemon.write_text(
        f"#!/bin/sh\n(sleep 0.1; exit 3) & \nsh -c 'setsid sleep 0.2 & echo $! > {strays}'\nexec {real} \"$@\"\n"
    )
    daemon.chmod(0o755)
    supervisor = world.run(prefix=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    world.until_height(3)
    inner = list(_children(supervisor.pid))
    assert len(inner) == 1
    world.wait("no zombies", lambda: not _zombies(inner[0]))
    os.kill(inner[0], signal.SIGTERM)
    assert supervisor.wait() == 0


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


def _zombies(pid: int) -> list[int]:
    found = []
    for child in _children(pid):
        with open(f"/proc/{child}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                found.append(child)
    return found


def test_streams_folder_and_environment_are_the_nodes_own(world: World) -> None:
    world.init()
    daemon = world.tree / "genesis" / "bin" / "demod"
    daemon.parent.mkdir(parents=True)
    line = "x" * 200_000
    daemon.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "sys.stdout.write(os.getcwd() + '\\n' + os.environ['MINE'] + '\\n' + repr(sys.argv[1:]) + '\\n')\n"
        f"sys.stdout.write('{line}\\n'); sys.stderr.write('to stderr'); sys.exit(23)\n"
    )
    daemon.chmod(0o755)
    supervisor = world.run("start", "--an argument", variables={"MINE": "as it was"})
    assert supervisor.wait() == 23
    assert supervisor.output() == f"{world.root}\nas it was\n['start', '--an argument']\n{line}\n"
    assert "to stderr" in supervisor.log()


_TERMINAL = """
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while not os.path.exists("hang-up"):
    time.sleep(0.02)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_lost_terminal_means_the_end_and_the_node_ends_well(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run(prefix=[sys.executable, "-c", _TERMINAL])
    world.until_height(2)
    (world.root / "hang-up").touch()
    assert supervisor.wait() == 0
    assert world.live_nodes() == []
    assert [note["code"] for note in world.notes("exit")] == [0]
