"""A staging process takes what the node leaves: low priority, little memory, first to go when memory ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import threading
import time

#: Enough for Python, TLS and every unpacker with its window; an archive that asks for more is refused.
MEMORY = 512 * 1024 * 1024
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_IDLE = 3 << 13
_OOM_SCORE = "800"


def lower(*, urgent: bool) -> None:
    """Lower what this process may take; each measure that the system refuses is left out.

    Args:
        urgent: True at the height, when the node waits for us: only the limits then.
    """
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)
    _soft(resource.RLIMIT_DATA, MEMORY)
    _soft(resource.RLIMIT_CORE, 0)
    if urgent:
        return
    with contextlib.suppress(OSError):
        os.nice(10)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, 1, 0, _IDLE)


def end_with_parent(parent: int = 0) -> None:
    """End this process within half a second of its parent's end, whatever it waits for.

    Args:
        parent: The parent's process id as it told it itself, since it may have ended before this is called;
            0: who is the parent now.

    A staging process of a killed supervisor would hold the staging lock until its server's patience ends,
    and the next supervisor would wait for it at the height. The parent's thread is not its life (threads of a
    pool end early), so the kernel's own signal for this cannot be used. Ending anywhere is safe: nothing that
    staging does is visible before its last rename.
    """
    known = parent or os.getppid()

    def watch() -> None:
        while os.getppid() == known:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _soft(kind: int, limit: int) -> None:
    """Only the soft limit: the probes of the new binary get limits of their own."""
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
