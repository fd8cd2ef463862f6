"""The steps of an upgrade, each with what it leaves behind; blocking, for a worker thread.

A step may be asked for again after a cut: backup folders are unfinished until they are renamed, the switch is
one rename and one file, the operator's script and `pre-upgrade` run again from their beginning.
"""

from __future__ import annotations

import os
import stat
import time

from cosmovisor.decide import events
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.receipts import NodeStopped
from cosmovisor.model.state import Step
from cosmovisor.storage import calls
from cosmovisor.supervisor import active, effects, helper, spawn
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: What the daemon's `pre-upgrade` says by its exit status (SDK documentation and the Go tool).
_DONE, _NOT_IMPLEMENTED, _FAILED, _AGAIN = 0, 1, 30, 31


class Running:
    """A step that is being carried out: how to end it, and how far it is."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.cancelled = self.killed = False
        self.helper: helper.Helper | None = None
        self.progress = ""

    def cancel(self) -> None:
        """End the step at its next boundary, its child with SIGTERM."""
        self.cancelled = True
        if self.helper is not None:
            self.helper.terminate()

    def kill(self) -> None:
        """End the step's child with SIGKILL, also one that is only just being started."""
        self.cancelled = self.killed = True
        if self.helper is not None:
            self.helper.kill()


def carry_out(
    context: Context, running: Running, tell: Callable[[str, str], None]
) -> events.Done | events.Failed:
    """Carry out a step to its end.

    Args:
        context: The home.
        running: The step.
        tell: Takes a level and a line for the operator.
    """
    step = running.step
    work = {
        "backup": _backup,
        "script": _script,
        "switch": _switch,
        "pre-upgrade": _pre_upgrade,
        "go back": _go_back,
    }[step.kind]
    try:
        if running.cancelled:
            return _failed(step, "it was cancelled before it began", cancelled=True)
        return work(context, running, tell)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _failed(step, f"{error.strerror or error}{where}", "Free space or correct the owner and mode.")
    except CosmovisorError as error:
        return _failed(step, error.cause, error.next_step, cancelled=running.cancelled)


def _failed(
    step: Step, reason: str, fix: str = "", *, retry: bool = True, cancelled: bool = False
) -> events.Failed:
    return events.Failed(time.monotonic(), step.kind, reason, fix, retry=retry, cancelled=cancelled)


def _backup(
    context: Context, running: Running, tell: Callable[[str, str], None]
) -> events.Done | events.Failed:
    from cosmovisor import backup

    def progress(text: str) -> None:
        running.progress = text
        tell("debug", text)

    step = running.step
    receipt = backup.take(
        context.settings,
        context.layout,
        context.node_home,
        step.plan,
        step.stopped or NodeStopped(step.since),
        lambda: running.cancelled,
        progress,
    )
    return events.Done(time.monotonic(), step.kind, receipt)


def _switch(context: Context, running: Running, _: Callable[[str, str], None]) -> events.Done:
    effects.switch(context, running.step.plan, running.step.version)
    return events.Done(time.monotonic(), running.step.kind)


def _go_back(
    context: Context, running: Running, _: Callable[[str, str], None]
) -> events.Done | events.Failed:
    step = running.step
    if step.back_to is None:
        return _failed(step, "the journal names no version to go back to", retry=False)
    effects.activate(context, step.back_to, (step.version,))
    return events.Done(time.monotonic(), step.kind)


