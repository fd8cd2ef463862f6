"""The real new binary against a copy of the data: does it load, and what does it say?

Before the height it must refuse; at the halt it applies the upgrade on the copy, and the time that this takes
is the best forecast of the night that there is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping

from cosmovisor.chain.rpc import Rpc
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import BackupError, ChainError
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.value import value
from cosmovisor.rehearsal import copy
from cosmovisor.rehearsal.check import Check, failed, ok, warning
from cosmovisor.storage import durable

#: What the chain program says when it is too early for it: it has loaded, and that is what was asked.
_TOO_EARLY = ("BINARY UPDATED BEFORE TRIGGER", "should be added using StoreUpgrades")
_TAIL = 64 * 1024
_INIT_LIMIT = 60.0


@value
class Tried:
    """What the trial has shown.

    Attributes:
        checks: What was found.
        seconds: Start until the RPC answered; negative where it never did.
    """

    checks: tuple[Check, ...]
    seconds: float = -1.0


def run(
    layout: Layout,
    staged: StagedBinary,
    places: tuple[str, str, str],
    environ: Mapping[str, str],
    limit: float,
    progress: Callable[[str], None],
) -> Tried:
    """Start the binary on a copy and take everything away again.

    Args:
        layout: The folder tree.
        staged: The binary.
        places: The real home, the data to copy, and the folder in which the scratch home is made.
        environ: The node's environment.
        limit: Seconds that the binary may take until its RPC answers.
        progress: Told what is being done.
    """
    home, data, base = places
    scratch = tempfile.mkdtemp(prefix=".rehearsal-", dir=base)
    try:
        given = _environment(layout, staged, environ, scratch)
        done = subprocess.run(
            [staged.path, "init", "rehearsal", "--chain-id", "rehearsal-1", "--home", scratch],
            env=given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INIT_LIMIT,
            check=False,
        )
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip().splitlines()
            return Tried(
                (failed("trial", f"`init` ended with {done.returncode}: {text[-1] if text else ''}"),)
            )
        laddr = copy.make(home, scratch, data, progress)
        progress(f"starting {staged.path} on the copy")
        return _watch(staged.path, scratch, laddr, given, limit)
    except BackupError as error:
        return Tried((failed("trial", error.cause, error.next_step),))
    except subprocess.TimeoutExpired:
        return Tried((failed("trial", f"`init` did not end within {_INIT_LIMIT:.0f} s"),))
    finally:
        durable.remove_tree(scratch)


def _environment(
    layout: Layout, staged: StagedBinary, environ: Mapping[str, str], scratch: str
) -> dict[str, str]:
    prefix = f"{layout.daemon_name.upper().replace('-', '_')}_"
    given = {name: text for name, text in environ.items() if not name.startswith(prefix)}
    given["HOME"] = scratch
    library = layout.libraries(staged.version)
    if os.path.isdir(library):
        given["LD_LIBRARY_PATH"] = ":".join(filter(None, [library, given.get("LD_LIBRARY_PATH", "")]))
    return given


def _watch(path: str, scratch: str, laddr: str, environ: dict[str, str], limit: float) -> Tried:
    log = os.path.join(scratch, "trial.log")
    began = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [path, "start", "--home", scratch],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=scratch,
        )
    try:
        rpc = Rpc(laddr, 2.0)
        while process.poll() is None and time.monotonic() - began < limit:
            try:
                height = rpc.abci_info().height
            except ChainError:
                time.sleep(0.05)
                continue
            seconds = time.monotonic() - began
            return Tried(
                (ok("trial", f"it runs on the copy at height {height}, up after {seconds:.1f} s"),), seconds
            )
    finally:
        _end(process)
    text = _tail(log)
    if any(word in text for word in _TOO_EARLY):
        return Tried((ok("trial", "it loads the copy and refuses, since the height is not reached"),))
    if process.returncode == -signal.SIGKILL:
        return Tried((warning("trial", f"after {limit:.0f} s its RPC did not answer yet; it was ended"),))
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    return Tried((failed("trial", f"it ended with status {process.returncode}: {last[:300]}"),))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(path: str) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        return file.read().decode(errors="replace")
