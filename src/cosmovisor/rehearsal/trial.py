"""The real new binary against a copy of the data: does it load, and what does it say?

Before the height it must refuse; at the halt it applies the upgrade on the copy, and the time that this takes
is the best forecast of the night that there is.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping

from cosmovisor.chain import keys, node_config
from cosmovisor.chain.rpc import Rpc
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError, ChainError
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.model.value import value
from cosmovisor.rehearsal import copy, isolation, pre_upgrade, scratch
from cosmovisor.rehearsal.check import Check, failed, ok, warning
from cosmovisor.supervisor import spawn

#: What the chain program says when it is too early for it: it has loaded, and that is what was asked.
_TOO_EARLY = ("BINARY UPDATED BEFORE TRIGGER", "should be added using StoreUpgrades")
_TAIL = 64 * 1024
_INIT_LIMIT = 60.0
#: Variables of ours, of the service manager, and of where things lie: none is the trial's business.
_OURS = ("DAEMON_", "COSMOVISOR_", "UNSAFE_SKIP_", "NOTIFY_", "WATCHDOG_", "XDG_", "LISTEN_")


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
    settings: Settings,
    layout: Layout,
    staged: StagedBinary,
    places: tuple[str, str, str],
    environ: Mapping[str, str],
    limit: float,
    progress: Callable[[str], None],
) -> Tried:
    """Start the binary on a copy and take everything away again.

    Args:
        settings: For the limits of `pre-upgrade`.
        layout: The folder tree.
        staged: The binary.
        places: The real home, the data to copy, and the folder in which the scratch home is made.
        environ: The node's environment.
        limit: Seconds that the binary may take until its RPC answers.
        progress: Told what is being done.
    """
    try:
        with scratch.folder(places[2]) as folder:
            return _run(settings, layout, staged, places, folder, environ, limit, progress)
    except BackupError as error:
        return Tried((failed("trial", error.cause, error.next_step),))
    except OSError as error:
        text = f"cannot use {error.filename or places[2]}: {error.strerror}"
        return Tried((failed("trial", text, "Check space and rights."),))


def _run(
    settings: Settings,
    layout: Layout,
    staged: StagedBinary,
    places: tuple[str, str, str],
    folder: str,
    environ: Mapping[str, str],
    limit: float,
    progress: Callable[[str], None],
) -> Tried:
    home, data, _ = places
    given = _environment(layout.daemon_name, staged.path, environ, folder)
    config = node_config.load(home)
    setting = functools.partial(node_config.setting, (), environ, layout.daemon_name, config)
    chain = keys.chain_id((), environ, layout.daemon_name, home) or "rehearsal-1"
    trouble = _init(staged.path, folder, chain, given)
    if trouble is not None:
        return Tried((trouble,))
    copy.make(home, folder, data, setting, progress)
    laddr = isolation.isolate(home, folder)
    checks = []
    if not staged.no_pre_upgrade:
        progress(f"running {staged.path} pre-upgrade on the copy")
        checks.append(pre_upgrade.run(settings, staged, given, folder))
        if checks[0].outcome == "failed":
            return Tried(tuple(checks))
    progress(f"starting {staged.path} on the copy")
    tried = _watch(staged.path, folder, laddr, given, limit)
    return Tried((*checks, *tried.checks), tried.seconds)


def _environment(daemon_name: str, binary: str, environ: Mapping[str, str], home: str) -> dict[str, str]:
    """Return an environment in which every default home is the scratch home."""
    prefix = node_config.variable(daemon_name, "")
    given = {name: text for name, text in environ.items() if not name.startswith((prefix, *_OURS))}
    given |= {"HOME": home, f"{prefix}HOME": home}
    return spawn.environment(given, spawn.library_folder(binary))


def _init(path: str, home: str, chain: str, environ: dict[str, str]) -> Check | None:
    """Let the binary make fresh keys and a configuration of its own; None where that went well."""
    try:
        done = subprocess.run(
            [path, "init", "rehearsal", "--chain-id", chain, "--home", home],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INIT_LIMIT,
            check=False,
            cwd=home,
        )
    except subprocess.TimeoutExpired:
        return failed("trial", f"`init` did not end within {_INIT_LIMIT:.0f} s")
    except OSError as error:
        return failed("trial", f"{path} cannot be started: {error.strerror}")
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip().splitlines()
        return failed("trial", f"`init` ended with {done.returncode}: {text[-1][:300] if text else ''}")
    return None


def _watch(path: str, home: str, laddr: str, environ: dict[str, str], limit: float) -> Tried:
    log = os.path.join(home, "trial.log")
    began = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [path, "start", "--home", home],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=home,
            preexec_fn=scratch.end_with_us,  # noqa: PLW1509  it makes one system call
        )
    try:
        rpc = Rpc(laddr, 2.0)
        while not (ended := _has_ended(process)) and time.monotonic() - began < limit:
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
    if not ended:
        return Tried((warning("trial", f"after {limit:.0f} s its RPC did not answer yet; it was ended"),))
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    status = process.returncode
    how = f"status {status}" if status >= 0 else f"signal {-status}"
    return Tried((failed("trial", f"it ended with {how}: {last[:300]}"),))


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Tell it without taking the status, so that the number stays the process's own until it is killed."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of its session, also what it has left behind."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(path: str) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
        return file.read().decode(errors="replace")
