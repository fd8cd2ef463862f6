"""Which versions fit the data's height, by records, applied history and markers."""

from __future__ import annotations

from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Link, SeenFolder
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.state import Applied, PlanRecord

#: Notes of history lines that say that the version did not stay.
UNDONE = frozenset({"gone back", "passed"})


def known_switches(
    records: tuple[PlanRecord, ...], history: tuple[Applied, ...], folders: tuple[SeenFolder, ...]
) -> tuple[tuple[int, Version], ...]:
    """Return (height, version) of every switch that anything tells of, by height, without genesis."""
    found: set[tuple[int, str, str]] = set()
    undone = {_key(line.plan, line.version) for line in history if line.note in UNDONE}
    for line in history:
        key = _key(line.plan, line.version)
        if key not in undone:
            found.add(key)
    for folder in folders:
        if folder.marker is not None and folder.version != GENESIS_VERSION:
            found.add(_key(folder.marker, folder.version))
    for record in records:
        if record.stage != "none" and record.version is not None:
            found.add(_key(record.plan, record.version))
    return tuple((height, Version(name, folder)) for height, name, folder in sorted(found))


def _key(plan: Plan, version: Version) -> tuple[int, str, str]:
    """Return what a switch is sorted by."""
    return (plan.height, version.name, version.folder)


def fits(
    switches: tuple[tuple[int, Version], ...], b: Evidence, a: Evidence, link: Link
) -> tuple[Version, ...]:
    """Return the versions that fit, surest first; empty where nothing is known.

    A switch at H is certainly applied if b > H or a >= H, and possible as long as exact evidence does not
    place the data below H-1. An active version that nothing tells of never contradicts.
    """
    if b.is_exactly(0):
        return (GENESIS_VERSION,)  # No node has ever run on this data.
    if not switches or (b.strength == "unknown" and a.strength == "unknown"):
        return ()
    base = GENESIS_VERSION
    above: list[Version] = []
    for height, version in switches:
        if b.reaches(height + 1) or a.reaches(height):
            base, above = version, []
        elif not b.is_below(height - 1):
            above.append(version)
    found = [base, *[version for version in above if version != base]]
    told = {version for _, version in switches} | {GENESIS_VERSION}
    if link.version is not None and link.version not in told:
        found.append(link.version)
    return tuple(found)
