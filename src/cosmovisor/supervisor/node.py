"""The node, held as (pid, pidfd): its end, its signals, its session."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time

from cosmovisor.decide import events
from cosmovisor.model.receipts import NodeStopped
from cosmovisor.storage import locks
from cosmovisor.supervisor import processes, spawn
from cosmovisor.supervisor.program import finish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two looks where the kernel has no pidfd.
_LOOK = 0.05
#: Seconds in which what is left of a session must be gone after SIGKILL; a dying disk may need them.
_REAP = 60.0
#: Seconds in which a helper of ours is through with its exec.
_INSTANT = 0.2


class Node:
    """A living node.

    Args:
        child: Its main process.
        lock: Path of the node's lock.
        ended: Called in the loop with the event, once the whole session is gone.
    """

    def __init__(self, child: spawn.Child, lock: str, ended: Callable[[events.NodeExited], None]) -> None:
        self.child = child
        self._lock = lock
        self._ended = ended
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pidfd = self.child.pidfd
        if pidfd >= 0:
            gone = loop.create_future()
            loop.add_reader(pidfd, finish, gone)
            try:
                await gone
            finally:
                loop.remove_reader(pidfd)
        else:
            while processes.alive(self.child.pid):  # noqa: ASYNC110  no event tells of it
                await asyncio.sleep(_LOOK)
        status = spawn.reap(self.child.pid)
        at = time.time()
        if not self._is_all_gone():
            await asyncio.to_thread(end_session, self.child.pid, self._lock)
        if pidfd >= 0:
            os.close(pidfd)
        self._ended(events.NodeExited(time.monotonic(), status, NodeStopped(at)))

    def _is_all_gone(self) -> bool:
        """Tell at the price of two system calls that nothing of the session is left, the usual case."""
        return not processes.has_members(self.child.pid) and not locks.is_held(self._lock)

    def signal(self, number: int) -> None:
        """Send a signal to the main process; one that has ended gets none."""
        with contextlib.suppress(ProcessLookupError):
            if self.child.pidfd >= 0:
                signal.pidfd_send_signal(self.child.pidfd, number)
            else:
                os.kill(self.child.pid, number)

    async def kill(self) -> None:
        """SIGKILL the whole session."""
        self.signal(signal.SIGKILL)
        await asyncio.to_thread(processes.kill_session, self.child.pid)


def end_session(session: int, lock: str) -> None:
    """End what a node's session has left over, and whoever still carries the node's lock; blocking."""
    began = time.monotonic()
    while time.monotonic() - began < _REAP:
        left = processes.kill_session(session)
        # A helper of ours that is just between fork and exec has the lock open for an instant.
        held = locks.is_held(lock) and time.monotonic() - began > _INSTANT
        for holder in locks.holders(lock) if held else ():
            if holder.pid not in {0, os.getpid()}:
                with contextlib.suppress(OSError):
                    os.kill(holder.pid, signal.SIGKILL)
                left += 1
        if not left and not locks.is_held(lock):
            return
        time.sleep(0.01)
