"""A program of the upgrade (the operator's script, `pre-upgrade`): own session, node's lock, time limit.

It inherits the node's lock, so that after a kill of ours no node and no second helper starts beside it.
"""

from __future__ import annotations

import contextlib
import os
import select
import time

from cosmovisor.storage import locks
from cosmovisor.supervisor import processes, spawn

#: How the record in the node's lock tells a helper from a node.
MARK = "helper: "
#: Seconds from SIGTERM to SIGKILL.
_GRACE = 5.0


class Helper:
    """A running helper.

    Args:
        lock: The node's lock file.
        command: The program and its arguments.
        environ: Its environment.
        folder: Its working directory; empty: ours.

    Raises:
        CosmovisorError: The lock is held, or the kernel refuses to execute the file.
    """

    def __init__(self, lock: str, command: list[str], environ: dict[str, str], folder: str) -> None:
        self._lock = lock
        # Recorded before it runs: whoever is found with the lock after a kill in between is no node.
        held = locks.hold(lock, command=MARK + " ".join(command))
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Both streams go to our standard error: the node's own output stays free of them.
            redirect = ((null, 0), (2, 1))
            self.child = spawn.spawn(
                command[0],
                command[1:],
                environ,
                now=time.time(),
                redirect=redirect,
                folder=folder,
                lock=held.fd,
            )
            held.describe(self.child.pid, MARK + " ".join(command))
        finally:
            os.close(null)
            held.close()

    def terminate(self) -> None:
        """Send SIGTERM to the helper's group."""
        with contextlib.suppress(OSError):
            os.killpg(self.child.pid, 15)

    def kill(self) -> None:
        """Send SIGKILL to the helper's session."""
        processes.kill_session(self.child.pid)

    def wait(self, limit: float) -> int | None:
        """Wait for the end of the helper and of what it started.

        Args:
            limit: Seconds until it is ended.

        Returns:
            Its exit status, -n for signal n; None where the limit has ended it.
        """
        late = not self._ended(limit)
        if late:
            self.terminate()
            if not self._ended(_GRACE):
                self.kill()
        status = spawn.reap(self.child.pid)
        if self.child.pidfd >= 0:
            os.close(self.child.pidfd)
        if processes.has_members(self.child.pid) or locks.is_held(self._lock):
            processes.kill_session(self.child.pid)
        return None if late or status is None else status

    def _ended(self, limit: float) -> bool:
        deadline = time.monotonic() + limit
        if self.child.pidfd >= 0:
            ready, _, _ = select.select([self.child.pidfd], [], [], limit)
            return bool(ready)
        while time.monotonic() < deadline:
            if os.waitid(os.P_PID, self.child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None:
                return True
            time.sleep(0.01)
        return False
