"""The backup of the real data: forecast from a sample, or taken in full and removed again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from cosmovisor.backup import taking
from cosmovisor.backup.forecasting import forecast
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import BackupReceipt, NodeStopped
from cosmovisor.model.sizes import in_words
from cosmovisor.model.value import replace, value
from cosmovisor.rehearsal import scratch
from cosmovisor.rehearsal.check import Check, failed, ok, warning


@value
class BackupTime:
    """What is known about the backup at the height.

    Attributes:
        checks: What holds and what does not.
        seconds: How long it takes; negative where unknown.
        method: `reflink`, `link`, `copy` or `off`.
    """

    checks: tuple[Check, ...]
    seconds: float = -1.0
    method: str = ""


def by_sample(settings: Settings, node_home: str) -> BackupTime:
    """Measure a sample of the real data, while the node runs or not."""
    try:
        found = forecast(settings, node_home)
    except BackupError as error:
        return BackupTime((_severe(settings, error.cause, error.next_step),))
    if found.method == "off":
        return BackupTime((warning("backup", "no backup is taken, as the settings say"),), 0.0, "off")
    if not found.fits:
        text = f"it needs {in_words(found.bytes)}, and {in_words(found.free)} are free"
        return BackupTime((_severe(settings, text, "Make room, or choose another DAEMON_DATA_BACKUP_DIR."),))
    text = f"{found.method} of {in_words(found.size)}, about {found.seconds:.1f} s by a sample of the data"
    return BackupTime((ok("backup", text),), found.seconds, found.method)


def in_full(
    settings: Settings, layout: Layout, node_home: str, plan: Plan, progress: Callable[[str], None]
) -> BackupTime:
    """Take the whole backup beside the real place and remove it; the node must be down."""
    try:
        with scratch.folder(place_of(settings)) as folder:
            trial = replace(settings, daemon_data_backup_dir=folder, cosmovisor_backup_keep=0)
            began = time.monotonic()
            stopped = NodeStopped(time.time())
            try:
                done = taking.take(trial, layout, node_home, plan, stopped, lambda: False, progress)
                seconds = time.monotonic() - began
            finally:
                taking.wait_until_tidy()  # it looks at old backups in the folder that goes now
    except BackupError as error:
        return BackupTime((_severe(settings, error.cause, error.next_step),))
    except OSError as error:
        where = place_of(settings)
        return BackupTime(
            (_severe(settings, f"cannot write in {where}: {error.strerror}", "Check its rights."),)
        )
    if not isinstance(done, BackupReceipt):
        return BackupTime((warning("backup", f"no backup is taken: {done.by}"),), 0.0, "off")
    text = f"{done.method} of {in_words(done.size)} took {seconds:.1f} s; it was removed again"
    return BackupTime((ok("backup", text),), seconds, done.method)


def _severe(settings: Settings, text: str, fix: str) -> Check:
    if settings.cosmovisor_backup == "best-effort":
        return warning("backup", f"there would be none: {text}", fix)
    return failed("backup", text, fix)


def place_of(settings: Settings) -> str:
    """Return the folder that the backups go to."""
    return os.path.abspath(settings.daemon_data_backup_dir or settings.daemon_home)
