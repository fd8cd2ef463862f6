"""Every way in which a chain halts, and every moment at which we may come in."""

from __future__ import annotations

import os
import shutil
import signal
from typing import Any

import pytest
from tests.support.world import World

_MANNERS: list[Any] = [
    pytest.param({}, id="consensus: the node hangs"),
    pytest.param({"halt": "exit", "halt_code": 2}, id="the node exits by itself"),
    pytest.param({"halt": "exit", "halt_code": 0}, id="the node exits as if all were well"),
    pytest.param({"optimistic": True}, id="optimistic execution"),
    pytest.param({"sdk": "0.45"}, id="an old SDK"),
    pytest.param({"noisy": "WARNING: something on stderr"}, id="a noisy daemon"),
    pytest.param({"status": "default-home"}, id="status of another home"),
    pytest.param({"plan_write": "slow"}, id="a plan file in two pieces"),
    pytest.param({"ignore_sigterm": True}, id="a node that does not end"),
]


@pytest.mark.parametrize("manners", _MANNERS)
def test_the_halt_is_seen_and_the_upgrade_made(world: World, manners: dict[str, Any]) -> None:
    world.genesis("v1", **manners)
    world.place("v2")
    world.variables["DAEMON_SHUTDOWN_GRACE"] = "1s"
    supervisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


@pytest.mark.complaint(19)
def test_without_rpc_the_daemons_own_status_tells_the_height(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run("start", "--home", str(world.home), variables={"DEMOD_RPC_LADDR": world.laddr})
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert supervisor.stop() == 0
    world.verify()


def test_the_node_dies_at_the_halt_and_the_upgrade_follows(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run()
    height = world.schedule("v2", blocks=6)
    world.until_halted(height)
    supervisor.wait_for_log("not ready")
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    world.wait("the end of the node", lambda: not world.live_nodes())
    assert supervisor.is_alive()
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


@pytest.mark.complaint(5)
def test_a_plan_of_a_restored_copy_is_not_taken_for_an_upgrade(world: World) -> None:
    world.genesis("v1")
    first = world.run()
    world.until_height(4)
    assert first.stop() == 0
    world.plan_file.write_text('{"name":"v9","height":2,"info":""}')
    world.place("v9")
    second = world.run()
    height = world.heights()[1]
    world.until_height(height + 4)
    assert "v9" not in world.started()
    assert world.current() == "genesis"
    assert second.stop() == 0
    world.verify()


def test_a_plan_file_that_is_no_plan_never_harms_a_running_node(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    world.until_height(2)
    for content in (b"", b"{", b"nonsense", b'{"name":"..","height":99}', b'{"name":"a/b","height":99999}'):
        world.plan_file.write_bytes(content)
        height = world.heights()[1]
        world.until_height(height + 2)
    assert world.started() == ["v1"]
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


def test_data_that_is_replaced_under_a_running_node_is_watched_on(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    world.until_height(2)
    # A copy takes the place; the node works on in the folder that it has open, as it would on a real machine.
    elsewhere = world.root / "elsewhere"
    world.data.rename(elsewhere)
    world.data.symlink_to(elsewhere)
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert supervisor.stop() == 0
    world.verify()


def test_many_restarts_in_the_window_start_the_old_binary_never(world: World) -> None:
    world.genesis("v1")
    first = world.run()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    first.wait_for_log("not ready")
    first.kill_with_node()
    for _ in range(5):
        again = world.run()
        again.wait_for_log("not ready")
        again.kill()
    assert world.started() == ["v1"]
    world.place("v2")
    last = world.run()
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert last.stop() == 0
    world.verify()


def test_a_lowered_sign_state_is_never_launched(world: World) -> None:
    world.genesis("v1")
    first = world.run()
    world.until_height(4)
    assert first.stop() == 0
    state = world.data / "priv_validator_state.json"
    kept = state.read_bytes()
    state.write_text('{"height":"1","round":0,"step":3}')
    second = world.run()
    assert second.wait() == 1
    assert "sign" in second.log()
    assert world.started() == ["v1"]
    state.unlink()
    third = world.run()
    assert third.wait() == 1
    state.write_bytes(kept)
    fourth = world.run()
    world.until_started("v1", 2)
    assert fourth.stop() == 0
    world.verify()


@pytest.mark.complaint(4)
def test_older_data_brings_back_the_version_that_fits_it(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    world.until_height(3)
    assert supervisor.stop() == 0
    shutil.copytree(world.data, world.root / "old")
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    world.until_blocks_of("v2")
    assert supervisor.stop() == 0
    state = (world.data / "priv_validator_state.json").read_bytes()
    shutil.rmtree(world.data)
    shutil.copytree(world.root / "old", world.data)
    (world.data / "priv_validator_state.json").write_bytes(state)
    again = world.run()
    again.wait_for_log("fits this data")
    world.wait("the old version", lambda: world.current() == "genesis")
    # A daemon that has just been started dies of the signal itself: only one that answers has its handler.
    world.wait("an answer of the node", world.answering_version)
    assert again.stop() == 0


def test_an_operators_schedule_is_followed(world: World) -> None:
    world.genesis("v1")
    path = world.place("v2", handlers=())
    supervisor = world.run()
    world.until_height(1)
    height = world.heights()[1] + 10
    done = world.command("add-upgrade", "v2", str(path), "--force", "--upgrade-height", str(height))
    assert done.returncode == 0, done.stderr
    world.until_started("v2")
    world.until_blocks_of("v2")
    assert world.heights()[1] >= height
    assert supervisor.stop() == 0
