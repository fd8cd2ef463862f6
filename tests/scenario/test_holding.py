"""A working node is never stopped for one that cannot run."""

from __future__ import annotations

import os
import signal

import pytest
from tests.support.world import World


def test_a_node_that_died_is_held_for_a_limit_and_no_longer(world: World) -> None:
    world.genesis("v1")
    world.variables["COSMOVISOR_HOLD_LIMIT"] = "1s"
    supervisor = world.run()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    supervisor.wait_for_log("not ready")
    (node,) = world.live_nodes()
    os.kill(node, signal.SIGKILL)
    assert supervisor.wait() == 75
    assert world.started() == ["v1"]
    # The halt is remembered: the next start waits for the binary and never starts the old one.
    world.variables["COSMOVISOR_HOLD_LIMIT"] = "10m"
    second = world.run()
    second.wait_for_log("not ready")
    world.place("v2")
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert second.stop() == 0
    world.verify()


def test_the_way_of_the_go_tool_can_be_asked_for(world: World) -> None:
    world.genesis("v1")
    world.variables["COSMOVISOR_ON_MISSING_BINARY"] = "exit"
    supervisor = world.run()
    world.schedule("v2", blocks=5)
    assert supervisor.wait() == 1
    assert world.live_nodes() == []


def test_a_half_written_binary_is_not_taken_before_its_writer_closes_it(world: World) -> None:
    world.genesis("v1")
    whole = world.place("v2")
    data = whole.read_bytes()
    whole.unlink()
    supervisor = world.run()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    supervisor.wait_for_log("not ready")
    with whole.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        supervisor.wait_for_log("not ready")
        assert len(world.live_nodes()) == 1
        file.write(data[len(data) // 2 :])
    whole.chmod(0o755)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


@pytest.mark.complaint(45)
def test_a_binary_that_is_empty_or_of_another_machine_leaves_the_node_alone(world: World) -> None:
    world.genesis("v1")
    path = world.tree / "upgrades" / "v2" / "bin" / "demod"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    path.chmod(0o755)
    supervisor = world.run()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    supervisor.wait_for_log("not ready")
    foreign = bytearray(64)
    foreign[:7] = b"\x7fELF\x02\x01\x01"
    foreign[16:20] = (2).to_bytes(2, "little") + (8).to_bytes(2, "little")  # an executable for MIPS
    path.write_bytes(bytes(foreign))
    world.wait(
        "the reason",
        lambda: "not ready" in supervisor.log().splitlines()[-1] or supervisor.log().count("not ready") > 1,
    )
    assert world.started() == ["v1"]
    assert len(world.live_nodes()) == 1
    assert supervisor.stop() == 0


@pytest.mark.complaint(7)
def test_a_download_by_the_plan_itself_is_staged_before_the_node_is_asked_to_stop(world: World) -> None:
    world.genesis("v1")
    world.variables |= {"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true", "COSMOVISOR_TRUST": "off"}
    url = world.publish("v2")
    supervisor = world.run()
    world.schedule("v2", blocks=6, info=f'{{"binaries":{{"any":"{url}"}}}}')
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()
