"""Heights from `data/cs.wal`, CometBFT's consensus write-ahead log; readable whatever the database engine is.

What it proves: a record for height h is written after block h was saved. Block sync writes none, so the last
record is a lower bound ("at least"); it is exact only for a node that is down and was in consensus until it
ended.
"""

from __future__ import annotations

import os

from cosmovisor.chain.wal_file import WalFile
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    from cosmovisor.chain.wal_file import End

    Found = TypeVar("Found")

#: Files looked at, newest first: two hold many minutes, the rest is for logs with much noise.
FILES_LIMIT = 12
#: A last record this close to the end of the node shows that it was in consensus until then (seconds).
NEAR = 10.0


@value
class EndHeight:
    """The last end-of-height record.

    Attributes:
        height: Height of the block that was saved.
        time: When the record was written, in seconds since the epoch; 0.0 where unreadable.
        complete: True where everything after it was read too (a torn last record apart).
    """

    height: int
    time: float
    complete: bool = True


def _files(folder: str) -> list[str]:
    """Return the log's files, newest first."""
    numbered: list[tuple[int, str]] = []
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                name = entry.name
                if count > 10_000:
                    break
                if name.startswith("wal.") and name[4:].isascii() and name[4:].isdigit() and len(name) < 20:
                    numbered.append((int(name[4:]), name))
    except OSError:
        return []
    numbered.sort(reverse=True)
    return [os.path.join(folder, name) for name in ["wal", *(name for _, name in numbered)]][:FILES_LIMIT]


def last_end_height(folder: str) -> EndHeight | None:
    """Return the last end-of-height record of a log.

    Args:
        folder: `data/cs.wal`.

    Returns:
        None where there is no log, or none of its newest files holds such a record. Broken, torn, foreign or
        huge files never raise and never give a height that was not saved: they give an older one or none.
    """
    complete = True
    for path in _files(folder):
        end, whole = _trusted(path)
        complete = complete and whole
        if end is not None:
            return EndHeight(end.height, end.time, complete)
    return None


def times_of(folder: str, heights: Iterable[int]) -> dict[int, float]:
    """Return when the records of some heights were written (seconds since the epoch), where they are found.

    Args:
        folder: `data/cs.wal`.
        heights: Heights that lie close together: each file is read once for all of them.
    """
    wanted = set(heights)
    found: dict[int, float] = {}
    for path in _files(folder):
        if wanted <= found.keys():
            break
        found.update(_opened(path, lambda file: _times(file, wanted - found.keys())) or {})
    return {height: at for height, at in found.items() if at}


def time_of(folder: str, height: int) -> float | None:
    """Return when the record of a height was written (seconds since the epoch), or None."""
    return times_of(folder, (height,)).get(height)


def _times(file: WalFile, heights: set[int]) -> dict[int, float]:
    ends = [file.trusted(height) for height in sorted(heights)]
    return {end.height: end.time for end in ends if end is not None}


def _trusted(path: str) -> tuple[End | None, bool]:
    """Return the last record of a file that can be believed, and whether all behind it was read."""
    if not os.path.lexists(path):
        return None, True
    found = _opened(path, lambda file: (file.trusted(), file.complete))
    return found or (None, False)


def _opened(path: str, read: Callable[[WalFile], Found]) -> Found | None:
    """Read one file; None where it cannot be read."""
    import stat

    try:
        # Without O_NONBLOCK a FIFO in the place of the file would hold us for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return read(WalFile(fd)) if stat.S_ISREG(os.fstat(fd).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(fd)


def evidence(folder: str, started_at: float = 0.0, ended_at: float = 0.0) -> Evidence:
    """Return what the log proves of the block store's height.

    Args:
        folder: `data/cs.wal`.
        started_at: When this life of the node began, in seconds since the epoch; 0.0 where unknown.
        ended_at: When it ended; 0.0 for a node that lives or of which this is unknown.

    Returns:
        `exact` only where the last record was written in this life and within seconds of its end: a node that
        has entered consensus never goes back to block sync in the same life. Else `at least`, or unknown.
        A log with no record but that of height 0 proves nothing: every new file begins with it, at any
        height of the chain.
    """
    last = last_end_height(folder)
    if last is None or last.height == 0:
        return UNKNOWN
    exact = last.complete and 0 < started_at <= last.time <= ended_at + 1.0 and ended_at - last.time <= NEAR
    return Evidence(last.height, "exact" if exact else "at least", "cs.wal", last.time)
