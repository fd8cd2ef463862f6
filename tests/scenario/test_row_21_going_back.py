"""A start on weak evidence that the chain refuses is taken back, once."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.complaint(21)


@pytest.mark.parametrize("adds", [(("v2", "epochs"),), ()])
def test_a_new_binary_that_the_chain_refuses_gives_way_to_the_old_one(world, adds):
    """The node crashed for another reason just after somebody wrote a plan file, and no height can be had."""
    world.genesis("v1", rpc="off", crash_at=40)
    world.place("v2", adds=adds)
    world.init(sync_to=400, sync_rate=20)
    cosmovisor = world.run(variables={"COSMOVISOR_RESTART": "on"})
    world.until_started("v1")
    world.wait("data", (world.data / "blockstore.db").exists)
    # An engine that nobody of us reads: no exact height.
    (world.data / "blockstore.db" / "OPTIONS-000007").write_text("rocksdb")
    world.plan_file.write_text(json.dumps({"name": "v2", "height": 100_000}))
    world.wait(
        "the way back",
        lambda: world.started()[:3] == ["v1", "v2", "v1"] or world.started()[:2] == ["v1", "v1"],
    )
    assert cosmovisor.is_alive()
    assert world.started().count("v2") <= 1
    assert world.current() in ("genesis", "")
