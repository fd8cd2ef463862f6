"""Signals reach the node of today, also after five upgrades; nothing of it is left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.complaint(27)


def test_a_stop_after_five_upgrades_leaves_no_orphan(world):
    world.genesis("v1")
    names = [f"v{number}" for number in range(2, 7)]
    for name in names:
        world.place(name)
    cosmovisor = world.run(variables={"UNSAFE_SKIP_BACKUP": "true"})
    for name in names:
        world.schedule(name, blocks=4)
        world.until_blocks_of(name, 1)
    assert cosmovisor.stop() == 0
    assert world.live_nodes() == []
    assert [entry["code"] for entry in world.notes("exit")] == [0] * 6
    world.verify()


def test_a_slow_node_is_waited_for_without_limit(world):
    world.genesis("v1", slow_stop=2)
    cosmovisor = world.run(variables={"DAEMON_SHUTDOWN_GRACE": "1s"})
    world.until_height(2)
    assert cosmovisor.stop() == 0
    assert world.notes("exit")[-1]["code"] == 0


def test_a_signal_while_the_node_is_held_at_the_halt(world):
    world.genesis("v1")
    cosmovisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    assert cosmovisor.stop() == 0
    assert world.live_nodes() == []


def test_strays_of_the_node_are_gone_after_the_stop(world):
    shell = shutil.which("sh")
    path = world.tree / "genesis" / "bin" / world.prog
    real = world.genesis("v1")
    real_path = path.with_name("real")
    path.rename(real_path)
    path.write_text(f'#!{shell}\nsleep 600 &\nexec {real_path} "$@"\n')
    path.chmod(0o755)
    assert real.name == "v1"
    cosmovisor = world.run()
    world.until_height(2)
    (node,) = world.live_nodes()
    strays = subprocess.run(
        ["pgrep", "-P", str(node), "sleep"], capture_output=True, text=True
    ).stdout.split()
    assert len(strays) == 1, sys.platform
    assert cosmovisor.stop() == 0
    world.wait("the end of the stray", lambda: not os.path.exists(f"/proc/{strays[0]}"))
