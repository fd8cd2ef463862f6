"""Homes of real nodes: made by the daemon's own commands, configured for one machine and quick blocks."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import subprocess
from typing import Any

import tomlkit
from tools.go_build import Built
from tools.real_chain.recipes import DAEMON
from tools.real_chain.rpc import Rpc

BLOCK_TIME = "800ms"
VOTING_PERIOD = "12s"
KEY = "validator"
STAKE = "500000000stake"
FUNDS = "1000000000000stake"


class DaemonError(Exception):
    """A command of the daemon failed; carries its words and the end of its standard error."""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclasses.dataclass
class Node:
    """One node home.

    Attributes:
        home: The node's own home (`--home`).
        user_home: What the daemon sees as `HOME`; its default home lies below it.
        chain_id: The chain.
        built: The executable that the harness itself uses for commands.
        rpc: Client of the node's RPC.
        p2p: Port of the node's peer address.
    """

    home: str
    user_home: str
    chain_id: str
    built: Built
    rpc: Rpc
    p2p: int

    @property
    def plan_file(self) -> str:
        """Path of the chain's plan file."""
        return os.path.join(self.home, "data", "upgrade-info.json")

    @property
    def sign_state_file(self) -> str:
        """Path of the validator's sign-state."""
        return os.path.join(self.home, "data", "priv_validator_state.json")

    def environ(self, built: Built | None = None) -> dict[str, str]:
        """Return the environment of the daemon: nothing of ours, its libraries found."""
        own = {
            key: text
            for key, text in os.environ.items()
            if not key.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_"))
        }
        return {**own, "HOME": self.user_home, "LD_LIBRARY_PATH": (built or self.built).lib}

    def command(self, *words: str, timeout: float = 60) -> str:
        """Run one command of the daemon on this home and return its standard output."""
        line = [self.built.path, *words, "--home", self.home]
        done = subprocess.run(
            line,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise DaemonError(f"{' '.join(words)!r} ended with {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def start_words(self) -> list[str]:
        """Return the arguments of a start."""
        return ["start", "--home", self.home]

    def sign_state(self) -> tuple[int, int, int]:
        """Return height, round and step of the sign-state."""
        with open(self.sign_state_file) as file:
            document = json.load(file)
        return int(document["height"]), int(document["round"]), int(document["step"])


def create(home: str, user_home: str, chain_id: str, built: Built, *, rpc_port: int = 0) -> Node:
    """Make a node home with its keys and configuration, but no genesis of its own yet."""
    os.makedirs(user_home, exist_ok=True)
    node = Node(home, user_home, chain_id, built, Rpc(rpc_port or free_port()), free_port())
    node.command("init", os.path.basename(home), "--chain-id", chain_id, "--default-denom", "stake")
    _configure(node)
    return node


def found_chain(node: Node, voting_period: str = VOTING_PERIOD) -> None:
    """Make this node the only validator of a new chain with a short voting period."""
    keyring = ("--keyring-backend", "test")
    node.command("keys", "add", KEY, *keyring)
    node.command("genesis", "add-genesis-account", KEY, FUNDS, *keyring)
    node.command("genesis", "gentx", KEY, STAKE, "--chain-id", node.chain_id, *keyring)
    node.command("genesis", "collect-gentxs")
    path = os.path.join(node.home, "config", "genesis.json")
    with open(path) as file:
        genesis = json.load(file)
    params = genesis["app_state"]["gov"]["params"]
    params.update(voting_period=voting_period, expedited_voting_period="3s")
    params["min_deposit"] = [{"denom": "stake", "amount": "1"}]
    with open(path, "w") as file:
        json.dump(genesis, file)


def join_chain(node: Node, peer: Node) -> None:
    """Make this node a full node of the peer's chain, to sync its blocks from it."""
    shutil.copyfile(*(os.path.join(side.home, "config", "genesis.json") for side in (peer, node)))
    peer_id = peer.command("comet", "show-node-id").strip()
    with _edited(node, "config.toml") as document:
        document["p2p"]["persistent_peers"] = f"{peer_id}@127.0.0.1:{peer.p2p}"


class _edited:  # noqa: N801 - used as a statement
    def __init__(self, node: Node, name: str) -> None:
        self.path = os.path.join(node.home, "config", name)

    def __enter__(self) -> Any:
        with open(self.path) as file:
            self.document = tomlkit.load(file)
        return self.document

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            with open(self.path, "w") as file:
                tomlkit.dump(self.document, file)


def _configure(node: Node) -> None:
    with _edited(node, "config.toml") as document:
        document["rpc"]["laddr"] = f"tcp://127.0.0.1:{node.rpc.port}"
        document["rpc"]["pprof_laddr"] = ""
        document["p2p"].update(
            laddr=f"tcp://127.0.0.1:{node.p2p}", addr_book_strict=False, allow_duplicate_ip=True, pex=False
        )
        document["consensus"]["timeout_commit"] = BLOCK_TIME
    with _edited(node, "app.toml") as document:
        document["minimum-gas-prices"] = "0stake"
        document["api"]["enable"] = False
        document["grpc"]["address"] = f"127.0.0.1:{free_port()}"
        document["grpc-web"]["enable"] = False


def install(daemon_home: str, version_folder: str, built: Built) -> str:
    """Put an executable with its libraries into a version folder, as an operator would; return its path."""
    target = os.path.join(daemon_home, "cosmovisor", version_folder)
    os.makedirs(os.path.join(target, "bin"), exist_ok=True)
    path = os.path.join(target, "bin", DAEMON)
    shutil.copyfile(built.path, f"{path}.copying")
    os.chmod(f"{path}.copying", 0o755)
    shutil.copytree(built.lib, os.path.join(target, "lib"), dirs_exist_ok=True)
    os.rename(f"{path}.copying", path)
    return path
