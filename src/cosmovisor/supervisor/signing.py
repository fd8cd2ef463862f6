"""What the validator's key has signed, as far as this machine's files tell."""

from __future__ import annotations

import os

from cosmovisor.model.observations import Observations
from cosmovisor.model.state import SignState
from cosmovisor.model.value import replace
from cosmovisor.supervisor.context import Context


def add(context: Context, seen: Observations, *, node_lives: bool) -> Observations:
    """Take the sign-state into the observations; of a living node it is read at its stop."""
    if node_lives or not may_sign(context):
        return seen
    from cosmovisor.chain import keys, sign_state

    signs = keys.signing(context.arguments, context.environ, context.settings.daemon_name, context.node_home)
    if signs.remote or not signs.validator or not signs.chain_id:
        return seen
    key = (signs.chain_id, signs.validator)
    found = sign_state.load(signs.state_file)
    if found.kind == "signed":
        last = SignState(*key, found.height, found.round, found.step, seen.at)
        return replace(seen, sign_state=last, sign_key=key, chain_id=seen.chain_id or signs.chain_id)
    problem = {
        "missing": f"{signs.state_file} is missing",
        "zeroed": f"{signs.state_file} says that nothing was ever signed",
        "malformed": f"{signs.state_file} cannot be read: {found.reason}",
    }[found.kind]
    return replace(seen, sign_problem=problem, sign_key=key, chain_id=seen.chain_id or signs.chain_id)


def last(context: Context, at: float) -> SignState | None:
    """Return what the sign-state file of a node that has just ended says; None if it has signed nothing."""
    if not may_sign(context):
        return None
    from cosmovisor.chain import keys, sign_state

    name = context.settings.daemon_name
    signs = keys.signing(context.arguments, context.environ, name, context.node_home)
    if signs.remote or not signs.validator or not signs.chain_id:
        return None
    found = sign_state.load(signs.state_file)
    if found.kind != "signed":
        return None
    return SignState(signs.chain_id, signs.validator, found.height, found.round, found.step, at)


def may_sign(context: Context) -> bool:
    """Tell cheaply whether there can be a key: in its usual place, or where a configuration names it."""
    config = os.path.join(context.node_home, "config")
    return os.path.exists(os.path.join(config, "priv_validator_key.json")) or os.path.exists(
        os.path.join(config, "config.toml")
    )
