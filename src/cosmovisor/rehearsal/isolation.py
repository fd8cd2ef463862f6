"""The operator's configuration for a trial: his databases and limits, but no key, peer or server of his."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping

import tomlkit
from tomlkit.exceptions import TOMLKitError

from cosmovisor.model.errors import BackupError
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What a home may have in `config/` beside keys; the address book is not among it.
_FILES = ("genesis.json", "config.toml", "app.toml", "client.toml")
#: Everything that leads out of the scratch home, to a key, or to other machines (CometBFT 0.34 to 0.38).
_CONFIG: Mapping[str, object] = {
    "priv_validator_laddr": "",
    "priv_validator_key_file": "config/priv_validator_key.json",
    "priv_validator_state_file": "data/priv_validator_state.json",
    "node_key_file": "config/node_key.json",
    "genesis_file": "config/genesis.json",
    "db_dir": "data",
    "rpc.grpc_laddr": "",
    "rpc.pprof_laddr": "",
    "rpc.tls_cert_file": "",
    "rpc.tls_key_file": "",
    "p2p.laddr": "tcp://127.0.0.1:0",
    "p2p.external_address": "",
    "p2p.seeds": "",
    "p2p.persistent_peers": "",
    "p2p.unconditional_peer_ids": "",
    "p2p.addr_book_file": "config/addrbook.json",
    "p2p.pex": False,
    "p2p.seed_mode": False,
    "p2p.upnp": False,
    "statesync.enable": False,
    "mempool.wal_dir": "",
    "consensus.wal_file": "data/cs.wal/wal",
    "tx_index.indexer": "null",
    "tx_index.psql-conn": "",
    "instrumentation.prometheus": False,
    # Tendermint 0.35, which some chains still run.
    "priv-validator.laddr": "",
    "priv-validator.key-file": "config/priv_validator_key.json",
    "priv-validator.state-file": "data/priv_validator_state.json",
}
#: These must not keep their defaults, so they are written where the file does not name them.
_ALWAYS = frozenset({"rpc.laddr", "p2p.laddr", "p2p.pex", "db_dir"})
_APP: Mapping[str, object] = {
    "halt-height": 0,
    "halt-time": 0,
    "state-sync.snapshot-interval": 0,
    "api.enable": False,
    "grpc.enable": False,
    "grpc-web.enable": False,
    "json-rpc.enable": False,
    "rosetta.enable": False,
    "oracle.enabled": False,
    "evm.http_enabled": False,
    "evm.ws_enabled": False,
    "streaming.abci.keys": [],
    "store.streamers": [],
}
_GAS = "minimum-gas-prices"


def isolate(home: str, scratch: str) -> str:
    """Give a scratch home that `init` has made the operator's configuration; return its RPC address.

    Raises:
        BackupError: A file cannot be read, written or understood.
    """
    try:
        for name in _FILES:
            path = os.path.join(home, "config", name)
            if os.path.isfile(path):
                shutil.copyfile(path, os.path.join(scratch, "config", name))
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            laddr = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        _edit(os.path.join(scratch, "config", "config.toml"), {**_CONFIG, "rpc.laddr": laddr})
        _edit(os.path.join(scratch, "config", "app.toml"), _APP)
    except (OSError, ValueError, TOMLKitError) as error:
        raise BackupError(
            f"cannot use the node's configuration for the trial: {error}", f"Look at {home}/config."
        ) from None
    return laddr


def _edit(path: str, changes: Mapping[str, object]) -> None:
    with open(path, encoding="utf-8") as file:
        document = tomlkit.parse(file.read())
    for place, content in changes.items():
        *sections, key = place.split(".")
        table: Any = document
        for section in sections:
            if place in _ALWAYS and section not in table:
                table[section] = tomlkit.table()
            table = table.get(section) if hasattr(table, "get") else None
        if not hasattr(table, "get"):
            continue
        for form in (key, key.replace("_", "-")):
            if form in table:
                table[form] = content
        if place in _ALWAYS and key.replace("_", "-") not in table:
            table[key] = content
    if _GAS in document and not document[_GAS]:
        document[_GAS] = (
            "0stake"  # the node's arguments may have named it; an empty one keeps it from starting
        )
    durable.write_file(path, tomlkit.dumps(document).encode())
