"""Measures what a backup costs at the halt, with and without the copy ahead, where files can only be copied.

The backup folder lies on another file system, so that neither blocks nor files can be shared. The database is
a real goleveldb one; between the copy ahead and the halt the node writes on, as it does on a real night.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time

import plyvel
from benchmarks import report

from cosmovisor import backup
from cosmovisor.backup import manifest, taking
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import BackupReceipt, NodeStopped

PLAN = Plan("v2", 1000)
RESULT = os.path.join(os.path.dirname(__file__), "backup.json")
#: Bytes of one value, and the share of the data that is written anew after the copy ahead.
_VALUE, _LATER = 4096, 0.01


class Night:
    """A stopped node's home on one file system, its backup folder on another."""

    def __init__(self, data: str, backups: str, size: int, seed: int) -> None:
        self.home = tempfile.mkdtemp(prefix="bench-home-", dir=data)
        self.backups = tempfile.mkdtemp(prefix="bench-backups-", dir=backups)
        self.settings = Settings(self.home, "benchd", daemon_data_backup_dir=self.backups)
        self.layout = Layout(self.home, "benchd")
        self.size = size
        self.dice = random.Random(seed)
        os.makedirs(os.path.join(self.home, "data"))
        self.write(size)

    def write(self, size: int) -> None:
        """Let the node write so many bytes into its database."""
        path = os.path.join(self.home, "data", "application.db")
        database = plyvel.DB(path, create_if_missing=True, write_buffer_size=8 << 20, compression=None)
        for _ in range(size // _VALUE):
            database.put(self.dice.randbytes(16), self.dice.randbytes(_VALUE))
        database.close()

    def ahead(self) -> float:
        """Copy ahead; return the seconds."""
        began = time.monotonic()
        if not backup.precopy(self.settings, self.home, PLAN, lambda: False, lambda _: None):
            raise RuntimeError("nothing was copied ahead: the two folders share a file system")
        return time.monotonic() - began

    def at_the_halt(self) -> float:
        """Take the backup; return the seconds."""
        os.sync()  # What the measurement itself has written must not be flushed on the backup's time.
        began = time.monotonic()
        done = backup.take(
            self.settings,
            self.layout,
            self.home,
            PLAN,
            NodeStopped(time.time()),
            lambda: False,
            lambda _: None,
        )
        took = time.monotonic() - began
        taking.wait_until_tidy()
        if not isinstance(done, BackupReceipt) or done.method != "copy":
            raise RuntimeError(f"not a copied backup: {done}")
        problems = manifest.problems(done.path, manifest.read(done.path))
        if problems:
            raise RuntimeError(f"the backup is not whole: {problems}")
        return took

    def close(self) -> None:
        """Remove both folders."""
        shutil.rmtree(self.home)
        shutil.rmtree(self.backups)


def measure(data: str, backups: str, size: int, samples: int) -> dict[str, list[float]]:
    """Take both kinds in turn; seconds."""
    found: dict[str, list[float]] = {"plain": [], "ahead": [], "after": []}
    for turn in range(samples):
        for kind in ("plain", "after"):
            night = Night(data, backups, size, turn)
            try:
                if kind == "after":
                    found["ahead"].append(night.ahead())
                night.write(int(size * _LATER))
                found[kind].append(night.at_the_halt())
            finally:
                night.close()
    return found


def main() -> int:
    """Measure, keep the result, write it into the pages, and print it."""
    parser = argparse.ArgumentParser(prog="make bench-backup", description=__doc__)
    parser.add_argument("--data", default="/dev/shm", help="folder for the node's data")
    parser.add_argument("--backups", default=tempfile.gettempdir(), help="folder on another file system")
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--samples", type=int, default=5)
    given = parser.parse_args()
    if os.stat(given.data).st_dev == os.stat(given.backups).st_dev:
        print("--data and --backups are on one file system", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    found = measure(given.data, given.backups, given.mib << 20, given.samples)
    about = {"date": time.strftime("%Y-%m-%d"), "machine": report.machine(), "load": round(load, 1)}
    result = {**about, "mib": given.mib, **found}
    with open(RESULT, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    report.renew_backup()
    for kind, seconds in found.items():
        print(f"{kind}: {statistics.median(seconds):.2f} s {[round(one, 2) for one in seconds]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
