"""How the backup will be taken, how long it will last, whether it fits: measured ahead on the real data."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Callable

from cosmovisor.backup import taking
from cosmovisor.backup.build import Builder, Source
from cosmovisor.backup.survey import Entry, Survey
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.value import replace, value
from cosmovisor.storage import durable

_SAMPLE_FILES = 50
_SAMPLE_BYTES = 64 << 20
#: Bytes of the piece that tells what one more byte costs.
_PIECE = 16 << 20
#: A node that runs removes files at any moment: so often is the measurement begun anew.
_TRIES = 5
_clock = time.monotonic


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
    for _ in range(_TRIES - 1):
        try:
            return _measure(settings, node_home)
        except BackupError as error:
            if error.facts.get("errno") != errno.ENOENT:
                raise
    return _measure(settings, node_home)


def estimate(
    files: tuple[int, int], written: tuple[int, int], seconds: float, per_byte: Callable[[], float]
) -> float:
    """Say how long the whole takes, from what a part of it took.

    Every file costs its share of the sample's time; the bytes that the sample did not write cost what bytes
    cost, whatever the sizes of the files in the sample.

    Args:
        files: Files in the sample, and in all.
        written: Bytes that the sample has written, and that must be written in all.
        seconds: What the sample took.
        per_byte: Measures what one more byte costs, in seconds; asked only where something is missing.
    """
    sampled, count = files
    some, whole = written
    if sampled >= count or not sampled:
        return seconds
    byte = per_byte() if whole > some else 0.0
    per_file = max(0.0, seconds - some * byte) / sampled
    return max(seconds, per_file * count + byte * whole)


def _measure(settings: Settings, node_home: str) -> Forecast:
    base, found = taking.look(settings, node_home, live=True)
    files, size = _count(found), sum(source.survey.size() for source in found)
    with taking.explained(base, ""):
        folder = tempfile.mkdtemp(prefix=".probe.", suffix=durable.TEMPORARY, dir=base)
        try:
            sampled = [_sample(source) for source in found]
            builder = Builder(os.path.join(folder, "sample"), sampled, lambda: False, lambda _: None)
            written = builder.missing()
            began = _clock()
            items = builder.build()
            taking.flush(builder.partial, items)
            seconds = _clock() - began
            whole = Builder(os.path.join(folder, "none"), found, lambda: False, lambda _: None)
            missing = whole.missing()
            seconds = estimate(
                (_count(sampled), files), (written, missing), seconds, lambda: _per_byte(whole, folder)
            )
        finally:
            durable.remove_tree(folder)
    return Forecast(builder.method(), missing, seconds, taking.free_space(base), size)


def _count(sources: list[Source]) -> int:
    return sum(entry.kind in {"table", "file"} for source in sources for entry in source.survey.entries)


def _per_byte(whole: Builder, folder: str) -> float:
    """Read, write and flush a piece of the largest file that must be copied."""
    source, entry = max(whole.anew(), key=lambda each: each[1].size)
    target = os.path.join(folder, "piece")
    began = _clock()
    with open(os.path.join(source.root, entry.path), "rb") as file:
        piece = file.read(_PIECE)
    durable.write_unflushed(target, piece)
    durable.sync_file(target)
    return (_clock() - began) / max(1, len(piece))


def _sample(source: Source) -> Source:
    """Choose files evenly over the source, within the limits: all of them where they are few and small."""
    usable = [entry for entry in source.survey.entries if entry.kind in {"table", "file"}]
    step = max(1, -(-len(usable) // _SAMPLE_FILES))
    chosen: list[Entry] = []
    total = 0
    for entry in usable[::step]:
        if total + entry.size <= _SAMPLE_BYTES:
            total += entry.size
            chosen.append(entry)
    needed = {os.path.dirname(entry.path) for entry in chosen}
    folders = [
        entry
        for entry in source.survey.entries
        if entry.kind == "folder" and any(f"{path}/".startswith(f"{entry.path}/") for path in needed)
    ]
    return replace(source, survey=Survey((*folders, *chosen), (), ()))
