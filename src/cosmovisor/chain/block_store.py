"""The block store's height, read from a clone while the node is down (goleveldb; extra `blockstore`).

The library that reads it is foreign code on foreign files, so a child process does it, under limits of time
and memory: what crashes there harms nobody. The store itself is never opened: the child opens a folder of
links to its immutable tables and copies of its small files.
"""

from __future__ import annotations

import os

from cosmovisor.chain import answer, node_config
from cosmovisor.model.errors import ChainError
from cosmovisor.model.heights import UNKNOWN, Evidence

#: Seconds for the child; opening a store of many tables takes well below one.
TIME_LIMIT = 20.0
#: Bytes of address space of the child.
MEMORY_LIMIT = 1 << 30


def folder(data_folder: str) -> str:
    """Return the block store's place below `data/`."""
    return os.path.join(data_folder, "blockstore.db")


def engine(store: str) -> str:
    """Name the database engine of a store by its files.

    Returns:
        `goleveldb`, `rocksdb`, `pebbledb`, `boltdb`, `badgerdb`, `missing`, or `unknown`.
    """
    if os.path.isfile(store):
        return "boltdb"
    try:
        with os.scandir(store) as entries:
            names = [entry.name for _, entry in zip(range(100_000), entries, strict=False)]
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unknown"
    options = next((name for name in names if name.startswith("OPTIONS-")), "")
    if options:
        text = node_config.read_bounded(os.path.join(store, options), 1 << 20) or b""
        return "pebbledb" if b"pebble" in text else "rocksdb"
    if any(name.endswith(".vlog") for name in names):
        return "badgerdb"
    if any(name.endswith(".sst") for name in names):
        return "rocksdb"
    return "goleveldb" if "CURRENT" in names else "unknown"


def height(data_folder: str, scratch: str, time_limit: float = TIME_LIMIT) -> Evidence:
    """Read the height of the block store of a node that is down.

    Args:
        data_folder: The node's `data/`.
        scratch: A folder of ours, on any file system; the clone is made and removed below it.
        time_limit: Seconds for all of it.

    Returns:
        Exact evidence.

    Raises:
        ChainError: Another engine (named), the library is not installed, or the store cannot be read.
    """
    import importlib.util

    store = folder(data_folder)
    found = engine(store)
    if found == "missing":
        return UNKNOWN
    if found != "goleveldb":
        raise ChainError(
            f"cannot read the block store: its engine is {found}, only goleveldb is read", engine=found
        )
    if importlib.util.find_spec("plyvel") is None:
        raise ChainError(
            "cannot read the block store: the library for goleveldb is not installed",
            "Install cosmovisor with the extra: pip install 'cosmovisor[blockstore]'.",
            engine=found,
        )
    return _ask_child(store, scratch, time_limit)


def _ask_child(store: str, scratch: str, time_limit: float) -> Evidence:
    import subprocess
    import sys
    import time

    command = [sys.executable, "-m", "cosmovisor.chain.block_store_child", store, scratch, str(MEMORY_LIMIT)]
    started = time.time()
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=time_limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ChainError(f"cannot read the block store: no result within {time_limit:g} s") from error
    except OSError as error:
        raise ChainError(f"cannot read the block store: {error.strerror}") from error
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = words[-1][:200] if words else f"the reader ended with status {done.returncode}"
        raise ChainError(f"cannot read the block store: {reason}")
    result = answer.parse(done.stdout[:4096], "the block store reader")
    return Evidence(answer.height(answer.take(result, "height"), "height"), "exact", "block store", started)
