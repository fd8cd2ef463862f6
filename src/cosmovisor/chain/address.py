"""Where the node's RPC listens."""

from __future__ import annotations

from cosmovisor.chain import http, node_config
from cosmovisor.model.errors import ChainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: CometBFT's own default.
DEFAULT = "tcp://127.0.0.1:26657"


def rpc_address(args: Sequence[str], environ: Mapping[str, str], daemon_name: str, node_home: str) -> str:
    """Find the RPC address of the node that runs with these arguments.

    Args:
        args: The node's arguments.
        environ: The node's environment.
        daemon_name: File name of the executable; its upper-case form is the prefix of its variables.
        node_home: The node's home.

    Returns:
        An address that `Rpc` takes, with a host that a client can connect to; empty where the RPC is switched
        off, or listens at a port that the system chooses, so that nobody can know it.
    """
    config = node_config.load(node_home)
    found = node_config.setting(args, environ, daemon_name, config, "rpc.laddr")
    if found is None:
        return DEFAULT
    try:
        scheme, host, port, _ = http.split(found.strip())
    except ChainError:
        return ""
    if not found.strip():
        return ""
    if scheme == "unix":
        return f"unix://{host}"
    return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
