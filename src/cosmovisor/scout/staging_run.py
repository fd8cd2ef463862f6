"""One staging process as its parent sees it: an order goes in, JSON lines come out, everything bounded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

#: Bytes of one line.
_LINE = 1 << 16


class StagingRun:
    """One staging process; `end` must be called.

    Args:
        order: What to stage, as `staging.request` reads it.
        command: The staging command.
        environ: Its environment.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self, order: Mapping[str, object], command: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        self._buffer = b""
        # A file, not a pipe: a process that does not read cannot hold us.
        with tempfile.TemporaryFile() as given:
            given.write(json.dumps(order).encode() + b"\n")
            given.seek(0)
            self.process = subprocess.Popen(
                list(command),
                stdin=given,
                stdout=subprocess.PIPE,
                env=dict(environ),
                start_new_session=True,
            )
        output = self.process.stdout
        if output is None:
            raise OSError("no pipe")
        self._output: IO[bytes] = output
        os.set_blocking(output.fileno(), False)

    def fileno(self) -> int:
        """Return the descriptor of its output, for `select`."""
        return self._output.fileno()

    def events(self) -> list[dict[str, object]]:
        """Return the JSON objects that have come since the last look; other lines are left out."""
        found: list[dict[str, object]] = []
        for _ in range(64):
            try:
                data = os.read(self._output.fileno(), _LINE)
            except (BlockingIOError, ValueError):
                break
            if not data:
                break
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            self._buffer = self._buffer[-_LINE:]
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    event = json.loads(line)
                    if isinstance(event, dict):
                        found.append(event)
        return found

    def end(self) -> None:
        """Kill what is left of it and reap it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._output.close()
        self.process.wait()


def command(config_file: str | None) -> list[str]:
    """Return the staging command for the same home."""
    option = ["--cosmovisor-config", config_file] if config_file else []
    return [sys.executable, "-m", "cosmovisor", "prepare-upgrade", "--supervised", *option]
