"""A scratch home with a copy of the real data, without keys, sign-state and peers."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Mapping

import tomlkit

from cosmovisor.backup import methods
from cosmovisor.model.errors import BackupError
from cosmovisor.storage import durable

#: The sign-state belongs to the key, the log to the consensus that it signed in; neither is copied.
_LEFT_OUT = frozenset({"priv_validator_state.json", "cs.wal"})
_RESERVE = 256 << 20
_SERVERS_OF_APP = ("api", "grpc", "grpc-web", "json-rpc", "rosetta")


def make(home: str, scratch: str, data: str, progress: Callable[[str], None]) -> str:
    """Fill a scratch home that `init` has made; return the RPC address of its node.

    Args:
        home: The real home, for its genesis and `wasm/`.
        scratch: The scratch home.
        data: The data to copy: the real `data/` of a node that is down, or that of a backup.
        progress: Told what is copied.

    Raises:
        BackupError: There is no room, or a file cannot be read or written.
    """
    try:
        _check_room(data, scratch)
        progress(f"copying {data}")
        _copy_tree(data, os.path.join(scratch, "data"))
        if os.path.isdir(os.path.join(home, "wasm")):
            _copy_tree(os.path.join(home, "wasm"), os.path.join(scratch, "wasm"))
        shutil.copyfile(
            os.path.join(home, "config", "genesis.json"), os.path.join(scratch, "config", "genesis.json")
        )
        return _isolate(scratch)
    except OSError as error:
        raise BackupError(
            f"cannot copy the data for the trial: {error.strerror or error}", "Check space and rights."
        ) from None


def _check_room(data: str, scratch: str) -> None:
    sample = next((os.path.join(place, name) for place, _, names in os.walk(data) for name in names), None)
    if sample is None:
        raise BackupError(f"there is no data in {data}", "Name the folder with --data.")
    if methods.choose(sample, scratch) == "reflink":
        return
    size = sum(os.lstat(os.path.join(place, n)).st_size for place, _, names in os.walk(data) for n in names)
    free = shutil.disk_usage(scratch).free
    if size + _RESERVE > free:
        raise BackupError(
            f"a copy of the data needs {size} bytes and {free} are free",
            "Make room, or rehearse without --trial.",
        )


def _copy_tree(source: str, target: str) -> None:
    for place, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        into = os.path.join(target, os.path.relpath(place, source))
        durable.make_folder(into)
        for name in names:
            path = os.path.join(place, name)
            if name in _LEFT_OUT or not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            if not methods.try_clone(path, os.path.join(into, name)):
                shutil.copyfile(path, os.path.join(into, name))


def _isolate(scratch: str) -> str:
    """Switch off peers and every server but the RPC, which gets a free port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        laddr = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    _edit(
        os.path.join(scratch, "config", "config.toml"),
        {
            "priv_validator_laddr": "",
            "rpc.laddr": laddr,
            "rpc.pprof_laddr": "",
            "p2p.laddr": "tcp://127.0.0.1:0",
            "p2p.seeds": "",
            "p2p.persistent_peers": "",
            "p2p.pex": False,
            "instrumentation.prometheus": False,
        },
    )
    servers = {f"{section}.enable": False for section in _SERVERS_OF_APP}
    _edit(os.path.join(scratch, "config", "app.toml"), servers)
    return laddr


def _edit(path: str, changes: Mapping[str, object]) -> None:
    with open(path, encoding="utf-8") as file:
        document = tomlkit.parse(file.read())
    for place, content in changes.items():
        section, _, key = place.rpartition(".")
        if section and section not in document:
            continue
        table = document[section] if section else document
        table[key] = content
    durable.write_file(path, tomlkit.dumps(document).encode())
