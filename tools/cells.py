"""Every combination of facts that the tables can tell apart, table by table.

A cell is one combination. The full product of all facts has more cells than a machine could visit, but no row
reads all facts at once: each slice below holds the facts that its rows read in full, and the rest at one
value. That the rest does not matter in a slice is checked by random facts in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

from cosmovisor.decide.after_exit import decide_after_exit
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.running import decide_running
from cosmovisor.model.decision import Decision
from cosmovisor.model.facts import Facts, NodeFact, PlanFile
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Prospect
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, NotStaged, StagedBinary
from cosmovisor.model.state import PlanRecord, ScheduleEntry, Step
from cosmovisor.model.value import replace

H = 100
P = Plan("v2", H)
OTHER = Plan("v3", 200)
V1, V2, V3 = GENESIS_VERSION, Version("v2", "upgrades/v2"), Version("v3", "upgrades/v3")
READY = StagedBinary(P, V2, "/upgrades/v2/bin/d", "0" * 64, FileIdentity(1, 1, 1, 1, 1), "hand", "hand")
MISSING = NotStaged("it is not there", "put it there")

Values = dict[str, Any]
Cell = tuple[dict[str, str], Facts]
Slice = tuple[str, str, dict[str, Values]]


def _evidence(strength: Any, *offsets: int) -> Values:
    return {
        f"{'' if strength == 'exact' else 'at least '}H{offset:+d}".replace("H+0", "H"): Evidence(
            H + offset, strength, "evidence"
        )
        for offset in offsets
    }


B: Values = {"unknown": UNKNOWN, **_evidence("exact", -2, -1, 0, 1), **_evidence("at least", -2, -1, 0, 1)}
A: Values = {"unknown": UNKNOWN, **_evidence("exact", -3, -2, -1, 0, 1), **_evidence("at least", -2, -1, 0)}
#: What the write-ahead log of a living node tells.
LOGGED: Values = {
    f"log {label}": Evidence(evidence.height, "at least", "cs.wal")
    for label, evidence in _evidence("at least", -2, -1, 0, 1).items()
}
#: A node at rest tells no exact application height.
A_REST: Values = {"unknown": UNKNOWN, **_evidence("at least", -2, -1, 0)}

AGES = ("fresh", "old", "ahead", "stale")
NO_FILE: Values = {
    "absent": PlanFile(),
    "torn": PlanFile("incomplete"),
    "torn, being written": PlanFile("incomplete", writer=True),
}
FILES: Values = {**NO_FILE, **{age: PlanFile("plan", P, age) for age in AGES}}
PLAN_FILES: Values = {age: FILES[age] for age in AGES}
FILES_OURS: Values = {
    **PLAN_FILES,
    **{f"{age}, written by us": PlanFile("plan", P, age, ours=True) for age in ("fresh", "old")},
}
FILES_TIMED: Values = {
    **{
        f"{age}{text}": PlanFile("plan", P, age, not_older_than_block=value)
        for age in AGES
        for text, value in (("", None), (", not older than b", True), (", older than b", False))
    },
    "old, not older than b, written by us": PlanFile("plan", P, "old", ours=True, not_older_than_block=True),
}


def _record(**more: Any) -> PlanRecord:
    return PlanRecord(P, **more)


RECORDS: Values = {
    "none": _record(),
    "halt seen": _record(halt_seen=True),
    "halt seen (inferred)": _record(halt_seen=True, inferred=True),
    "passed": _record(passed=True),
    "gone back": _record(gone_back=True),
    "switched": _record(version=V2, stage="switched", back_to=V1),
    "pre-upgraded": _record(version=V2, stage="pre-upgraded", back_to=V1),
    "pre-upgraded (inferred)": _record(version=V2, stage="pre-upgraded", inferred=True, back_to=V1),
    "proven": _record(version=V2, stage="proven", back_to=V1),
}
STARTED: Values = {
    "switched (inferred)": _record(version=V2, stage="switched", inferred=True, back_to=V1),
    "pre-upgraded (inferred)": RECORDS["pre-upgraded (inferred)"],
    "pre-upgraded": RECORDS["pre-upgraded"],
    "inferred, gone back": _record(
        version=V2, stage="pre-upgraded", inferred=True, gone_back=True, back_to=V1
    ),
    "inferred, nowhere to go": _record(version=V2, stage="pre-upgraded", inferred=True),
    "proven": RECORDS["proven"],
}
KNOWN: Values = {"nothing": None, "P": P, "another plan": OTHER}
SKIP: Values = {"no": (), "yes": (H,)}
STAGED: Values = {"yes": READY, "no": MISSING}
BOTH: Values = {"no": False, "yes": True}
PROGRESS: Values = {"moving": "moving", "still": "still", "still longer": "still longer"}
LINKS: Values = {
    "genesis": Link("genesis", V1),
    "P's": Link("version", V2),
    "another": Link("version", V3),
    "missing": Link("missing"),
    "dangling": Link("dangling"),
    "foreign": Link("foreign", Version("current", "current")),
}
FITS: Values = {
    "nothing known": (),
    "genesis": (V1,),
    "P's": (V2,),
    "genesis or P's": (V1, V2),
    "another": (V3,),
}
USABLE: Values = {"none": (), "genesis": (V1,), "genesis, P's": (V1, V2), "P's": (V2,), "all": (V1, V2, V3)}
DATA: Values = {one: one for one in ("same", "other", "no record", "missing")}
STEPS: Values = {
    "none": None,
    **{
        kind: Step(kind, P, V2, V1, staged=READY)  # type: ignore[arg-type]
        for kind in ("backup", "script", "switch", "pre-upgrade", "go back")
    },
}
SCHEDULE: Values = {
    "none": (),
    "P": (ScheduleEntry(P, V2),),
    "P exactly": (ScheduleEntry(P, V2, exact=True),),
    "P exactly, halts before": (ScheduleEntry(P, V2, exact=True, halts_before=True),),
}
ARMED: Values = {"no": 0, "H-1": H - 1, "H": H}
STATUS: Values = {"0": 0, "1": 1, "2": 2, "signal": -9, "unknown": None}

RUNNING, EXITED, START = "running", "exited", "start-up"
TABLES: dict[str, Callable[[Facts], Decision]] = {
    RUNNING: decide_running,
    EXITED: decide_after_exit,
    START: decide_launch,
}

_TWO_LINKS: Values = {one: LINKS[one] for one in ("genesis", "P's")}


def _some(values: Values, *names: str) -> Values:
    """Return some of the values of a fact."""
    return {name: values[name] for name in names}


SLICES: tuple[Slice, ...] = (
    (
        RUNNING,
        "the plan and the heights",
        {
            "file": PLAN_FILES,
            "record": RECORDS,
            "skipped": SKIP,
            "b": B,
            "a": A,
            "progress": PROGRESS,
            "quiet": BOTH,
            "staged": STAGED,
        },
    ),
    (
        RUNNING,
        "the log of a silent node",
        {
            "file": FILES_TIMED,
            "b": LOGGED,
            "a": A_REST,
            "progress": PROGRESS,
            "hushed": BOTH,
            "quiet": BOTH,
            "staged": STAGED,
        },
    ),
    (
        RUNNING,
        "without a plan file",
        {
            "file": NO_FILE,
            "record": RECORDS,
            "known": KNOWN,
            "skipped": SKIP,
            "b": B,
            "a": A,
            "progress": PROGRESS,
        },
    ),
    (
        RUNNING,
        "after a switch",
        {
            "file": _some(FILES, "absent", "old", "fresh"),
            "record": STARTED,
            "link": _TWO_LINKS,
            "b": B,
            "a": A,
            "ever up": BOTH,
            "progress": PROGRESS,
        },
    ),
    (
        RUNNING,
        "the operator's schedule",
        {
            "file": FILES,
            "schedule": SCHEDULE,
            "armed": ARMED,
            "b": B,
            "a": A,
            "progress": PROGRESS,
            "staged": STAGED,
        },
    ),
    (RUNNING, "the data", {"data": DATA, "file": FILES, "b": B, "a": A, "staged": STAGED}),
    (
        EXITED,
        "the plan and the heights",
        {
            "file": FILES_OURS,
            "record": RECORDS,
            "skipped": SKIP,
            "b": B,
            "a": A_REST,
            "at once": BOTH,
            "started at H": BOTH,
            "staged": STAGED,
        },
    ),
    (
        EXITED,
        "without a plan file",
        {
            "file": NO_FILE,
            "record": RECORDS,
            "known": KNOWN,
            "skipped": SKIP,
            "b": B,
            "a": A_REST,
            "status": _some(STATUS, "0", "2", "signal"),
        },
    ),
    (
        EXITED,
        "after a switch",
        {
            "file": _some(FILES, "absent", "old", "fresh"),
            "record": STARTED,
            "link": _some(LINKS, "P's"),
            "b": B,
            "a": _some(A_REST, "unknown", "at least H"),
            "status": STATUS,
            "at once": BOTH,
            "ever up": BOTH,
            "progressed": BOTH,
            "first launch": BOTH,
        },
    ),
    (
        EXITED,
        "the operator's schedule",
        {
            "file": FILES,
            "schedule": SCHEDULE,
            "armed": ARMED,
            "status": STATUS,
            "b": B,
            "a": A_REST,
            "staged": STAGED,
        },
    ),
    (EXITED, "the data", {"data": DATA, "file": FILES, "b": B, "staged": STAGED}),
    (
        START,
        "the plan and the heights",
        {
            "file": FILES_TIMED,
            "record": RECORDS,
            "skipped": SKIP,
            "link": _TWO_LINKS,
            "b": B,
            "a": A_REST,
            "staged": STAGED,
        },
    ),
    (
        START,
        "without a plan file",
        {
            "file": NO_FILE,
            "record": RECORDS,
            "known": KNOWN,
            "skipped": SKIP,
            "link": _TWO_LINKS,
            "b": B,
            "a": A_REST,
        },
    ),
    (
        START,
        "link, marker and what fits",
        {
            "file": _some(FILES, "absent", "old"),
            "record": _some(RECORDS, "none", "halt seen", "pre-upgraded", "proven"),
            "link": LINKS,
            "marker": BOTH,
            "fits": FITS,
            "usable": USABLE,
            "b": B,
        },
    ),
    (
        START,
        "the operator's schedule",
        {
            "file": FILES,
            "schedule": SCHEDULE,
            "record": _some(RECORDS, "none", "passed", "proven"),
            "b": B,
            "a": A_REST,
            "staged": STAGED,
        },
    ),
    (
        START,
        "a step in flight",
        {
            "step": STEPS,
            "file": _some(FILES, "absent", "torn", "old", "ahead"),
            "record": _some(RECORDS, "none", "halt seen", "switched"),
            "link": _TWO_LINKS,
            "skipped": SKIP,
            "schedule": _some(SCHEDULE, "none", "P"),
            "b": B,
            "a": _some(A_REST, "unknown", "at least H-1", "at least H"),
            "staged": STAGED,
        },
    ),
    (
        START,
        "the data",
        {
            "data": DATA,
            "step": _some(STEPS, "none", "backup", "switch", "pre-upgrade"),
            "record": _some(RECORDS, "none", "pre-upgraded", "proven"),
            "link": LINKS,
            "fits": FITS,
            "b": B,
        },
    ),
    (START, "twin folders", {"twins": BOTH, "file": FILES_TIMED, "record": RECORDS, "b": B, "a": A_REST}),
)

DEFAULTS: Values = {
    "file": FILES["absent"],
    "record": RECORDS["none"],
    "known": None,
    "skipped": (),
    "b": UNKNOWN,
    "a": UNKNOWN,
    "staged": READY,
    "link": LINKS["genesis"],
    "marker": True,
    "fits": (),
    "usable": (V1, V2),
    "data": "same",
    "step": None,
    "schedule": (),
    "twins": False,
}
NODES: dict[str, str] = {
    "progress": "progress",
    "hushed": "hushed",
    "quiet": "quiet",
    "ever up": "ever_up",
    "status": "status",
    "at once": "at_once",
    "started at H": "started_at_halt",
    "progressed": "progressed",
    "first launch": "first_launch",
    "armed": "armed",
}


def cells(chosen: Slice) -> Iterator[Cell]:
    """Return every cell of a slice whose heights can be true at once."""
    table, _, dimensions = chosen
    names = tuple(dimensions)
    for labels in product(*dimensions.values()):
        values = {name: dimensions[name][label] for name, label in zip(names, labels, strict=True)}
        if possible(values.get("b", UNKNOWN), values.get("a", UNKNOWN)):
            yield dict(zip(names, labels, strict=True)), build(table, values)


def possible(b: Evidence, a: Evidence) -> bool:
    """Tell whether both heights can be true at once: a <= b, and not far below, except during a replay."""
    if b.strength == "exact" and a.strength != "unknown":
        return a.height <= b.height and (a.strength == "at least" or a.height >= b.height - 2)
    if b.strength == "at least" and a.strength == "exact":
        return a.height >= b.height - 2
    return True


def build(table: str, values: Values) -> Facts:
    """Return the facts of a cell."""
    found = {**DEFAULTS, **values}
    node = NodeFact()
    if table != START:
        flags = {NODES[name]: value for name, value in values.items() if name in NODES}
        version = found["link"].version
        node = NodeFact(state="running" if table == RUNNING else "exited", version=version, **flags)
    record = found["record"]
    usable = found["usable"]
    if isinstance(found["staged"], NotStaged):
        usable = tuple(one for one in usable if one != V2)
    return Facts(
        at=0.0,
        file=found["file"],
        data=found["data"],
        link=found["link"],
        marker=found["marker"],
        fits=found["fits"],
        usable=usable,
        records=() if record == RECORDS["none"] else (record,),
        step=found["step"],
        known=found["known"],
        b=found["b"],
        a=found["a"],
        node=node,
        skip=found["skipped"],
        prospects=(Prospect(P, V2, found["staged"]), Prospect(OTHER, V3, MISSING)),
        schedule=found["schedule"],
        twins=(V2, replace(V2, folder="upgrades/V2")) if found["twins"] else (),
    )
