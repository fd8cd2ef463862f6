"""Makes the frozen facts of the tables out of what was seen and what is remembered."""

from __future__ import annotations

from cosmovisor.decide import file_age
from cosmovisor.decide.fits import fits, known_switches
from cosmovisor.decide.words import is_open
from cosmovisor.model.facts import Facts, NodeFact
from cosmovisor.model.heights import Evidence
from cosmovisor.model.observations import Link, Observations
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.state import DataIdentity, FolderIdentity, State
from cosmovisor.model.value import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Data = Literal["same", "other", "no record", "missing"]

#: What stands for a `current` that leads out of the folder tree: its path below `cosmovisor/` still works.
FOREIGN_VERSION = Version("current", "current")
#: The source name of heights that come from the write-ahead log.
LOG = "cs.wal"


def compare_data(recorded: DataIdentity | None, seen: DataIdentity | None) -> Data:
    """Tell whether the data is the recorded one; a database that appears later is no difference."""
    if seen is None or seen.data is None:
        return "missing"
    if recorded is None:
        return "no record"
    same = (
        _same_folder(recorded.data, seen.data)
        and _same_folder(recorded.block_store, seen.block_store)
        and _same_folder(recorded.application, seen.application)
    )
    return "same" if same else "other"


def _same_folder(recorded: FolderIdentity | None, seen: FolderIdentity | None) -> bool:
    """Compare one folder; birth times count where both are kept."""
    if recorded is None:
        return True
    if seen is None or (recorded.device, recorded.inode) != (seen.device, seen.inode):
        return False
    return recorded.born_ns == seen.born_ns or not recorded.born_ns or not seen.born_ns


def learn_data(recorded: DataIdentity | None, seen: DataIdentity | None) -> DataIdentity | None:
    """Return the recorded identity with the folders that have appeared since."""
    if recorded is None or seen is None:
        return recorded
    return DataIdentity(
        recorded.data or seen.data,
        recorded.block_store or seen.block_store,
        recorded.application or seen.application,
    )


def merge(seen: Evidence, remembered: Evidence) -> Evidence:
    """Join what was seen now with the last height that we saw ourselves on the same data.

    Exact evidence wins, unless our own record is higher: then the source is late, and what is left is `at
    least`.
    """
    if remembered.strength == "unknown" or seen.reaches(remembered.height):
        return seen
    return Evidence(remembered.height, "at least", "own record", remembered.at)


def rolled_back(seen: Evidence, remembered: Evidence, log: int) -> bool:
    """Tell whether the data of a stopped node is below what we saw of it: an older copy lies in its place.

    One block is allowed: a block is in the store before its record is in the write-ahead log, and the last
    record of the log may be torn. That the log ends lower than it did (`log`) is proof too, as it only ever
    grows.
    """
    if seen.source == LOG and seen.height + 1 < log:
        return True
    return seen.strength == "exact" and remembered.height > seen.height + 1


def facts_of(state: State, seen: Observations, node: NodeFact, skip: tuple[int, ...]) -> Facts:
    """Return the facts of this moment; what is bound to other data is left out."""
    data = compare_data(state.data, seen.data)
    if data == "same" and node.state != "running" and rolled_back(seen.b, state.b, state.log):
        data = "other"
    bound = data == "same"
    records = state.records if bound else ()
    b = merge(seen.b, state.b) if bound else seen.b
    a = merge(seen.a, state.a) if bound else seen.a
    if node.state == "exited" and node.start_b.strength == "exact" and b.reaches(node.start_b.height + 1):
        node = replace(node, progressed=True, at_once=False)
    memory = state if bound else replace(state, ahead=None, stale=None, spawned=None, written=None)
    spawned = bound and (node.state != "never started" or state.ever_spawned)
    plan = seen.file.plan
    there = plan is not None and node.start_b.reaches(plan.height - 1)
    at_once = node.state == "exited" and node.at_once and not node.ever_up and there
    file = file_age.plan_file(memory, seen, b, a, spawned=spawned, at_once=at_once)
    link = _link(seen.link)
    switches = known_switches(records, state.history, seen.folders)
    facts = Facts(
        at=seen.at,
        file=file,
        data=data,
        link=link,
        marker=_has_marker(seen, link, file.plan),
        fits=fits(switches, b, a, link),
        usable=tuple(folder.version for folder in seen.folders if folder.usable),
        records=records,
        step=state.step,
        known=state.known_plan,
        b=b,
        a=a,
        node=node,
        skip=skip,
        prospects=seen.prospects,
        schedule=state.schedule,
        waiting=tuple(folder.version for folder in seen.folders if folder.waiting),
    )
    return replace(facts, twins=_twins(facts, seen))


def _link(link: Link) -> Link:
    """Return the link with the version that it makes active: none where it dangles."""
    if link.kind == "foreign":
        return replace(link, version=FOREIGN_VERSION)
    return link if link.kind in {"genesis", "version"} else replace(link, version=None)


def _has_marker(seen: Observations, link: Link, plan: Plan | None) -> bool:
    """Tell whether the active folder carries the marker of its plan, the file's one where that is its."""
    version = link.version
    if version is None or version in {GENESIS_VERSION, FOREIGN_VERSION}:
        return True
    marker = next((folder.marker for folder in seen.folders if folder.version == version), None)
    if marker is None:
        return False
    target = next((one.version for one in seen.prospects if one.plan == plan), None)
    if plan is None or target != version:
        return True
    return marker.name.casefold() == plan.name.casefold() and marker.height == plan.height


def _twins(facts: Facts, seen: Observations) -> tuple[Version, ...]:
    """Return the folders of the open plan that differ only in case and hold different programs."""
    plan = facts.file.plan or facts.known
    target = None if plan is None else facts.target(plan)
    if target is None or not is_open(facts, plan):
        return ()
    name = target.folder.casefold()
    same = [folder for folder in seen.folders if folder.usable and folder.version.folder.casefold() == name]
    if len({folder.digest for folder in same}) < 2:
        return ()
    return tuple(folder.version for folder in same)
