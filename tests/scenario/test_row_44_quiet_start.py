"""A healthy start shows no error."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(44)


def test_a_healthy_life_has_no_error_in_its_log(world):
    world.genesis("v1")
    world.place("v2")
    cosmovisor = world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert cosmovisor.stop() == 0
    assert [line for line in cosmovisor.log().splitlines() if " ERR " in line or "Traceback" in line] == []


def test_a_home_without_a_plan_file_is_a_normal_state(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(5)
    assert cosmovisor.stop() == 0
    assert "upgrade-info.json" not in "".join(
        line for line in cosmovisor.log().splitlines() if " ERR " in line
    )
