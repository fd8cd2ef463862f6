"""Row 25: a machine can see days ahead that the binary of an upgrade is missing, and at the height that it is awaited."""

from __future__ import annotations

import pytest
from tests.support.world import World

pytestmark = pytest.mark.complaint(25)


def metrics(world: World) -> dict[str, float]:
    found = {}
    for line in world.command("status", "-o", "metrics").stdout.splitlines():
        if not line.startswith("#"):
            name, _, number = line.rpartition(" ")
            found[name] = float(number)
    return found


def test_a_missing_binary_a_hold_and_the_end_of_it_are_metrics_to_alert_on(world):
    world.variables["COSMOVISOR_SCOUT"] = "on"
    world.genesis("v1")
    supervisor = world.run()
    world.until_height(2)
    height = world.schedule("v2", blocks=20)
    ready = 'cosmovisor_upgrade_ready{name="v2"}'
    world.wait("the alert ahead", lambda: metrics(world).get(ready) == 0)
    assert metrics(world)['cosmovisor_upgrade_height{name="v2"}'] == height

    world.until_halted(height)
    world.wait("the alert at the height", lambda: metrics(world).get("cosmovisor_holding") == 1)
    assert metrics(world)["cosmovisor_node_up"] == 1

    world.place("v2")
    world.until_blocks_of("v2")
    down = 'cosmovisor_last_upgrade_downtime_seconds{name="v2"}'
    world.wait("the downtime", lambda: metrics(world).get(down, 0) > 0)
    after = metrics(world)
    assert (after["cosmovisor_holding"], after["cosmovisor_supervisor_up"]) == (0, 1)
    assert ready not in after

    assert supervisor.stop() == 0
    assert metrics(world)["cosmovisor_supervisor_up"] == 0
    world.verify()
