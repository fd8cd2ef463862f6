"""A home at its upgrade height with a backup folder: the stage of the tests of backup and restore."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cosmovisor import backup
from cosmovisor.backup import taking
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import BackupReceipt, NodeStopped
from tests.support.databases import node_home

PLAN = Plan("v2", 42, "info")
STOPPED = NodeStopped(1.0)


class Night:
    """One home with its backup folder."""

    def __init__(self, root: Path, keys: int = 1500) -> None:
        self.home = node_home(root / "home", keys=keys)
        (self.home / "cosmovisor").mkdir()
        self.layout = Layout(str(self.home), "evmosd")
        self.base = root / "backups"
        self.base.mkdir(exist_ok=True)
        self.said: list[str] = []

    def settings(self, **changes) -> Settings:
        given = {
            "daemon_home": str(self.home),
            "daemon_name": "evmosd",
            "daemon_data_backup_dir": str(self.base),
        }
        return Settings(**{**given, **changes})

    def take(self, plan: Plan = PLAN, cancelled=lambda: False, **changes) -> BackupReceipt:
        try:
            return backup.take(  # type: ignore[return-value]
                self.settings(**changes),
                self.layout,
                str(self.home),
                plan,
                STOPPED,
                cancelled,
                self.said.append,
            )
        finally:
            taking.wait_until_tidy()

    def restore(self, path: str) -> backup.Restored:
        return backup.restore(self.layout, str(self.home), path, self.said.append)


def tree(root: Path) -> dict[str, object]:
    """Every path below a folder with its digest, target or kind."""
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder, name)
            key = str(path.relative_to(root))
            if path.is_symlink():
                found[key] = f"-> {os.readlink(path)}"
            else:
                found[key] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found
