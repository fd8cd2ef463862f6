"""The world around the real decision code, as one immutable tuple, and what the supervisor's shell sees of it."""

from __future__ import annotations

from typing import NamedTuple

from cosmovisor.decide import commands
from cosmovisor.decide.policy import Policy
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.observations import Link, Observations, Prospect, SeenFile, SeenFolder
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, NodeStopped, NotStaged, StagedBinary
from cosmovisor.model.state import DataIdentity, FolderIdentity
from cosmovisor.model.value import replace
from tests.model import laws
from tests.model.chain import FIRST, SECOND, Config, Data, File, Node
from tests.model.held import NANO, UNIT, Held
from tests.model.normal import STEP

VERSIONS = {1: GENESIS_VERSION, 2: Version("v2", "upgrades/v2"), 3: Version("v3", "upgrades/v3")}
NUMBERS = {version: number for number, version in VERSIONS.items()}
PLANS = {2: Plan("v2", FIRST), 3: Plan("v3", SECOND)}
STAGED = {
    number: StagedBinary(
        plan, VERSIONS[number], f"/{number}", str(number), FileIdentity(1, number, 1, 1, 1), "hand", "hand"
    )
    for number, plan in PLANS.items()
}
NOT_STAGED = NotStaged("not there yet")
STOPPED = NodeStopped(0.0)
#: What the clock on the wall says at every look: later than all files and records.
WALL = 1e9
POLICY = Policy(hold_limit=2 * STEP, poll=STEP, settle=STEP / 3)
#: How many blocks a late answer may be late.
LATE = (1, 3)


class World(NamedTuple):
    """Everything: data, node, files, document, machine, what the shell still has to do, and what may still go wrong.

    Attributes:
        data: The node's data.
        node: The node's process.
        clock: The next logical time.
        link: The version that `current` names.
        markers: Versions whose folder carries the marker.
        doc: The state document on disk.
        machine: The supervisor's machine; None: no supervisor runs.
        commands: What its shell still has to carry out.
        events: What the machine will be told.
        half: A step of which one half is done (the link is set, the markers are not).
        wal_exact: The node that ended has made a record in its log, and we have seen it end.
        there: Versions whose binary is staged.
        skip: The operator's skip flag is set.
        crashes: How many crashes may still come.
        fails: How many failures may still come.
        restored: The older copy was brought in.
        lost: The document was lost.
        asked: The plan file was written ahead, or the schedule was made.
        raced: The node has moved between the look and its answer.
        truth: What only the model knows.
    """

    data: Data
    node: Node | None
    clock: int
    link: int
    markers: tuple[int, ...]
    doc: Held
    machine: Held | None = None
    commands: tuple[Held, ...] = ()
    events: tuple[Held, ...] = ()
    half: bool = False
    wal_exact: bool = False
    there: tuple[int, ...] = (2, 3)
    skip: bool = False
    crashes: int = 1
    fails: int = 0
    restored: bool = False
    lost: bool = False
    asked: bool = False
    raced: bool = False
    truth: laws.Truth = laws.Truth()


def number_of(plan: Plan) -> int:
    """Return the version of a plan."""
    return int(plan.name[1:])


def plan_of(file: File) -> Plan:
    """Return the plan in a file that is not torn."""
    plan = PLANS[file.plan]
    return replace(plan, height=file.height) if file.height else plan


def policy(world: World) -> Policy:
    """Return the settings of a supervisor that is started now."""
    return replace(POLICY, skip=(FIRST,)) if world.skip else POLICY


def answers(config: Config, world: World, asked: commands.GatherFacts) -> tuple[int | None, ...]:
    """Return what the RPC may answer: so many blocks late, or nothing (None)."""
    node = world.node
    if node is None or not asked.node_lives or asked.heights == "no" or config.rpc == "yes":
        return (0,)
    if config.rpc == "no":
        return (None,)
    if config.rpc == "some":
        return (0, None)
    return (0, *(late for late in LATE if world.data.b - late >= max(node.base, 1)))


def observe(config: Config, world: World, asked: commands.GatherFacts, late: int | None) -> Observations:
    """Look at the world as the shell would."""
    data, node = world.data, world.node
    b = a = UNKNOWN
    if asked.heights != "no":
        if node is not None and asked.node_lives:
            if late is not None and node.phase != "boot":
                a = Evidence(data.b - late if late else data.a, "exact", "rpc", WALL)
                b = Evidence(data.b - late, "exact", "rpc", WALL)
            elif config.wal != "no" and data.records:
                b = Evidence(data.records[-1][0], "at least", "cs.wal", WALL)
        elif node is None:
            b = _at_rest(config, world)
    file = SeenFile()
    if data.file is not None:
        identity = FileIdentity(1, 1, 1, data.file.modified * NANO, data.file.changed)
        if data.file.plan:
            file = SeenFile("plan", plan_of(data.file), identity)
        else:
            file = SeenFile("incomplete", None, identity)
    plans = dict.fromkeys(asked.plans if file.plan is None else (*asked.plans, file.plan))
    records = tuple((height, float(at * UNIT)) for height, at in data.records) if config.wal != "no" else ()
    folder = FolderIdentity(1, data.ident, 1)
    return Observations(
        at=WALL,
        file=file,
        data=DataIdentity(folder, folder, folder),
        link=Link("genesis" if world.link == 1 else "version", VERSIONS[world.link]),
        folders=tuple(
            SeenFolder(
                VERSIONS[number],
                number == 1 or number in world.there or number == world.link,
                PLANS[number] if number in world.markers else None,
            )
            for number in ((1, 2, 3) if config.second else (1, 2))
        ),
        b=b,
        a=a,
        tried=asked.heights != "no" and b.strength != "exact",
        record_times=records,
        data_changed_at=float(data.b * 100 + data.a * 10 + (0 if data.file is None else 1 + data.file.plan)),
        prospects=tuple(_prospect(world, plan) for plan in plans),
    )


def _prospect(world: World, plan: Plan) -> Prospect:
    number = number_of(plan)
    return Prospect(plan, VERSIONS[number], STAGED[number] if number in world.there else NOT_STAGED)


def _at_rest(config: Config, world: World) -> Evidence:
    """Return what a stopped node has left."""
    data = world.data
    if config.store:
        return Evidence(data.b, "exact", "block store", WALL)
    if config.wal == "no" or not data.records:
        return UNKNOWN
    exact = world.wal_exact and config.wal == "yes" and data.records[-1][0] == data.b
    return Evidence(data.records[-1][0], "exact" if exact else "at least", "cs.wal", WALL)
