"""What an earlier supervisor, ended by force, has left running: its node, or a helper of an upgrade."""

from __future__ import annotations

import os
import time

from cosmovisor.storage import locks
from cosmovisor.supervisor import helper, processes, spawn
from cosmovisor.supervisor.context import Context

#: Seconds that a helper gets to end after SIGTERM.
_GRACE = 5.0


def find(context: Context) -> tuple[spawn.Child, str] | None:
    """Return the living node of an earlier supervisor with its binary; None where none lives.

    A helper (`pre-upgrade`, the operator's script) is ended here, since its step is taken again from its
    beginning; only a node is handed to the machine.
    """
    lock = context.layout.node_lock
    if not locks.is_held(lock):
        return None
    holder = locks.holder(lock)
    if holder.command.startswith(helper.MARK) or not holder.pid:
        end(lock)
        return None
    child = spawn.Child(holder.pid, spawn.pidfd_of(holder.pid), holder.since or time.time())
    return child, holder.command.split(" ")[0]


def end(lock: str) -> None:
    """End whoever carries the node's lock; blocking, until the lock is free or nobody is left to end."""
    deadline = time.monotonic() + _GRACE
    for holder in locks.holders(lock):
        _send(holder.pid, 15)
    while locks.is_held(lock) and time.monotonic() < deadline:
        time.sleep(0.01)
    if locks.is_held(lock):
        for holder in locks.holders(lock):
            found = processes.look(holder.pid)
            if found is not None and found.session == holder.pid:
                processes.kill_session(holder.pid)
            _send(holder.pid, 9)
        deadline = time.monotonic() + _GRACE
        while locks.is_held(lock) and time.monotonic() < deadline:
            time.sleep(0.01)


def _send(pid: int, number: int) -> None:
    if pid in {0, os.getpid()}:
        return
    try:
        os.kill(pid, number)
    except OSError:
        return
