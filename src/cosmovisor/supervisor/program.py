"""A program of ours beside the supervisor (staging, scout): JSON lines come out, it may die at any time.

Its memory is offered to the kernel first when memory is short, so that the node is not taken for its sake.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.storage import light_json
from cosmovisor.supervisor import processes, spawn
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: `oom_score_adj` of our helpers: far above any node.
_OOM_SCORE = "900"
#: Bytes of one line; a longer one is left out.
_LINE = 1 << 20


def command(context: Context, words: list[str]) -> list[str]:
    """Return the command line of one of our own commands for the same home."""
    option = ["--cosmovisor-config", context.config_file] if context.config_file else []
    return [sys.executable, "-m", "cosmovisor", *words, *option]


class Program:
    """A running program of ours.

    Args:
        argv: Its command line.
        environ: Its environment.
        line: Called in the loop with each JSON object that it writes.
        ended: Called in the loop with its exit status (-n for signal n).
        given: Bytes for its standard input, at most what a pipe holds at once or what it reads.

    Raises:
        CosmovisorError: It cannot be started.
    """

    def __init__(
        self,
        argv: list[str],
        environ: dict[str, str],
        line: Callable[[dict[str, object]], None],
        ended: Callable[[int | None], None],
        given: bytes = b"",
    ) -> None:
        self._line, self._ended = line, ended
        self._buffer, self._skipping = b"", False
        self._given = given
        loop = asyncio.get_running_loop()
        theirs_in, self._in, self._out, theirs_out = _pipes(argv[0])
        try:
            redirect = ((theirs_in, 0), (theirs_out, 1))
            self.child = spawn.spawn(argv[0], argv[1:], environ, now=time.time(), redirect=redirect)
        except CosmovisorError:
            os.close(self._in)
            os.close(self._out)
            raise
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        _offer_to_the_kernel(self.child.pid)
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        loop.add_writer(self._in, self._write)
        loop.add_reader(self._out, self._read)
        self._task = loop.create_task(self._watch())

    def stop(self) -> None:
        """Ask it to end."""
        with contextlib.suppress(OSError):
            os.killpg(self.child.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and what it started."""
        with contextlib.suppress(OSError):
            os.killpg(self.child.pid, signal.SIGKILL)

    async def end(self) -> None:
        """End it and wait until nothing of it is left."""
        self.kill()
        await asyncio.wait({self._task}, timeout=10.0)

    def _write(self) -> None:
        try:
            while self._given:
                self._given = self._given[os.write(self._in, self._given) :]
        except BlockingIOError:
            return
        except OSError:
            self._given = b""
        asyncio.get_running_loop().remove_writer(self._in)
        os.close(self._in)
        self._in = -1

    def _read(self) -> None:
        try:
            data = os.read(self._out, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_output()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
                continue
            with contextlib.suppress(ValueError, RecursionError):
                document = light_json.loads(line)
                if isinstance(document, dict):
                    self._line(document)
        if len(self._buffer) > _LINE:
            self._buffer, self._skipping = b"", True

    def _close_output(self) -> None:
        if self._out >= 0:
            asyncio.get_running_loop().remove_reader(self._out)
            os.close(self._out)
            self._out = -1

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if self.child.pidfd >= 0:
            gone = loop.create_future()
            loop.add_reader(self.child.pidfd, finish, gone)
            await gone
            loop.remove_reader(self.child.pidfd)
            os.close(self.child.pidfd)
        else:
            while processes.alive(self.child.pid):  # noqa: ASYNC110  no event tells of it
                await asyncio.sleep(0.1)
        status = spawn.reap(self.child.pid)
        while self._out >= 0 and _is_readable(self._out):
            self._read()
        self._close_output()
        if self._in >= 0:
            loop.remove_writer(self._in)
            os.close(self._in)
            self._in = -1
        await asyncio.to_thread(processes.kill_session, self.child.pid)
        self._ended(status)


def _pipes(program: str) -> tuple[int, int, int, int]:
    """Open a pipe to a program and one from it, both or none.

    Raises:
        CosmovisorError: No descriptors are left.
    """
    ends: tuple[int, ...] = ()
    try:
        ends = os.pipe()
        ends += os.pipe()
    except OSError as error:
        for end in ends:
            os.close(end)
        raise CosmovisorError(
            f"cannot start {program}: {error.strerror}",
            "Raise the limit of open files of this service (LimitNOFILE=), or end what uses them up.",
        ) from error
    return ends[0], ends[1], ends[2], ends[3]


def finish(future: asyncio.Future[None]) -> None:
    """Let a waiter go on; once is enough."""
    if not future.done():
        future.set_result(None)


def _is_readable(fd: int) -> bool:
    import select

    return bool(select.select([fd], [], [], 0)[0])


def _offer_to_the_kernel(pid: int) -> None:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)
