"""The frozen facts that the tables are asked with: gathered once, all of the same moment.

A missing fact is a value of its own; it never means yes or no.
"""

from __future__ import annotations

from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Prospect
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import NotStaged, StagedBinary
from cosmovisor.model.state import PlanRecord, ScheduleEntry, Step
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["absent", "incomplete", "plan"]
    Age = Literal["fresh", "old", "ahead", "stale"]
    Progress = Literal["moving", "still", "still longer"]


@value
class PlanFile:
    """The plan file.

    Attributes:
        kind: `absent`, `incomplete` or `plan`.
        plan: The plan P, if it is one.
        age: `fresh` (changed since this node was spawned, and not the instance written ahead), `ahead`
            (written ahead), `stale` (there when this data was first seen, and unchanged) or `old` (none of
            these).
        writer: True while somebody writes it.
        ours: True if we have written this instance ourselves, for a chain that could not.
        not_older_than_block: Whether its time is not before the record of block b; None where there is no
            record.
    """

    kind: Kind = "absent"
    plan: Plan | None = None
    age: Age = "old"
    writer: bool = False
    ours: bool = False
    not_older_than_block: bool | None = None


@value
class NodeFact:
    """The node.

    Attributes:
        state: `never started` by this supervisor, `running` or `exited`.
        version: What runs or ran.
        progress: Whether heights moved: `still` for the settle time, `still longer` for the longer one.
        hushed: True if all sources of heights were tried without an answer and nothing below `data/` has
            changed, both for the settle time.
        quiet: Likewise for the longer settle time.
        status: Exit status, -n for signal n; None if unknown (an adopted node) or not exited.
        at_once: It ended within seconds of its launch.
        started_at_halt: It was launched at b = H of the plan in the file.
        ever_up: Its RPC answered, or its heights moved, at some moment of this run.
        progressed: Its heights moved in this run.
        first_launch: This was the first launch after the switch.
        armed: The halt height that it was launched with; 0: none.
        start_b: Block-store height at its launch.
    """

    state: Literal["never started", "running", "exited"] = "never started"
    version: Version | None = None
    progress: Progress = "moving"
    hushed: bool = False
    quiet: bool = False
    status: int | None = None
    at_once: bool = False
    started_at_halt: bool = False
    ever_up: bool = False
    progressed: bool = False
    first_launch: bool = False
    armed: int = 0
    start_b: Evidence = UNKNOWN


@value
class Facts:
    """All facts of one moment.

    Attributes:
        at: Seconds since the epoch.
        file: The plan file.
        data: `same` as recorded, `other`, `no record`, or `missing` (there is no `data/` at all).
        link: The active link; its version is None where it is missing or dangles.
        marker: Whether the active folder carries the marker of its plan (always true for genesis).
        fits: Versions that fit the data's height by history and markers; empty: nothing is known.
        usable: Versions with a usable daemon, genesis included.
        waiting: Versions that nobody has switched to: a hand-made list of binaries lies where the switch puts
            the marker.
        records: What was done about each plan on this data.
        step: The step in flight.
        known: The plan that the scout last reported.
        b: Block-store height.
        a: Application height.
        node: The node.
        skip: Heights whose plans the operator skips.
        prospects: Folder and readiness of the plan in the file, the known plan and the schedule's next entry.
        schedule: The operator's schedule, by height.
        twins: Folders of the pending plan that differ only in case and hold different daemons; empty: no
            conflict.
    """

    at: float
    file: PlanFile
    data: Literal["same", "other", "no record", "missing"]
    link: Link
    marker: bool = True
    fits: tuple[Version, ...] = ()
    usable: tuple[Version, ...] = ()
    records: tuple[PlanRecord, ...] = ()
    step: Step | None = None
    known: Plan | None = None
    b: Evidence = UNKNOWN
    a: Evidence = UNKNOWN
    node: NodeFact = NodeFact()
    skip: tuple[int, ...] = ()
    prospects: tuple[Prospect, ...] = ()
    schedule: tuple[ScheduleEntry, ...] = ()
    twins: tuple[Version, ...] = ()
    waiting: tuple[Version, ...] = ()

    def record(self, plan: Plan) -> PlanRecord:
        """Return what was done about a plan; an empty record if nothing was."""
        for record in self.records:
            if record.plan == plan:
                return record
        return PlanRecord(plan)

    def target(self, plan: Plan) -> Version | None:
        """Return the version that a plan's name leads to; None if that was not looked at."""
        for prospect in self.prospects:
            if prospect.plan == plan:
                return prospect.version
        return self.record(plan).version

    def staged(self, plan: Plan) -> StagedBinary | NotStaged:
        """Return whether the binary of a plan is ready."""
        for prospect in self.prospects:
            if prospect.plan == plan:
                return prospect.staged
        return NotStaged("its binary was not looked at")
