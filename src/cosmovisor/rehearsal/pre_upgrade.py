"""`pre-upgrade` of the new binary on the copy, judged as on the night."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping

from cosmovisor.config.settings import Settings
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.rehearsal.check import Check, failed, ok, warning
from cosmovisor.rehearsal.scratch import end_with_us

#: Exit statuses of the SDK's documentation: done, no such command, failed for good, try again.
_DONE, _NOT_IMPLEMENTED, _FAILED, _AGAIN = 0, 1, 30, 31
_SUBJECT = "pre-upgrade"


def run(settings: Settings, staged: StagedBinary, environ: Mapping[str, str], scratch: str) -> Check:
    """Run it as often as the settings allow.

    Args:
        settings: For the attempts and the time limit.
        staged: The binary, and whether staging proved that it has the command.
        environ: Environment of the trial.
        scratch: The scratch home, which is the working directory too.
    """
    attempts = 1 + max(0, settings.daemon_preupgrade_max_retries)
    for attempt in range(1, attempts + 1):
        status, last = _once(settings, staged.path, environ, scratch)
        if status is None:
            text = f"it did not end within {settings.cosmovisor_preupgrade_timeout:g} s on the copy"
            return failed(_SUBJECT, text, "COSMOVISOR_PREUPGRADE_TIMEOUT sets the limit.")
        if status != _AGAIN:
            return _judge(status, staged, last)
        if attempt == attempts:
            break
    text = f"it asks to be tried again (status {_AGAIN}) after {attempts} attempts: {last}"
    return failed(_SUBJECT, text, "DAEMON_PREUPGRADE_MAX_RETRIES allows further attempts.")


def _judge(status: int, staged: StagedBinary, last: str) -> Check:
    if status == _DONE:
        return ok(_SUBJECT, "it is done on the copy")
    if status == _NOT_IMPLEMENTED:
        return ok(_SUBJECT, "the binary has no such command, or says that it has nothing to do")
    if status == _FAILED:
        return failed(
            _SUBJECT, f"it failed for good (status {_FAILED}): {last}", "Ask the chain's developers."
        )
    if any(proof.name == "pre-upgrade" and proof.outcome == "ok" for proof in staged.proofs):
        return failed(_SUBJECT, f"it ended with status {status}: {last}", "Ask the chain's developers.")
    return warning(_SUBJECT, f"it ended with status {status}, which the night takes as not implemented")


def _once(settings: Settings, path: str, environ: Mapping[str, str], scratch: str) -> tuple[int | None, str]:
    """Run it once; return its status (None: the time was over) and the last line that it said."""
    log = os.path.join(scratch, "pre-upgrade.log")
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [path, "pre-upgrade"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            cwd=scratch,
            preexec_fn=end_with_us,  # noqa: PLW1509  it makes one system call
        )
    try:
        status: int | None = process.wait(settings.cosmovisor_preupgrade_timeout)
    except subprocess.TimeoutExpired:
        status = None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with open(log, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return status, lines[-1][:300] if lines else ""
