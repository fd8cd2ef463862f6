"""How the backup will be taken, how long it will last, whether it fits: measured ahead on the real data."""

from __future__ import annotations

import os
import tempfile
import time

from cosmovisor.backup import taking
from cosmovisor.backup.build import Builder, Source
from cosmovisor.backup.survey import Entry, Survey
from cosmovisor.config.settings import Settings
from cosmovisor.model.value import replace, value
from cosmovisor.storage import durable

_SAMPLE_FILES = 50
_SAMPLE_BYTES = 64 << 20
_TABLE_AGE = 5.0


@value
class Forecast:
    """What the backup at the height will be.

    Attributes:
        method: `reflink`, `link`, `copy`, or `off`.
        bytes: What it must write, in bytes.
        seconds: How long it will take.
        free: Bytes free in the backup folder.
        size: Bytes of the data in all; the most that an old shared backup can come to occupy.
    """

    method: str
    bytes: int
    seconds: float
    free: int
    size: int = 0

    @property
    def fits(self) -> bool:
        """Tell whether there is room for it."""
        return self.method == "off" or self.bytes + taking.RESERVE <= self.free


def forecast(settings: Settings, node_home: str) -> Forecast:
    """Measure on a sample of the data, while the node runs or not; leaves nothing behind.

    Raises:
        BackupError: There is no backup folder, no data, or something cannot be read or written.
    """
    if settings.cosmovisor_backup == "off":
        return Forecast("off", 0, 0.0, 0)
    base, found = taking.look(settings, node_home, live=True)
    files = sum(1 for source in found for entry in source.survey.entries if entry.kind in {"table", "file"})
    size = sum(source.survey.size() for source in found)
    with taking.explained(base, ""):
        folder = tempfile.mkdtemp(prefix=".probe.", suffix=durable.TEMPORARY, dir=base)
        try:
            began = time.monotonic()
            sampled = [_sample(source) for source in found]
            builder = Builder(os.path.join(folder, "sample"), sampled, lambda: False, lambda _: None)
            items = builder.build()
            taking.flush(builder.partial, items)
            seconds = time.monotonic() - began
            written = Builder(os.path.join(folder, "none"), sampled, lambda: False, lambda _: None).missing()
        finally:
            durable.remove_tree(folder)
    missing = Builder(os.path.join(base, ".none"), found, lambda: False, lambda _: None).missing()
    count = sum(len(source.survey.entries) for source in sampled)
    by_count = files / count if count else 0.0
    by_bytes = missing / written if written else 0.0
    return Forecast(
        builder.method(), missing, seconds * max(by_count, by_bytes, 1.0), taking.free_space(base), size
    )


def _sample(source: Source) -> Source:
    """Choose files evenly over the source, old enough to be whole, within the limits."""
    limit = (time.time() - _TABLE_AGE) * 1e9
    usable = [e for e in source.survey.entries if e.kind in {"table", "file"} and e.mtime_ns < limit]
    usable = usable or [e for e in source.survey.entries if e.kind in {"table", "file"}]
    step = max(1, len(usable) // _SAMPLE_FILES)
    chosen: list[Entry] = []
    total = 0
    for number, entry in enumerate(usable[::step]):
        if chosen and total + entry.size > _SAMPLE_BYTES:
            continue
        total += entry.size
        chosen.append(entry)
        if number + 1 >= _SAMPLE_FILES:
            break
    needed = {os.path.dirname(entry.path) for entry in chosen}
    folders = [
        entry
        for entry in source.survey.entries
        if entry.kind == "folder" and any(f"{path}/".startswith(f"{entry.path}/") for path in needed)
    ]
    return replace(source, survey=Survey((*folders, *chosen), (), ()))