def _script(
    context: Context, running: Running, tell: Callable[[str, str], None]
) -> events.Done | events.Failed:
    step = running.step
    path = os.path.join(context.layout.root, context.settings.cosmovisor_custom_preupgrade)
    fix = f"Correct COSMOVISOR_CUSTOM_PREUPGRADE or put the script to {path}."
    try:
        status = os.stat(path)
    except OSError as error:
        return _failed(step, f"cannot use the operator's script {path}: {error.strerror}", fix, retry=False)
    if not stat.S_ISREG(status.st_mode):
        return _failed(step, f"the operator's script {path} is not a regular file", fix, retry=False)
    if not status.st_mode & 0o100:
        calls.chmod(path, stat.S_IMODE(status.st_mode) | 0o100)
    # The name is the chain's own, not the folder's: scripts written for the Go tool compare it.
    arguments = [step.plan.name, str(step.plan.height)]
    tell("info", f"running the operator's script {path} {' '.join(arguments)}")
    command = [path, *arguments]
    ended = _run(context, running, command, context.environ, folder=context.layout.daemon_home)
    if ended is None:
        limit = context.settings.cosmovisor_preupgrade_timeout
        return _failed(
            step,
            f"the operator's script was ended after {limit:g} s",
            "See what it waits for; COSMOVISOR_PREUPGRADE_TIMEOUT sets the limit.",
        )
    if running.cancelled:
        return _failed(step, "the operator's script was ended", cancelled=True)
    if ended != 0:
        return _failed(
            step,
            f"the operator's script {path} ended with status {ended}",
            "The node stays down and nothing was switched; correct the script and start again.",
            retry=False,
        )
    return events.Done(time.monotonic(), step.kind)


def _pre_upgrade(
    context: Context, running: Running, tell: Callable[[str, str], None]
) -> events.Done | events.Failed:
    step = running.step
    if step.staged is not None and step.staged.no_pre_upgrade:
        return events.Done(time.monotonic(), step.kind)
    binary = context.layout.bin(step.version)
    active.make_executable(binary)
    environ = spawn.environment(context.environ, spawn.library_folder(binary))
    ended = _run(context, running, [binary, "pre-upgrade"], environ)
    if ended is None:
        return _failed(
            step,
            f"{binary} pre-upgrade was ended after {context.settings.cosmovisor_preupgrade_timeout:g} s",
            "COSMOVISOR_PREUPGRADE_TIMEOUT sets the limit.",
        )
    if running.cancelled:
        return _failed(step, "pre-upgrade was ended", cancelled=True)
    if ended in {_DONE, _NOT_IMPLEMENTED}:
        if ended == _DONE:
            tell("info", "pre-upgrade of the new binary is done")
        return events.Done(time.monotonic(), step.kind)
    if ended == _FAILED:
        return _failed(
            step,
            f"{binary} pre-upgrade failed for good (status {_FAILED})",
            "Read what it printed above and ask the chain's developers; the node stays down.",
            retry=False,
        )
    if ended == _AGAIN:
        return _failed(
            step,
            f"{binary} pre-upgrade asks to be tried again (status {_AGAIN}), attempt {step.attempt}",
            "DAEMON_PREUPGRADE_MAX_RETRIES allows further attempts.",
        )
    if ended < 0:
        return _failed(
            step,
            f"{binary} pre-upgrade was ended by signal {-ended} before it had finished",
            "See who sent it (`dmesg` tells of memory that ran out); it runs again at the next start.",
        )
    if step.staged is not None and not _may_lack_pre_upgrade(step):
        return _failed(step, f"{binary} pre-upgrade ended with status {ended}", "Read what it printed above.")
    tell("warn", f"{binary} pre-upgrade ended with status {ended}: taken as not implemented")
    return events.Done(time.monotonic(), step.kind)


def _may_lack_pre_upgrade(step: Step) -> bool:
    """Tell whether staging has left it open that the new binary has no such command."""
    if step.staged is None:
        return True
    return not any(proof.name == "pre-upgrade" and proof.outcome == "ok" for proof in step.staged.proofs)


def _run(
    context: Context, running: Running, command: list[str], environ: dict[str, str], folder: str = ""
) -> int | None:
    """Run a program of the upgrade to its end; None where the time limit has ended it."""
    started = helper.Helper(context.layout.node_lock, command, environ, folder)
    running.helper = started
    try:
        if running.killed:
            started.kill()
        elif running.cancelled:
            started.terminate()
        return started.wait(context.settings.cosmovisor_preupgrade_timeout)
    finally:
        running.helper = None
