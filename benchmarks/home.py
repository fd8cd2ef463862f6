"""Homes for the measurements: an old and a new program in place, and what they stamp."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAME = "benchd"
PLAN = "next"
HEIGHT = 100


@dataclasses.dataclass(frozen=True)
class Tool:
    """A program that is measured: its label, its command, and further variables."""

    label: str
    command: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Stamp:
    """A line that a node wrote: what, by which program, when (monotonic nanoseconds), its process."""

    what: str
    which: str
    at: int
    pid: int


def compile_nodes(folder: str) -> None:
    """Compile the old and the new node program into a folder."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if not compiler:
        sys.exit("the measurements need a C compiler: install gcc and run this again")
    source = os.path.join(os.path.dirname(__file__), "node.c")
    for which in ("old", "new"):
        words = [compiler, "-O2", "-static", f'-DWHICH="{which}"', "-o", os.path.join(folder, which), source]
        subprocess.run(words, check=True)


class Home:
    """A fresh `DAEMON_HOME` below the work folder."""

    def __init__(self, work: str, tool: Tool, **environ: str) -> None:
        self.path = tempfile.mkdtemp(prefix="home-", dir=work)
        self.tool = tool
        for folder, which in (("genesis", "old"), (f"upgrades/{PLAN}", "new")):
            place = os.path.join(self.path, "cosmovisor", folder, "bin")
            os.makedirs(place)
            shutil.copy2(os.path.join(work, which), os.path.join(place, NAME))
        os.makedirs(os.path.join(self.path, "data"))
        self.environ = {
            key: text
            for key, text in os.environ.items()
            if not key.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_", "BENCH_"))
        }
        self.environ.update(
            DAEMON_HOME=self.path,
            DAEMON_NAME=NAME,
            UNSAFE_SKIP_BACKUP="true",
            DAEMON_RESTART_AFTER_UPGRADE="true",
            BENCH_PLAN=json.dumps({"name": PLAN, "time": "0001-01-01T00:00:00Z", "height": HEIGHT}),
        )
        self.environ.update(tool.environ)
        self.environ.update(environ)

    @property
    def node(self) -> str:
        """Path of the old program."""
        return os.path.join(self.path, "cosmovisor", "genesis", "bin", NAME)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start the tool with all streams on the null device."""
        return self._start([*self.tool.command, *words])

    def start_bare(self) -> subprocess.Popen[bytes]:
        """Start the old program without a tool."""
        return self._start([self.node, "start"])

    def _start(self, line: list[str]) -> subprocess.Popen[bytes]:
        null = subprocess.DEVNULL
        return subprocess.Popen(
            line,
            env=self.environ,
            cwd=self.path,
            stdin=null,
            stdout=null,
            stderr=null,
            start_new_session=True,
        )

    def stamps(self) -> list[Stamp]:
        """Return what the nodes have stamped so far."""
        try:
            with open(os.path.join(self.path, "stamps")) as file:
                rows = [line.split() for line in file if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [Stamp(row[0], row[1], int(row[2]), int(row[3])) for row in rows]

    def await_stamp(
        self, what: str, which: str, process: subprocess.Popen[bytes], seconds: float = 20
    ) -> Stamp | None:
        """Return the first such stamp; None where the tool ended or the time was up without it."""
        end = time.monotonic() + seconds
        while True:
            last = time.monotonic() > end or process.poll() is not None
            for stamp in self.stamps():
                if (stamp.what, stamp.which) == (what, which):
                    return stamp
            if last:
                return None
            time.sleep(0.002)

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the tool and the nodes of this home, and remove the home."""
        if process.poll() is None:
            process.kill()
        process.wait()
        for pid in {stamp.pid for stamp in self.stamps()}:
            try:
                if os.readlink(f"/proc/{pid}/exe").startswith(self.path):
                    os.kill(pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue
        shutil.rmtree(self.path, ignore_errors=True)
