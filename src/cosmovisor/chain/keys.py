"""Which key a node signs with, for which chain, and whether it signs itself at all."""

from __future__ import annotations

import os

from cosmovisor.chain import answer, genesis, node_config
from cosmovisor.model.errors import ChainError
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KEY_LIMIT = 1 << 16


@value
class Signing:
    """How a node signs.

    Attributes:
        validator: Consensus address of its key, upper-case hex; empty where there is no readable key file.
        chain_id: The chain; empty where neither genesis nor configuration tells.
        remote: Address at which a remote signer connects; empty where the node signs with its own file.
        key_file: The key file.
        state_file: The sign-state file.
    """

    validator: str
    chain_id: str
    remote: str
    key_file: str
    state_file: str


def validator_address(path: str) -> str:
    """Return the consensus address of a `priv_validator_key.json`, upper-case hex; empty where there is none.

    The file's secret is not kept: only the address is taken out of it.
    """
    data = node_config.read_bounded(path, _KEY_LIMIT)
    if data is None:
        return ""
    try:
        found = answer.text(answer.take(answer.parse(data, "the key file"), "address"), 40).upper()
    except ChainError:
        return ""
    return found if len(found) == 40 and not set(found) - set("0123456789ABCDEF") else ""


def chain_id(args: Sequence[str], environ: Mapping[str, str], daemon_name: str, node_home: str) -> str:
    """Return the chain id as the node will have it: the argument, its genesis, then `client.toml`."""
    given = node_config.argument(args, "chain-id") or environ.get(
        node_config.variable(daemon_name, "chain-id")
    )
    if given:
        return given
    config = node_config.load(node_home)
    place = node_config.setting((), environ, daemon_name, config, "genesis_file") or "config/genesis.json"
    found = genesis.chain_id(os.path.join(node_home, place))
    return found or answer.text(node_config.load(node_home, "client.toml").get("chain-id"), 128)


def identity(
    args: Sequence[str], environ: Mapping[str, str], daemon_name: str, node_home: str
) -> tuple[str, str]:
    """Return (chain id, node id) that the node itself will answer with; empty texts where files do not tell.

    A node answers with the chain id of its genesis, and with the hash of its node key, whatever else is set.
    """
    config = node_config.load(node_home)

    def place(key: str, default: str) -> str:
        return os.path.join(
            node_home, node_config.setting(args, environ, daemon_name, config, key) or default
        )

    chain = genesis.chain_id(place("genesis_file", "config/genesis.json"))
    return chain, node_id(place("node_key_file", "config/node_key.json"))


def node_id(path: str) -> str:
    """Return the node id of a `node_key.json`, 40 hex digits; empty where there is none.

    Source of the rule: CometBFT `p2p/key.go`: the first 20 bytes of the SHA-256 of the Ed25519 public key.
    """
    import base64
    import hashlib

    data = node_config.read_bounded(path, _KEY_LIMIT)
    if data is None:
        return ""
    try:
        key = answer.take(answer.parse(data, "the node key"), "priv_key")
        if answer.text(answer.take(key, "type"), 80) != "tendermint/PrivKeyEd25519":
            return ""
        secret = base64.b64decode(answer.text(answer.take(key, "value"), 200), validate=True)
    except (ChainError, ValueError):
        return ""
    return hashlib.sha256(secret[32:]).hexdigest()[:40] if len(secret) == 64 else ""


def signing(args: Sequence[str], environ: Mapping[str, str], daemon_name: str, node_home: str) -> Signing:
    """Read how the node that runs with these arguments signs.

    Args:
        args: The node's arguments.
        environ: The node's environment.
        daemon_name: File name of the executable.
        node_home: The node's home.
    """
    config = node_config.load(node_home)

    def setting(key: str, default: str) -> str:
        return node_config.setting(args, environ, daemon_name, config, key) or default

    key_file = os.path.join(node_home, setting("priv_validator_key_file", "config/priv_validator_key.json"))
    return Signing(
        validator=validator_address(key_file),
        chain_id=chain_id(args, environ, daemon_name, node_home),
        remote=setting("priv_validator_laddr", "").strip(),
        key_file=key_file,
        state_file=os.path.join(
            node_home, setting("priv_validator_state_file", "data/priv_validator_state.json")
        ),
    )
