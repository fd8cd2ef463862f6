"""As the first process of a container we are the parent of every orphan: their ends are collected."""

from __future__ import annotations

import asyncio
import os
import signal

from cosmovisor.supervisor import spawn


def start_if_first(loop: asyncio.AbstractEventLoop) -> None:
    """Collect stray children if we are process 1."""
    if os.getpid() == 1:
        loop.add_signal_handler(signal.SIGCHLD, reap_strays)
        reap_strays()


def reap_strays() -> None:
    """Collect every child that has ended; the status of one that somebody waits for is kept for him."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        spawn.COLLECTED[pid] = status
        # Strays that nobody asks for must not pile up.
        while len(spawn.COLLECTED) > 1000:
            spawn.COLLECTED.pop(next(iter(spawn.COLLECTED)))
