"""Plan names as chains write them: capitals, blanks, slashes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(14)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("v7-Theta", "v7-theta"), ("two words", "two%20words"), ("a/b", "a%2Fb"), ("v2_1+x", "v2_1+x")],
)
def test_the_folder_of_the_go_tool_is_found(world, name, folder):
    world.genesis("v1")
    world.place(name, folder=folder.lower() if "%" not in folder else folder)
    world.run()
    world.schedule(name, blocks=6)
    world.until_blocks_of(name)
    assert world.started() == ["v1", name]
    world.verify()


def test_capitals_count_where_recasing_is_off(world):
    world.genesis("v1")
    world.place("v8-Rho", folder="v8-Rho")
    world.run(variables={"COSMOVISOR_DISABLE_RECASE": "true"})
    world.schedule("v8-Rho", blocks=6)
    world.until_blocks_of("v8-Rho")
    assert world.current() == "upgrades/v8-Rho"


@pytest.mark.parametrize("name", ["../../evil", "a\x00b", ".."])
def test_a_name_that_would_leave_the_folder_never_does(world, name):
    world.genesis("v1")
    world.run()
    height = world.schedule(name, blocks=6)
    world.until_halted(height)
    world.until_block_store(height)
    assert not (world.root / "evil").exists()
    assert sorted(path.name for path in world.root.iterdir() if "evil" in path.name) == []
    assert len(world.live_nodes()) == 1
