"""The home of a demo node: its folders, keys and the few settings that the daemon reads."""

from __future__ import annotations

import base64
import hashlib
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

CONFIG = """\
# Configuration of a demo node, with the keys of a real one.
proxy_app = "tcp://127.0.0.1:26658"
moniker = "{moniker}"
db_backend = "goleveldb"
db_dir = "data"
log_level = "info"
log_format = "plain"
priv_validator_key_file = "config/priv_validator_key.json"
priv_validator_state_file = "data/priv_validator_state.json"
priv_validator_laddr = ""
node_key_file = "config/node_key.json"

[rpc]
laddr = "{laddr}"

[p2p]
laddr = "tcp://127.0.0.1:0"

[consensus]
wal_file = "data/cs.wal/wal"
timeout_commit = "{interval}s"
double_sign_check_height = 0
"""

APP = """\
minimum-gas-prices = "0stake"
pruning = "default"
halt-height = 0
halt-time = 0
app-db-backend = ""
"""


def create(home: str, prog: str, *, chain_id: str, laddr: str, params: Json) -> None:
    """Make a home with fresh keys, as `init` does."""
    for folder in ("config", "data"):
        os.makedirs(os.path.join(home, folder), exist_ok=True)
    interval = params.setdefault("block_interval", 0.5)
    params.setdefault("voting_period", 2)
    params.setdefault("prefix", "demo")
    seed, public = os.urandom(32), os.urandom(32)
    config = os.path.join(home, "config")
    write(
        os.path.join(config, "config.toml"),
        CONFIG.format(moniker="validator", laddr=laddr, interval=interval),
    )
    write(os.path.join(config, "app.toml"), APP)
    write(os.path.join(config, "client.toml"), f'chain-id = "{chain_id}"\nnode = "{laddr}"\n')
    write(
        os.path.join(config, "genesis.json"),
        dumps({"genesis_time": "2026-01-01T00:00:00Z", "chain_id": chain_id}),
    )
    write(os.path.join(config, "demo.json"), dumps({"chain_id": chain_id, "prog": prog, **params}))
    write(
        os.path.join(config, "priv_validator_key.json"),
        dumps(
            {
                "address": hashlib.sha256(public).hexdigest()[:40].upper(),
                "pub_key": {"type": "tendermint/PubKeyEd25519", "value": base64.b64encode(public).decode()},
                "priv_key": {
                    "type": "tendermint/PrivKeyEd25519",
                    "value": base64.b64encode(seed + public).decode(),
                },
            }
        ),
        0o600,
    )
    node_key = base64.b64encode(os.urandom(64)).decode()
    write(
        os.path.join(config, "node_key.json"),
        dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": node_key}}),
        0o600,
    )
    state = os.path.join(home, "data", "priv_validator_state.json")
    if not os.path.exists(state):
        write(state, dumps({"height": "0", "round": 0, "step": 0}), 0o600)


def dumps(content: object) -> str:
    """Indent as Tendermint does."""
    return json.dumps(content, indent=2)


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file of the home."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)


def read_json(home: str, *names: str) -> Json:
    """Read a JSON file of the home."""
    with open(os.path.join(home, *names), encoding="utf-8") as file:
        content: Json = json.load(file)
    return content


def node_id(home: str) -> str:
    """Return the node id: the hash of the node key's public half."""
    key = base64.b64decode(read_json(home, "config", "node_key.json")["priv_key"]["value"])
    return hashlib.sha256(key[32:]).hexdigest()[:40]


#: Flag → file, section and key of the settings that the daemon reads.
SETTINGS = {
    "halt-height": ("app.toml", "", "halt-height"),
    "node": ("client.toml", "", "node"),
    "rpc.laddr": ("config.toml", "rpc", "laddr"),
}


def setting(home: str, prog: str, arguments: list[str], flag: str) -> str:
    """Return a setting as the daemon sees it: argument, then environment, then file; empty where unset."""
    file, section, key = SETTINGS[flag]
    for at, word in enumerate(arguments):
        if word == f"--{flag}" and at + 1 < len(arguments):
            return arguments[at + 1]
        if word.startswith(f"--{flag}="):
            return word.split("=", 1)[1]
    variable = f"{prog.upper()}_{flag.upper().replace('.', '_').replace('-', '_')}"
    if variable in os.environ:
        return os.environ[variable]
    try:
        with open(os.path.join(home, "config", file), encoding="utf-8") as lines:
            return _find(lines.read(), section, key)
    except FileNotFoundError:
        return ""


def _find(text: str, section: str, key: str) -> str:
    current = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            current = line.strip("[]")
        elif current == section and line.split("=", 1)[0].strip() == key:
            return line.split("=", 1)[1].strip().strip('"')
    return ""


def gate(home: str) -> int:
    """Return the height above which the chain waits, from `config/gate`; none where there is no such file."""
    try:
        with open(os.path.join(home, "config", "gate"), encoding="ascii") as file:
            return int(file.read())
    except FileNotFoundError:
        return 1 << 62


def replace_laddr(home: str, laddr: str) -> None:
    """Write a chosen RPC address back into config.toml, so that others find the node."""
    path = os.path.join(home, "config", "config.toml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    head, _, tail = text.partition("[rpc]")
    old = next(line for line in tail.splitlines() if line.strip().startswith("laddr"))
    write(path + ".new", head + "[rpc]" + tail.replace(old, f'laddr = "{laddr}"', 1))
    os.rename(path + ".new", path)
