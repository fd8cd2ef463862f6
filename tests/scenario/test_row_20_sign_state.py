"""A sign-state that went backwards stops the launch, not the validator's stake."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(20)


def test_a_zeroed_sign_state_of_a_key_that_has_signed_is_refused(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(5)
    assert cosmovisor.stop() == 0
    state = world.data / "priv_validator_state.json"
    good = state.read_bytes()
    state.write_text('{"height":"0","round":0,"step":0}')
    refused = world.run()
    assert refused.wait() != 0
    assert world.started() == ["v1"]
    state.write_bytes(good)
    world.run()
    world.until_started("v1", times=2)
    world.until_height(8)
    world.verify()


def test_a_lower_sign_state_of_a_restored_copy_is_refused_and_the_setting_lets_it_pass(world):
    world.genesis("v1")
    cosmovisor = world.run()
    world.until_height(3)
    old = (world.data / "priv_validator_state.json").read_bytes()
    world.until_height(6)
    assert cosmovisor.stop() == 0
    (world.data / "priv_validator_state.json").write_bytes(old)
    assert world.run().wait() != 0
    assert world.started() == ["v1"]
    world.run(variables={"COSMOVISOR_SIGN_GATE": "off"})
    world.until_started("v1", times=2)


def test_a_node_that_never_signed_raises_no_alarm(world):
    world.genesis("v1")
    world.init(sync_to=1000, sync_rate=20)
    cosmovisor = world.run()
    world.until_height(5)
    assert cosmovisor.stop() == 0
    (world.data / "priv_validator_state.json").write_text('{"height":"0","round":0,"step":0}')
    world.run()
    world.until_started("v1", times=2)
    world.until_height(8)
