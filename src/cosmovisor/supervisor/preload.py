"""Imports the whole upgrade path ahead: between halt and launch nothing is imported.

Our own files may have been replaced by a package manager meanwhile, and a disk may be slow just then.
"""

from __future__ import annotations

import importlib

#: What is imported inside functions along the way, in our rooms and in the standard library.
MODULES = (
    "cosmovisor.backup",
    "cosmovisor.chain.address",
    "cosmovisor.chain.block_store",
    "cosmovisor.chain.daemon_status",
    "cosmovisor.chain.http",
    "cosmovisor.chain.keys",
    "cosmovisor.chain.rpc",
    "cosmovisor.chain.sign_state",
    "cosmovisor.chain.wal",
    "cosmovisor.staging.ready",
    "cosmovisor.supervisor.orphan",
    "base64",
    "contextlib",
    "encodings.idna",
    "hashlib",
    "http.client",
    "json",
    "select",
    "setproctitle",
    "socket",
    "stat",
    "subprocess",
    "tempfile",
    "tomllib",
)


def everything() -> None:
    """Import all of it; a module that a platform lacks is met where it is needed."""
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
