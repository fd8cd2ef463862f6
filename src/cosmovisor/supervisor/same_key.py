"""The same validator key in two homes on one machine: the second launch is refused.

Mechanism: an abstract unix socket whose name holds chain and key. The kernel gives such a name once per
machine (network namespace), whoever the user is; the node inherits the open socket, so the name is taken for
exactly as long as the node lives. Nothing is written anywhere, and nothing is left behind by a crash.
"""

from __future__ import annotations

import errno
import os

from cosmovisor.model.errors import CosmovisorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Longest name that fits an address with its leading zero byte.
_LONGEST = 100


class SameKeyError(CosmovisorError):
    """Another node on this machine runs with the same key."""

    reference = "same-key"


def name_of(chain_id: str, validator: str) -> bytes:
    """Return the socket's name of a key on a chain."""
    return f"\0cosmovisor/key/{validator}/{chain_id}".encode()[:_LONGEST]


def claim(chain_id: str, validator: str) -> Any:
    """Take the name of a key; the result must be handed to the node and then closed.

    Returns:
        A bound socket that a child inherits, or None where the system has no abstract names.

    Raises:
        SameKeyError: A node with this key runs already.
    """
    if not os.path.exists("/proc/self/fd"):
        return None
    import _socket

    taken = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    name = name_of(chain_id, validator)
    try:
        taken.bind(name)
    except OSError as error:
        taken.close()
        if error.errno != errno.EADDRINUSE:
            return None
        raise SameKeyError(
            f"cannot start a second node with the key {validator} of chain {chain_id} on this machine:"
            f" {_holder(name)} runs with it",
            "Two nodes that sign with one key are slashed and tombstoned. Stop the other one and be sure that"
            " it stays down, or set COSMOVISOR_SAME_KEY=allow if neither of them signs.",
            validator=validator,
            chain_id=chain_id,
        ) from None
    os.set_inheritable(taken.fileno(), True)
    return taken


def holder(chain_id: str, validator: str) -> str:
    """Name the node that runs with a key, without taking its name for an instant; empty where none does."""
    name = name_of(chain_id, validator)
    return _holder(name) if _sockets(name) else ""


def _sockets(name: bytes) -> set[str]:
    """Return the open sockets of a name, as `/proc/PID/fd` shows them; empty where they cannot be seen."""
    shown = "@" + name[1:].decode()
    found = set()
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) >= 8 and words[7] == shown:
                    found.add(f"socket:[{words[6]}]")
    except OSError:
        return set()
    return found


def _holder(name: bytes) -> str:
    """Name the process that holds a socket name, where it can be seen."""
    from cosmovisor.supervisor import processes

    inodes = _sockets(name)
    for pid in processes.all_pids():
        folder = f"/proc/{pid}/fd"
        try:
            if any(os.readlink(f"{folder}/{fd}") in inodes for fd in os.listdir(folder)):
                return f"process {pid} ({processes.command_of(pid)})"
        except OSError:
            continue
    return "a process that cannot be seen from here"
