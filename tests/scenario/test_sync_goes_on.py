"""A sync on a terminal, from the height that the data has, and after what was fetched already."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator

import pytest
from tests.support.world import World

from cosmovisor.observe import client

pytestmark = pytest.mark.complaint(13)

NAMES = ("v2", "v3", "v4")
APART = 12


@pytest.fixture
def chain(make_world) -> Iterator[World]:
    """A chain with three upgrades behind it, all its binaries on a server, and a plan that names them."""
    world = make_world(block_interval=0.05)
    lines = ['chain_id = "demo-1"', "[genesis]", *link(world.publish("v1"))]
    history = []
    for number, name in enumerate(NAMES, 1):
        height = APART * number
        lines += ["[[upgrade]]", f'name = "{name}"', f"height = {height}", *link(world.publish(name))]
        history.append({"at": height - 6, "plan": {"name": name, "height": height, "info": ""}})
    (world.root / "plan.toml").write_text("\n".join(lines))
    world.init(sync_to=APART * 4, sync_rate=200, history=history)
    yield world
    for pid in world.live_nodes():
        os.kill(pid, 9)


def link(url: str) -> list[str]:
    address, _, digest = url.partition("?checksum=sha256:")
    return [f'url = "{address}"', f'sha256 = "{digest}"']


def words(world: World, *options: str) -> tuple[str, ...]:
    plan, log = str(world.root / "plan.toml"), str(world.root / "node.log")
    return ("sync", "--node-log", log, *options, plan, "start", "--home", str(world.node_home))


def fetched(world: World) -> list[str]:
    """The releases that were asked for, each once, in order."""
    found = [request.split("/")[1] for request in world.releases.requests if request.startswith("GET ")]
    return list(dict.fromkeys(found))


def applied(world: World) -> list[str]:
    return list(dict.fromkeys(entry["plan"] for entry in world.notes("applied")))


def test_what_is_staged_is_fetched_in_order_and_never_twice(chain: World) -> None:
    done = chain.command(*words(chain, "--stage-only"))
    assert done.returncode == 0, done.stderr
    assert fetched(chain) == ["v1", *NAMES]
    assert "all 3 binaries are ready" in done.stderr
    assert chain.started() == []
    before = list(chain.releases.requests)
    done = chain.command(*words(chain, "-o", "json"))
    assert done.returncode == 0, done.stderr
    assert chain.releases.requests == before
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    numbers = [line for line in shown if "height" in line]
    assert numbers[-1]["upgrades_done"] == numbers[-1]["upgrades"] == 3
    assert {"goal", "version", "phase", "waiting", "eta"} <= set(numbers[-1])
    assert applied(chain) == list(NAMES)
    chain.verify()


def test_a_plan_that_was_corrected_costs_only_what_is_missing(chain: World) -> None:
    plan = chain.root / "plan.toml"
    right = plan.read_text()
    source = next(line for line in right.splitlines() if line.startswith("url") and "/v3/" in line)
    digest = right.partition(f"{source}\n")[2].partition("\n")[0]
    plan.write_text(right.replace(f"{source}\n{digest}", f'path = "{chain.root}/nothing"'))
    done = chain.command(*words(chain, "--stage-only"))
    assert done.returncode == 1
    assert "1 of 3 binaries are not ready: v3" in done.stderr
    assert chain.started() == []
    before = len(chain.releases.requests)
    plan.write_text(right)
    done = chain.command(*words(chain, "--stage-only"))
    assert done.returncode == 0, done.stderr
    assert {request.split()[1] for request in chain.releases.requests[before:]} <= {
        f"/v3/{chain.prog}.tar.gz"
    }


def test_a_copy_of_the_data_is_taken_on_from_its_own_height(chain: World) -> None:
    """The data was brought in by a snapshot from behind v2: v1 is neither fetched nor started."""
    chain.genesis("v1")
    chain.place("v2")
    before = chain.run(variables={"COSMOVISOR_BACKUP": "off"})
    chain.until_halted(APART * 2)
    before.stop()  # its status is that of a node which ended at its halt, or 0: either is well
    shutil.rmtree(chain.tree)
    starts = len(chain.started())
    done = chain.command(*words(chain))
    assert done.returncode == 0, done.stderr
    assert f"the data is at height {APART * 2}" in done.stderr
    assert fetched(chain) == list(NAMES)
    assert "v1" not in chain.started()[starts:]
    assert applied(chain) == list(NAMES)
    chain.verify(old_starts=1)


def test_a_supervisor_that_runs_is_watched_and_left_running(chain: World) -> None:
    done = chain.command(*words(chain, "--stage-only"))
    assert done.returncode == 0, done.stderr
    running = chain.run(variables={"COSMOVISOR_BACKUP": "off"})
    chain.until_answering()
    done = chain.command(*words(chain))
    assert done.returncode == 0, done.stderr
    assert "it is watched, and left running at the end" in done.stderr
    assert running.is_alive()
    assert applied(chain) == list(NAMES)
    assert running.stop() == 0


def test_the_node_is_left_running_where_that_is_asked_for(chain: World) -> None:
    log = (chain.root / "sync.log").open("wb")
    with log, subprocess.Popen(
        [sys.executable, "-m", "cosmovisor", *words(chain, "--keep-running")],
        env=chain.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=chain.root,
    ) as sync:  # fmt: skip
        try:
            text = (chain.root / "sync.log").read_text
            chain.wait(
                "the end of the work", lambda: "it is left running" in text() or sync.poll() is not None
            )
            assert sync.poll() is None, text()
            assert (
                client.ask(str(chain.tree / "cosmovisor.sock"), {"ask": "status"})["node"]["version"] == "v4"
            )
            sync.terminate()
            assert sync.wait(60) == 143
        finally:
            sync.kill()
    chain.wait("the end of the node", lambda: not chain.live_nodes())


def test_a_bar_with_the_time_left_is_drawn_on_a_terminal(chain: World) -> None:
    chain.init(sync_rate=20)  # slow enough for a speed to be measured
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    plan = str(chain.root / "plan.toml")
    sync = subprocess.Popen(
        [sys.executable, "-m", "cosmovisor", "sync", plan, "start", "--home", str(chain.node_home)],
        env={**chain.environment(), "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=chain.root, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the last writer has closed it
                return
            if not data:
                return
            seen.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        chain.wait("the end of the sync", lambda: sync.poll() is not None, 120)
    finally:
        sync.kill()
        sync.wait()
        reader.join(30)
        os.close(ours)
    screen = b"".join(seen).decode()
    assert sync.returncode == 0, screen
    bars = re.findall(r"\r\x1b\[K(\[[#-]{24}\] +\d+% height [^\r\n]*)", screen)
    assert len(bars) >= 3, screen
    assert any(re.search(r"blocks/s, .* left \(.* to .*\)", bar) for bar in bars), bars
    assert all(len(bar) < 200 for bar in bars)
    shares = [int(bar.partition("%")[0].rpartition(" ")[2]) for bar in bars]
    assert shares == sorted(shares)
    assert "done at height" in screen.splitlines()[-1]
    assert "3 of 3 upgrades, running v4" in screen
    # What the node writes would tear the bar.
    assert "committed state" not in screen
    assert (chain.tree / "sync.log").stat().st_size > 0
