"""The scout beside a real supervisor: what the chain decides is known at once, and its death harms nobody."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from tests.support.world import World

from cosmovisor.observe import client

ON = {"COSMOVISOR_SCOUT": "on"}


def snapshot(world: World) -> dict[str, Any]:
    try:
        return client.ask(str(world.tree / "cosmovisor.sock"), {"ask": "status"})
    except Exception:  # not listening yet
        return {}


def known(world: World) -> tuple[str, int] | None:
    plan = snapshot(world).get("known_plan")
    return (plan["name"], plan["height"]) if plan else None


def scouts(supervisor: int) -> list[int]:
    """The scout's processes: children of the supervisor, by their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == supervisor and fields[0] != "Z" and b"scout" in words:
            found.append(int(name))
    return found


@pytest.mark.complaint(11)
def test_a_plan_is_known_when_it_is_decided_with_an_estimate_and_gone_when_it_is_cancelled(
    world: World,
) -> None:
    world.genesis("v1")
    supervisor = world.run(variables=ON)
    height = world.schedule("v2", blocks=50_000)
    world.wait("the plan", lambda: known(world) == ("v2", height))
    eta = world.wait("the estimate", lambda: (snapshot(world).get("scout") or {}).get("eta"))
    assert eta["height"] == height
    assert eta["earliest"] <= eta["at"] <= eta["latest"]
    supervisor.wait_for_log("upgrade 'v2'")
    world.cancel()
    world.wait("the end of the plan", lambda: known(world) is None)
    supervisor.wait_for_log("is cancelled")
    assert supervisor.stop() == 0


def test_a_proposal_in_voting_is_shown_with_its_votes_and_nothing_is_fetched_without_leave(
    make_world,
) -> None:
    world = make_world(voting_period=3600)
    world.genesis("v1")
    world.init()
    node = world.node_alone()
    height = world.propose(
        "v2", blocks=50_000, info='{"binaries":{"any":"https://example.org/x?checksum=md5:00"}}'
    )
    world.wait("the vote", lambda: "yes 1000" in world.command("scout", "--once").stdout)
    document = json.loads(world.command("scout", "--once", "-o", "json").stdout)
    (proposal,) = document["proposals"]
    assert proposal["tally"]["yes"] == "1000"
    (plan,) = proposal["plans"]
    assert (plan["name"], plan["height"]) == ("v2", height)
    assert "downloads are not allowed" in plan["binary"]
    node.kill()
    node.wait()
    alone = world.command("scout", "--once")
    assert alone.returncode == 1
    assert "no node answers" in alone.stderr
    assert "Traceback" not in alone.stderr


@pytest.mark.complaint(11)
def test_a_binary_is_fetched_while_its_proposal_is_voted_on_and_the_upgrade_needs_no_network(
    make_world,
) -> None:
    world = make_world(voting_period=3600)
    world.genesis("v1")
    world.init()
    url = world.publish("v2")
    supervisor = world.run(variables=ON | {"DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"})
    world.until_height(1)
    height = world.heights()[0] + 60
    info = json.dumps({"binaries": {"any": url}})
    world.hold_at(height - 30)
    plan = {"name": "v2", "height": height, "info": info}
    world.send(type="propose", plan=plan)

    def binary() -> str:
        found = (snapshot(world).get("scout") or {}).get("proposals") or [{}]
        return found[0].get("plans", [{}])[0].get("binary", "")

    world.wait("the binary of the proposal", lambda: binary() == "fetched and checked")
    shown = world.command("status").stdout
    assert f"v2 at height {height}, voting ends in" in shown
    assert "binary: fetched and checked" in shown
    assert not (world.tree / "upgrades" / "v2").exists()  # nothing of a proposal is put into place
    assert all(entry["version"] == "v1" for entry in world.notes("start"))
    world.releases.close()  # the network is not needed any more
    world.send(type="authority", plan=plan)
    world.hold_at(height - 5)
    world.wait("readiness", lambda: any(one["ready"] for one in snapshot(world).get("prospects", [])))
    world.let_go()
    world.until_blocks_of("v2")
    assert supervisor.stop() == 0
    world.verify()


def test_an_upgrade_works_although_the_scout_is_killed_and_the_scout_comes_back(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run(variables=ON)
    (first,) = world.wait("the scout", lambda: scouts(supervisor.pid))
    os.kill(first, signal.SIGKILL)
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    (second,) = world.wait("another scout", lambda: [pid for pid in scouts(supervisor.pid) if pid != first])
    assert supervisor.stop() == 0
    world.wait("the end of the scout", lambda: not os.path.exists(f"/proc/{second}"))
    world.verify()


def test_the_scout_ends_by_itself_when_its_supervisor_is_killed(world: World) -> None:
    world.genesis("v1")
    supervisor = world.run(variables=ON)
    world.until_height(1)
    (scout,) = world.wait("the scout", lambda: scouts(supervisor.pid))
    supervisor.kill()
    world.wait("the end of the scout", lambda: not os.path.exists(f"/proc/{scout}"))
