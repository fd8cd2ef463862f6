"""How old the plan file is: fresh, old, written ahead or stale."""

from __future__ import annotations

from cosmovisor.model.facts import PlanFile
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Observations
from cosmovisor.model.state import FileInstance, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.model.facts import Age

NANO = 1_000_000_000
#: Seconds by which a file's time may lie before the moment it was written: the kernel stamps files with the
#: last tick of its coarse clock, and some file systems keep whole seconds. The record in the log is exact.
LAG = 1.0


def instance(seen: Observations) -> FileInstance | None:
    """Return which instance of the plan file lies there; None where there is none."""
    identity = seen.file.identity
    return None if identity is None else FileInstance(identity.inode, identity.ctime_ns)


def plan_file(
    state: State, seen: Observations, b: Evidence, a: Evidence, *, spawned: bool, at_once: bool
) -> PlanFile:
    """Return the plan file with its age.

    Args:
        state: The document, with the instances that it remembers.
        seen: What was seen.
        b: Block-store height, merged.
        a: Application height, merged.
        spawned: Whether a node was spawned at all (by us or by the supervisor before), so that fresh has a
            meaning.
        at_once: Whether that node was started at the height and has ended at once: what changed in its short
            life it has written itself, whatever the clock says.
    """
    seen_file = seen.file
    if seen_file.kind != "plan" or seen_file.plan is None:
        return PlanFile(seen_file.kind, writer=seen_file.writer)
    now = instance(seen)
    changed = spawned and now != state.spawned
    height = seen_file.plan.height
    written_at = 0.0 if seen_file.identity is None else seen_file.identity.mtime_ns / NANO
    age: Age
    if now is not None and now == state.stale:
        age = "stale"
    elif _written_at_the_halt(seen, height, written_at, b, a):
        age = "fresh" if changed else "old"
    elif now is not None and now == state.ahead:
        age = "ahead"
    elif changed and at_once:
        age = "fresh"
    elif _older_by_records(seen, height, written_at, a):
        age = "ahead"
    else:
        age = "fresh" if changed else "old"
    return PlanFile(
        "plan",
        seen_file.plan,
        age,
        seen_file.writer,
        now is not None and now == state.written,
        _not_older_than_block(seen, b, written_at),
    )


def _older_by_records(seen: Observations, height: int, written_at: float, a: Evidence) -> bool:
    """Tell whether the write-ahead log proves the file older than a block that the chain met it before.

    Older than the record of a block below H: the chain writes its file when it meets H, after the record of
    H-1. Or older than that of H while a >= H. The file is given its whole last second, as some file systems
    keep no more. A record from the future was made before the clock was set back, and proves nothing.
    """
    for recorded, at in seen.record_times:
        if at > seen.at + LAG:
            continue
        if written_at + LAG <= at and (recorded < height or (recorded == height and a.reaches(height))):
            return True
    return False


def _written_at_the_halt(
    seen: Observations, height: int, written_at: float, b: Evidence, a: Evidence
) -> bool:
    """Tell whether the write-ahead log proves that the file was written between blocks H-1 and H.

    A schedule comes earlier. This takes back what an RPC said that was one block late: under optimistic
    execution the chain writes its file as soon as H-1 is saved. No lag is allowed for, as a file that only
    seems newer would be a schedule that is followed too early; and none from the future (the clock was set
    back) is believed.
    """
    if a.reaches(height) or b.reaches(height + 1) or written_at > seen.at + LAG:
        return False
    return any(recorded == height - 1 and at < written_at for recorded, at in seen.record_times)


def _not_older_than_block(seen: Observations, b: Evidence, written_at: float) -> bool | None:
    """Tell whether the file is not older than the record of block b; None where there is no such record."""
    for recorded, at in seen.record_times:
        if b.strength != "unknown" and recorded == b.height:
            return written_at + LAG > at
    return None
