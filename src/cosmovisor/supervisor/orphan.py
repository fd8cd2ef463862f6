"""What an earlier supervisor, ended by force, has left running: its node, or a helper of an upgrade."""

from __future__ import annotations

import os
import time

from cosmovisor.storage import locks
from cosmovisor.supervisor import effects, helper, processes, spawn
from cosmovisor.supervisor.context import Context
from cosmovisor.supervisor.effects import Launched

#: Seconds that a helper gets to end after SIGTERM.
_GRACE = 5.0


def find(context: Context) -> Launched | None:
    """Return the living node of an earlier supervisor; None where none lives.

    A helper (`pre-upgrade`, the operator's script) is ended here, since its step is taken again from its
    beginning; only a node is handed to the machine.
    """
    lock = context.layout.node_lock
    if not locks.is_held(lock):
        return None
    holder = locks.holder(lock)
    # The record tells who took the lock last, also where that process has gone and its children hold it.
    if locks.recorded(lock).command.startswith(helper.MARK) or not holder.pid:
        end(lock)
        return None
    words = holder.command.split(" ")
    started = armed(context, tuple(words))
    arguments = (*context.arguments, effects.HALT_HEIGHT, str(started)) if started else None
    return launched(context, holder.pid, holder.since or time.time(), words[0], arguments)


def armed(context: Context, words: tuple[str, ...]) -> int:
    """Return the halt height that an exact schedule has given to a node; 0: none, or the operator's own.

    Args:
        context: The home, with the operator's arguments.
        words: The end of the node's command line.
    """
    if len(words) < 2 or words[-2] != effects.HALT_HEIGHT or context.arguments[-2:] == words[-2:]:
        return 0
    return int(words[-1]) if words[-1].isascii() and words[-1].isdigit() else 0


def launched(
    context: Context, pid: int, started_at: float, binary: str, arguments: tuple[str, ...] | None = None
) -> Launched:
    """Describe a node that runs already.

    Args:
        context: The home.
        pid: Its main process.
        started_at: When it was started, seconds since the epoch.
        binary: Its program, which also tells its version.
        arguments: Its arguments; None: those of the command line.
    """
    folder = os.path.dirname(os.path.dirname(binary))
    version = context.layout.version_of(folder) if folder.startswith("/") else None
    child = spawn.Child(pid, spawn.pidfd_of(pid), started_at)
    return Launched(child, version, binary, context.arguments if arguments is None else arguments)


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
