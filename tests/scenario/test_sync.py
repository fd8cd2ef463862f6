"""A node from genesis through all upgrades without a hand, and without the network once all is staged.

`make sync-test` runs the long story: thirty upgrades and a cut after every other one.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.world import World

from cosmovisor.model.errors import StateError
from cosmovisor.observe import client

UPGRADES = int(os.environ.get("SYNC_UPGRADES", "5"))
SEED = int(os.environ.get("SYNC_SEED", "7"))
APART = 10


class Sync:
    """`cosmovisor sync` as a process; its own lines and the node's go to files."""

    def __init__(self, world: World, number: int, *options: str) -> None:
        self.log = world.root / f"sync-{number}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cosmovisor", "sync", "--node-log", str(world.root / f"node-{number}.log"), *options,
                 str(world.root / "plan.toml"), "start", "--home", str(world.node_home)],
                env=world.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=world.root, start_new_session=True,
            )  # fmt: skip

    def text(self) -> str:
        return self.log.read_text(errors="replace")


def supervisor(world: World) -> int:
    """The process id of the supervisor; 0 where none answers."""
    try:
        found = client.ask(str(world.tree / "cosmovisor.sock"), {"ask": "status"}).get("supervisor")
    except StateError:
        return 0
    return int(found["pid"]) if found else 0


def kill(*processes: int) -> None:
    for process in processes:
        if process:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def chain(make_world) -> Iterator[World]:
    """A chain whose past holds all upgrades, their binaries on a server, and a plan that names them."""
    world = make_world(block_interval=0.05)
    world.genesis("v1")
    lines = ['chain_id = "demo-1"']
    history = []
    for number in range(1, UPGRADES + 1):
        name, height = f"v{number + 1}", APART * number
        lines += [
            "[[upgrade]]",
            f'name = "{name}"',
            f"height = {height}",
            f'binaries = {{ "any" = "{world.publish(name)}" }}',
        ]
        history.append(
            {"at": height - 5, "plan": {"name": name, "height": height, "info": "see the announcement"}}
        )
    (world.root / "plan.toml").write_text("\n".join(lines))
    world.init(sync_to=APART * (UPGRADES + 1), sync_rate=200, history=history)
    yield world
    kill(supervisor(world), *world.live_nodes())


def applied(world: World) -> list[str]:
    return list(dict.fromkeys(entry["plan"] for entry in world.notes("applied")))


@pytest.mark.complaint(13)
@pytest.mark.timeout(1800 if UPGRADES > 10 else 240)
def test_all_upgrades_are_gone_through_with_the_server_off_and_with_cuts(chain: World) -> None:
    world = chain
    names = [f"v{number + 2}" for number in range(UPGRADES)]
    staging = Sync(world, 0, "--stage-only")
    world.wait("everything to be staged", lambda: staging.process.poll() is not None, 60 + 5 * UPGRADES)
    assert staging.process.returncode == 0, staging.text()
    assert all((world.tree / "upgrades" / name / "bin" / world.prog).exists() for name in names)
    world.releases.close()

    dice = random.Random(SEED)
    cuts, number = 0, 1
    sync = Sync(world, number)
    for goal in range(2, UPGRADES, 2):
        world.wait(
            f"{goal} upgrades",
            lambda goal=goal, sync=sync: len(applied(world)) >= goal or sync.process.poll() is not None,
        )
        what = dice.choice(["sync", "supervisor", "node", "all"])
        nodes, parent = world.live_nodes(), supervisor(world)
        cuts += 1
        if what == "sync":
            kill(sync.process.pid)
        elif what == "supervisor":
            kill(parent)
        elif what == "node":
            kill(*nodes)
        else:
            kill(sync.process.pid, parent, *nodes)
        if what in {"sync", "all"}:
            sync.process.wait()
            number += 1
            sync = Sync(world, number)
    world.wait("the end", lambda: sync.process.poll() is not None, 60 + 5 * UPGRADES)
    texts = "\n".join(path.read_text(errors="replace") for path in sorted(world.root.glob("sync-*.log")))
    assert sync.process.returncode == 0, texts
    assert applied(world) == names
    assert world.current() == f"upgrades/{names[-1]}"
    assert f"{UPGRADES} of {UPGRADES} upgrades" in sync.text()
    world.verify(old_starts=cuts)
    if "left running" not in sync.text():
        world.wait("the end of the node", lambda: not world.live_nodes())


def test_a_registry_that_names_upgrades_otherwise_is_followed_by_height(make_world) -> None:
    world = make_world(block_interval=0.05)
    versions = [{"name": "first", "binaries": {"any": world.publish("v1")}}]
    for name, height in (("v2", 8), ("v3", 16)):
        versions.append(
            {"name": f"release-{name}", "height": height, "binaries": {"any": world.publish(name)}}
        )
    folder = world.root / "registry"
    folder.mkdir()
    (folder / "versions.json").write_text(json.dumps({"versions": versions}))
    (folder / "chain.json").write_text(json.dumps({"chain_id": "demo-1"}))
    plans = [
        {"at": height - 4, "plan": {"name": name, "height": height, "info": ""}}
        for name, height in (("v2", 8), ("v3", 16))
    ]
    world.init(sync_to=24, sync_rate=200, history=plans)
    done = world.command(
        "sync",
        "--node-log",
        str(world.root / "node.log"),
        str(folder),
        "start",
        "--home",
        str(world.node_home),
    )
    assert done.returncode == 0, done.stderr
    assert applied(world) == ["v2", "v3"]
    assert "its binary is staged under that name" in done.stderr
    assert (world.tree / "genesis" / "bin" / world.prog).exists()
    assert not (world.tree / "upgrades" / "genesis-of-sync").exists()
    world.verify()


def test_a_plan_of_another_chain_and_one_that_makes_no_sense_are_refused(world: World) -> None:
    world.genesis("v1")
    world.init()
    plan = world.root / "plan.toml"
    plan.write_text('chain_id = "other-9"\n[[upgrade]]\nname = "v2"\nheight = 5\n')
    done = world.command("sync", str(plan))
    assert (done.returncode, world.started()) == (1, [])
    assert "other-9" in done.stderr
    plan.write_text("[[upgrade]]\n")
    done = world.command("sync", str(plan))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Next: " in done.stderr


def test_a_binary_that_cannot_be_had_is_said_before_anything_runs(world: World) -> None:
    world.genesis("v1")
    world.init()
    (world.root / "plan.toml").write_text(
        f'[[upgrade]]\nname = "v2"\nheight = 5\nbinaries = {{ "any" = "{world.publish("v2")}" }}\n[[upgrade]]\nname = "v3"\nheight = 9\n'
    )
    done = world.command("sync", str(world.root / "plan.toml"), "start", "--home", str(world.node_home))
    assert done.returncode == 1
    assert "1 of 2 binaries are not ready: v3" in done.stderr
    assert world.started() == []
    assert Path(world.tree / "upgrades" / "v2" / "bin" / world.prog).exists()
