"""When a height will be reached, from measured block times, with a range that says how sure that is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from cosmovisor.model.value import value

#: Spans into which the measured past is cut; their spread is the range.
SPANS = 8
#: Blocks of one span: as long as the way ahead where the chain is old enough, within these bounds.
SHORTEST, LONGEST = 20, 12_500
#: Part by which a range is widened where one span alone was measured.
_ALONE = 0.25


@value
class Mark:
    """A block that was measured: its height and the time in its header (or when we saw it, in block sync)."""

    height: int
    time: float


@value
class Eta:
    """When a height will be reached; times in seconds since the epoch.

    Attributes:
        height: The height.
        left: Blocks until then.
        interval: Seconds a block, the mean over all that was measured.
        at: The estimate.
        earliest: If the chain goes on as in its fastest measured span.
        latest: If it goes on as in its slowest.
        measured: Blocks that the estimate rests on.
        syncing: True where the node catches up and its own speed was measured instead of the chain's.
    """

    height: int
    left: int
    interval: float
    at: float
    earliest: float
    latest: float
    measured: int
    syncing: bool = False

    def document(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "height": self.height,
            "left": self.left,
            "interval": round(self.interval, 3),
            "at": round(self.at, 1),
            "earliest": round(self.earliest, 1),
            "latest": round(self.latest, 1),
            "measured": self.measured,
            "syncing": self.syncing,
        }


def heights(tip: int, left: int, earliest: int = 1) -> list[int]:
    """Return the heights whose times are worth asking for: ends of spans as long as the way ahead.

    Args:
        tip: The newest height.
        left: Blocks until the height in question.
        earliest: The oldest block that the node still has.
    """
    span = min(max(left, SHORTEST), LONGEST, max((tip - max(earliest, 1)) // SPANS, 1))
    found = {tip - number * span for number in range(SPANS + 1)}
    return sorted(height for height in found if height >= max(earliest, 1))


def nearest(past: Sequence[Mark], tip: int, left: int) -> tuple[Mark, ...]:
    """Choose from remembered blocks those that are worth the most: one near the end of each span.

    Args:
        past: Remembered blocks.
        tip: The newest height.
        left: Blocks until the height in question.
    """
    wanted = heights(tip, left)
    usable = [mark for mark in past if mark.height < tip]
    if not usable or len(wanted) < 2:
        return ()
    reach = wanted[1] - wanted[0]
    found = set()
    for height in wanted:
        distances = [abs(mark.height - height) for mark in usable]
        found.add(usable[distances.index(min(distances))])
    return tuple(
        sorted(
            (mark for mark in found if mark.height >= wanted[0] - reach),
            key=lambda mark: mark.height,
        )
    )


def estimate(marks: Sequence[Mark], height: int, now: float, *, syncing: bool = False) -> Eta | None:
    """Estimate when a height will be reached.

    Args:
        marks: Measured blocks in any order; the newest is the tip.
        height: The height.
        now: Seconds since the epoch; nothing is expected before.
        syncing: What to say about the measurement.

    Returns:
        None where the height is reached, or where the marks do not tell (fewer than two, times that stand
        still).
    """
    ordered = sorted(set(marks), key=lambda mark: mark.height)
    if len(ordered) < 2 or ordered[-1].height >= height:
        return None
    first, tip = ordered[0], ordered[-1]
    measured = tip.height - first.height
    if measured <= 0 or tip.time <= first.time:
        return None
    speeds = [
        (later.time - earlier.time) / (later.height - earlier.height)
        for earlier, later in itertools.pairwise(ordered)
        if later.height > earlier.height and later.time > earlier.time
    ]
    mean = (tip.time - first.time) / measured
    low, high = min([*speeds, mean]), max([*speeds, mean])
    if len(speeds) < 2:
        low, high = mean * (1 - _ALONE), mean * (1 + _ALONE)
    left = height - tip.height
    at = max(tip.time + left * mean, now)
    return Eta(
        height=height,
        left=left,
        interval=mean,
        at=at,
        earliest=max(min(tip.time + (left - 1) * low, at), now),
        latest=max(tip.time + (left + 1) * high, at),
        measured=measured,
        syncing=syncing,
    )


def duration(seconds: float) -> str:
    """Write a span of time in its two largest units: `3 d 4 h`, `5 min 10 s`, `8 s`."""
    left = max(int(seconds + 0.5), 0)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        if parts and (len(parts) == 2 or not left):
            break
    return " ".join(parts)
