"""The home of a night on disk: as small as the real code allows."""

from __future__ import annotations

import base64
import hashlib
import json
import os

from cosmovisor.config import load as configuration
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import GENESIS_VERSION
from cosmovisor.supervisor import context as contexts
from cosmovisor.supervisor.context import Context
from tests.simulation.script import Script

CHAIN_ID = "night-1"
_KEY = bytes(range(64))
NODE_ID = hashlib.sha256(_KEY[32:]).hexdigest()[:40]
_FILES = {
    "genesis.json": {"chain_id": CHAIN_ID},
    "node_key.json": {
        "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": base64.b64encode(_KEY).decode()}
    },
}
_CONTENTS = {name: json.dumps(content) for name, content in _FILES.items()}
_settings: dict[tuple[str, bool, bool], tuple[Settings, dict[str, str]]] = {}


def build(home: str, script: Script) -> Context:
    """Make the folders of a home and return what the supervisor knows of it."""
    for folder in ("config", "data/blockstore.db", "data/application.db", "cosmovisor/upgrades"):
        os.makedirs(os.path.join(home, folder))
    for name, content in _CONTENTS.items():
        with open(os.path.join(home, "config", name), "w") as file:
            file.write(content)
    if script.signs:
        with open(os.path.join(home, "config", "priv_validator_key.json"), "w") as file:
            file.write(json.dumps({"address": "AB" * 20}))
    key = (home, script.adopts, script.restarts)
    if key not in _settings:
        _settings.clear()
        _settings[key] = _load(home, script)
    settings, environ = _settings[key]
    arguments = ["start", "--home", home]
    if script.twist == "skipped":
        arguments.append(f"--unsafe-skip-upgrades={script.plans[0].height}")
    context = contexts.build(settings, arguments, environ, None)
    binary(context.layout.bin(GENESIS_VERSION), "v1")
    return context


def _load(home: str, script: Script) -> tuple[Settings, dict[str, str]]:
    environ = {
        "DAEMON_HOME": home,
        "DAEMON_NAME": "demod",
        "UNSAFE_SKIP_BACKUP": "false",
        "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
        "COSMOVISOR_HOLD_LIMIT": "60s",
        "COSMOVISOR_PREUPGRADE_TIMEOUT": "120s",
        "COSMOVISOR_SAME_KEY": "allow",
        "COSMOVISOR_ORPHAN": "adopt" if script.adopts else "stop",
        "COSMOVISOR_RESTART": "on" if script.restarts else "off",
    }
    settings = configuration.require(configuration.load(environ, None))
    return settings, environ


def binary(path: str, version: str) -> None:
    """Put a program into its place, whole."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(f"daemon {version}")
    os.chmod(path, 0o755)


def sign_state(home: str, height: int) -> None:
    """Write the sign-state as a node does."""
    with open(os.path.join(home, "data", "priv_validator_state.json"), "w") as file:
        file.write(json.dumps({"height": str(height), "round": 0, "step": 3 if height else 0}))
