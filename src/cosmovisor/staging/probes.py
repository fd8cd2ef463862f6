"""Runs a binary before its time, in a cage: does `version` answer, is there a `pre-upgrade`?

What it says is an opinion: it warns and never blocks. Only binaries of scheduled plans are run, and scripts
are not: what they do on their first run (fetch, compile) is not known.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time

from cosmovisor.model.receipts import Proof
from cosmovisor.model.value import value
from cosmovisor.staging.prove import Probed
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A cold evmosd needs 2.3 s to start on a quiet machine.
_SECONDS = 20.0
_MEMORY = 2 << 30
_LARGEST_OUTPUT = 64 * 1024
#: As cobra says it, and as the SDK's logger quotes it since 0.50.
_UNKNOWN = re.compile(r'unknown command \\?"pre-upgrade\\?"')
_ENVIRONMENT = ("LANG", "LC_ALL", "TZ", "PATH")


@value
class Answer:
    """What a command in the cage did.

    Attributes:
        status: Its exit status; 128+n for a signal; None where it was stopped for its time.
        output: What it wrote to both streams, bounded.
        made: What the cage was made of.
        lacking: What the kernel did not give.
        seconds: How long it took.
    """

    status: int | None
    output: str
    made: tuple[str, ...]
    lacking: tuple[str, ...]
    seconds: float


class Prober:
    """Runs the two probes for `prove`.

    Args:
        scratch: A folder of ours for the cage; made and removed here.
        environ: The node's environment; only harmless parts of it are given on.
    """

    def __init__(self, scratch: str, environ: Mapping[str, str]) -> None:
        self.scratch = scratch
        self.environ = environ

    def __call__(self, path: str, libraries: tuple[str, ...]) -> Probed:
        """Probe a binary in its place."""
        with open(path, "rb") as file:
            if file.read(2) == b"#!":
                text = "it is a script and was not run ahead: what it does on its first run is not known"
                return Probed((Proof("version-probe", "ok", text),))
        version = self.run(path, ["version"], libraries)
        proofs = [_version_proof(version), _cage_proof(version)]
        help_ = self.run(path, ["pre-upgrade", "--help"], libraries)
        absent = help_.status not in {0, None} and _UNKNOWN.search(help_.output) is not None
        if absent:
            proofs.append(Proof("pre-upgrade-probe", "ok", "it has no pre-upgrade command"))
        elif help_.status == 0 and "pre-upgrade" in help_.output:
            # The night looks for this name: any failure of a command that exists is then a failure.
            proofs.append(Proof("pre-upgrade", "ok", "it has a pre-upgrade command"))
        else:
            text = "whether it has a pre-upgrade command could not be found out; it is asked at the height"
            proofs.append(Proof("pre-upgrade-probe", "ok", text))
        return Probed(tuple(proofs), absent, _said(version) if version.status == 0 else "")

    def run(
        self, path: str, arguments: Sequence[str], libraries: Sequence[str], *, seconds: float = _SECONDS
    ) -> Answer:
        """Run one command in the cage.

        Args:
            path: The binary.
            arguments: Its arguments.
            libraries: Its `LD_LIBRARY_PATH`.
            seconds: Time limit.
        """
        durable.remove_tree(self.scratch)
        durable.make_folder(self.scratch, 0o700)
        environment = {name: self.environ[name] for name in _ENVIRONMENT if name in self.environ}
        if libraries:
            environment["LD_LIBRARY_PATH"] = ":".join(libraries)
        folder = os.path.dirname(os.path.dirname(os.path.realpath(path)))
        spec = {
            "command": [os.path.realpath(path), *arguments],
            "folder": folder,
            "readable": [os.path.realpath(each) for each in libraries],
            "scratch": self.scratch,
            "environment": environment,
            "cpu": int(seconds) + 1,
            "memory": _MEMORY,
            "public": bool(os.stat(path).st_mode & 0o005 == 0o005 and os.stat(folder).st_mode & 0o001),
        }
        try:
            return _run(spec, seconds)
        finally:
            durable.remove_tree(self.scratch)


def _run(spec: Mapping[str, object], seconds: float) -> Answer:
    read_end, write_end = os.pipe()
    started = time.monotonic()
    cage = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cage.py")

    def keep() -> None:
        os.dup2(write_end, 3)

    process = subprocess.Popen(
        [sys.executable, "-I", "-S", cage, json.dumps(spec)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(3,) if write_end != 3 else (write_end,),
        preexec_fn=keep,  # noqa: PLW1509  it calls dup2 alone
        start_new_session=True,
        env={},
    )
    os.close(write_end)
    try:
        output, ended = _listen(process, started + seconds)
        report = _report(read_end)
    finally:
        os.close(read_end)
        _end(process)
    status = None if not ended else process.returncode
    if status is not None and status < 0:
        status = 128 - status
    text = output.decode("utf-8", "replace")
    return Answer(status, text, report[0], report[1], time.monotonic() - started)


def _listen(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bool]:
    """Take in output until its end, the deadline, or too much of it."""
    stream = process.stdout
    if stream is None:
        return b"", False
    fd = stream.fileno()
    output = b""
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([fd], [], [], left)
        if not ready:
            break
        data = os.read(fd, 65536)
        if not data:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return output, False
            return output, True
        if len(output) < _LARGEST_OUTPUT:
            output += data[: _LARGEST_OUTPUT - len(output)]
    return output, False


def _report(fd: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    os.set_blocking(fd, False)
    try:
        found = json.loads(os.read(fd, 65536))
        return tuple(found["made"]), tuple(found["lacking"])
    except (OSError, ValueError, KeyError, TypeError):
        return (), ()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the cage and all in it; its process namespace goes with its first process."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _said(answer: Answer) -> str:
    """The first line that is not empty, fit to be shown."""
    said = next((line.strip() for line in answer.output.splitlines() if line.strip()), "")[:120]
    return "".join(each if each.isprintable() else "?" for each in said)


def _version_proof(answer: Answer) -> Proof:
    shown = _said(answer)
    if answer.status == 0:
        return Proof("version-probe", "ok", f"`version` says {shown!r} in {answer.seconds:.1f} s")
    if answer.status is None:
        text = f"`version` did not end within {_SECONDS:.0f} s"
    elif answer.status > 128:
        text = f"`version` was ended by signal {answer.status - 128}: {shown!r}"
    else:
        text = f"`version` ended with status {answer.status}: {shown!r}"
    return Proof("version-probe", "warning", text, "Run it by hand; it may be the wrong program.")


def _cage_proof(answer: Answer) -> Proof:
    if "mount" in answer.made or "landlock" in answer.made:
        parts = ", ".join(answer.made)
        return Proof("cage", "ok", f"it was run without home and network ({parts})")
    return Proof(
        "cage",
        "warning",
        "this machine gives no cage (no namespaces, no landlock): it was run with an empty home only",
        "Nothing to do; allow user namespaces for a better cage.",
    )
