"""The demo node's manners: every way in which a real one halts, refuses, stops and signs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from tests.support.world import World

from cosmovisor.demo import ledger


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, block_interval=0.02)
    yield world
    world.close()


def run(world: World, path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([path, *words], capture_output=True, text=True, timeout=30, env=world.environment())


def genesis(world: World) -> str:
    return str(world.tree / "genesis" / "bin" / world.prog)


def test_version_answers_in_less_than_a_tenth_of_a_second(world):
    world.genesis("v1")
    best = 9.0
    for _ in range(12):
        begin = time.monotonic()
        assert run(world, genesis(world), "version").stdout == "1.0.0\n"
        best = min(best, time.monotonic() - begin)
    assert best < 0.1


def test_block_sync_ends_with_status_2_at_the_height_and_writes_no_log(world):
    world.genesis("v1")
    world.init(sync_to=60, sync_rate=500, history=[{"at": 5, "plan": {"name": "v2", "height": 20}}])
    assert world.node_alone().wait(30) == 2
    assert json.loads(world.plan_file.read_bytes())["height"] == 20
    assert not (world.data / "cs.wal").exists()
    assert world.notes("sign") == []


def test_after_block_sync_the_node_takes_part(world):
    world.genesis("v1")
    world.init(sync_to=30, sync_rate=500)
    world.node_alone()
    world.until_height(33)
    assert [entry["height"] for entry in world.notes("sign")][0] == 31


def test_a_fork_may_exit_at_the_halt(world):
    world.genesis("v1", halt="exit", halt_code=1)
    world.init()
    node = world.node_alone()
    world.schedule("v2", blocks=10)
    assert node.wait(30) == 1
    assert world.plan_file.exists()


def test_a_binary_that_is_too_early_stands_still_with_rpc_up(world):
    world.genesis("v1")
    world.init()
    node = world.node_alone()
    height = world.schedule("v2", blocks=4000)
    world.wait("the plan", world.scheduled)
    node.terminate()
    node.wait(30)
    new = world.node_alone(world.place("v2"))
    world.wait(
        "the failure", lambda: "BINARY UPDATED BEFORE TRIGGER" in (world.root / "alone.out").read_text()
    )
    store, application = world.heights()
    assert (store, new.poll()) == (application + 1, None)
    assert store < height
    assert not world.plan_file.exists()
    assert [entry["version"] for entry in ledger.early_starts(world.entries())] == ["v2"]


def test_a_binary_with_new_stores_is_gone_at_once_when_too_early_and_harms_nothing(world):
    world.genesis("v1")
    world.init()
    node = world.node_alone()
    world.until_height(3)
    node.terminate()
    node.wait(30)
    assert world.node_alone(world.place("v2", adds=(("v2", "epochs"),))).wait(30) == 2
    world.node_alone()
    world.until_height(6)


def test_an_old_binary_after_the_upgrade_may_also_stand_still(world):
    world.genesis("v1", refuse_old="hang")
    world.init()
    node = world.node_alone()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    node.terminate()
    node.wait(30)
    new = world.node_alone(world.place("v2"))
    world.until_height(height + 1)
    new.terminate()
    new.wait(30)
    old = world.node_alone()
    world.wait(
        "the failure", lambda: "upgrade handler is missing for v2" in (world.root / "alone.out").read_text()
    )
    assert old.poll() is None


def test_optimistic_execution_shows_the_file_one_block_early(world):
    world.genesis("v1", optimistic=True, optimistic_gap=3)
    world.init()
    world.node_alone()
    height = world.schedule("v2", blocks=6)
    world.wait("the file", world.plan_file.exists)
    assert world.heights() == (height - 1, height - 1)
    world.until_block_store(height)
    assert world.heights() == (height, height - 1)


def test_halt_height_ends_a_node_of_sdk_0_47(world):
    world.genesis("v1", sdk="0.47", late_blocks=2)
    world.init()
    assert world.node_alone(None, "--halt-height", "6").wait(30) == 0
    world.node_alone()
    world.until_height(8)


@pytest.mark.parametrize(("early", "store"), [(False, 6), (True, 7)])
def test_halt_height_freezes_a_node_of_sdk_0_50(world, early, store):
    world.genesis("v1", halt_height_early=early)
    world.init()
    node = world.node_alone(None, "--halt-height=6")
    world.until_block_store(store)
    time.sleep(0.1)
    assert (world.heights(), node.poll()) == ((store, store - 1), None)


@pytest.mark.parametrize("form", [["--unsafe-skip-upgrades", "12"], ["--unsafe-skip-upgrades=11,12"]])
def test_a_skipped_height_is_passed_by_the_old_binary(world, form):
    world.genesis("v1")
    world.init(history=[{"at": 2, "plan": {"name": "v2", "height": 12}}])
    world.node_alone(None, *form)
    world.until_height(14)
    assert not world.plan_file.exists()


def test_a_second_node_on_the_same_data_is_refused(world):
    world.genesis("v1")
    world.init()
    world.node_alone()
    world.until_height(2)
    done = run(world, genesis(world), "start", "--home", str(world.node_home))
    assert (done.returncode, "resource temporarily unavailable" in done.stderr) == (1, True)


def test_sigterm_is_ignored_when_the_version_is_like_that(world):
    world.genesis("v1", ignore_sigterm=True)
    world.init()
    node = world.node_alone()
    world.until_height(3)
    node.terminate()
    world.until_height(6)
    node.kill()
    assert node.wait(30) == -signal.SIGKILL


def test_a_slow_stop_takes_its_time(world):
    world.genesis("v1", slow_stop=0.5)
    world.init()
    node = world.node_alone()
    world.until_height(2)
    begin = time.monotonic()
    node.terminate()
    assert (node.wait(30), time.monotonic() - begin >= 0.5) == (0, True)


def test_sigterm_in_the_first_seconds_of_sdk_0_47_kills_at_once(world):
    world.genesis("v1", sdk="0.47", deaf=20)
    world.init()
    node = world.node_alone()
    world.until_height(2)
    node.terminate()
    assert node.wait(30) == -signal.SIGTERM


def test_pre_upgrade_ends_with_the_scripted_statuses_in_turn(world):
    world.genesis("v1")
    path = str(world.place("v2", pre_upgrade=(31, 0)))
    assert run(world, path, "pre-upgrade", "--help").returncode == 0
    assert [run(world, path, "pre-upgrade").returncode for _ in range(3)] == [31, 0, 0]
    assert run(world, genesis(world), "pre-upgrade").returncode == 1


def test_a_plan_file_that_cannot_be_written_leaves_the_node_halted_without_it(world):
    world.genesis("v1", plan_write="fails")
    world.init()
    node = world.node_alone()
    height = world.schedule("v2", blocks=5)
    world.until_halted(height)
    assert (world.plan_file.exists(), node.poll(), world.heights()) == (False, None, (height, height - 1))


@pytest.mark.parametrize(
    ("sdk", "text"),
    [
        ("0.42", b'{"name":"v2","height":9}'),
        ("0.45", b'{"name":"v2","height":9,"info":"a \\u003c b"}'),
        ("0.47", b'{"name":"v2","time":"0001-01-01T00:00:00Z","height":9,"info":"a \\u003c b"}'),
    ],
)
def test_the_plan_file_of_each_generation(world, sdk, text):
    world.genesis("v1", sdk=sdk)
    world.init(history=[{"at": 2, "plan": {"name": "v2", "height": 9, "info": "a < b"}}])
    world.node_alone()
    world.until_halted(9)
    assert world.plan_file.read_bytes() == text


def test_an_older_sign_state_makes_the_node_sign_twice_and_the_ledger_shows_it(world):
    world.genesis("v1")
    world.init()
    node = world.node_alone()
    world.until_height(4)
    node.kill()
    node.wait(30)
    assert ledger.conflicts(world.entries()) == []
    for name in ("application.db", "blockstore.db"):
        shutil.rmtree(world.data / name)
    (world.data / "priv_validator_state.json").write_text('{"height":"0","round":0,"step":0}')
    world.node_alone()
    world.until_height(3)
    assert "double signature at height 1" in ledger.conflicts(world.entries())[0]


def test_restored_data_with_the_newest_sign_state_is_no_double_signature(world):
    world.genesis("v1")
    world.init()
    node = world.node_alone()
    world.until_height(4)
    node.kill()
    node.wait(30)
    for name in ("application.db", "blockstore.db"):
        shutil.rmtree(world.data / name)
    world.node_alone()
    world.until_height(8)
    assert ledger.conflicts(world.entries()) == []


def test_a_killed_node_signs_the_same_block_again_after_its_restart(world):
    world.genesis("v1")
    world.init()
    for _ in range(6):
        node = world.node_alone()
        store = world.heights()[0]
        world.wait("a block", lambda store=store: world.heights()[0] > store)
        node.kill()
        node.wait(30)
    assert ledger.conflicts(world.entries()) == []


def test_a_missing_sign_state_ends_the_node(world):
    world.genesis("v1")
    world.init()
    os.unlink(world.data / "priv_validator_state.json")
    assert world.node_alone().wait(30) == 1


def test_a_cancelled_plan_is_passed(world):
    world.genesis("v1")
    world.init()
    world.node_alone()
    height = world.schedule("v2", blocks=40)
    world.wait("the plan", world.scheduled)
    world.cancel()
    world.until_height(height + 1)
    assert not world.plan_file.exists()


def test_port_0_is_written_back_so_that_others_find_the_node(world):
    world.laddr = "tcp://127.0.0.1:0"
    world.genesis("v1")
    world.init()
    world.node_alone()
    config = world.node_home / "config" / "config.toml"
    world.wait("the address", lambda: "127.0.0.1:0" not in config.read_text().split("[p2p]")[0])
    world.wait(
        "an answer",
        lambda: run(world, genesis(world), "status", "--home", str(world.node_home)).returncode == 0,
    )


def test_the_status_of_wasmd_looks_into_the_default_home(world):
    world.genesis("v1", status="default-home")
    world.init()
    world.node_alone()
    world.until_height(1)
    assert run(world, genesis(world), "status", "--home", str(world.node_home)).returncode == 1


def test_a_daemon_dies_with_the_test_that_started_it(world):
    process = subprocess.Popen(["sleep", "60"])
    world.genesis("v1", leash=process.pid)
    world.init()
    node = world.node_alone()
    world.until_height(1)
    process.kill()
    process.wait()
    assert node.wait(30) == 99
