"""Room for the backup at the height, looked at while a binary is staged: when room can still be made."""

from __future__ import annotations

import os

from cosmovisor.backup.forecasting import forecast
from cosmovisor.config.layout import data
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.receipts import Proof
from cosmovisor.model.sizes import in_words

_FIX = "Free space there, set DAEMON_DATA_BACKUP_DIR to a larger disk, or lower COSMOVISOR_BACKUP_KEEP."


def proofs(settings: Settings, node_home: str) -> tuple[Proof, ...]:
    """Forecast the backup by a sample of the real data.

    A lack of room is a warning and never blocks the binary: the backup itself decides at the height what the
    settings allow.

    Args:
        settings: The settings in force.
        node_home: The node's home; without data in it there is nothing to say.
    """
    if settings.cosmovisor_backup == "off":
        return (Proof("space", "ok", "no backup is taken, as the settings say"),)
    if not node_home or not os.path.isdir(data(node_home)):
        return ()
    try:
        found = forecast(settings, node_home)
    except BackupError as error:
        return (Proof("space", "warning", f"the backup cannot be forecast: {error.cause}", error.next_step),)
    base = settings.daemon_data_backup_dir or settings.daemon_home
    if not found.fits:
        text = (
            f"the backup will not fit into {base}: by {found.method} it writes {in_words(found.bytes)}, "
            f"and {in_words(found.free)} are free"
        )
        return (Proof("space", "warning", text, _FIX),)
    text = (
        f"the backup fits: by {found.method} it writes {in_words(found.bytes)} of {in_words(found.size)} "
        f"in about {found.seconds:.1f} s, and {in_words(found.free)} are free"
    )
    return (Proof("space", "ok", text),)
