"""What a seed decides before the night begins: the chain, its plans, the operator's habits and the faults."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from cosmovisor.model.plan import Plan

#: What each version of the daemon can apply.
HANDLERS = {"v1": (), "s2": (), "v2": ("v2",), "v2b": ("v2b",), "v3": ("v2", "v2b", "v3")}

FAULTS = (
    "kill supervisor", "kill supervisor at call", "kill supervisor at await", "kill supervisor in step",
    "kill node", "kill both", "power", "no space", "io error", "rpc silent", "rpc other", "rpc neighbour",
    "rpc half", "rpc late", "lost watch", "clock jump", "late binary", "state lost", "state damaged",
    "operator stop", "backup fails", "half written", "sign state lost",
)  # fmt: skip

#: What happens in half of the nights beside the faults above; one of these in each.
FURTHER = (
    "helper left", "data restored", "second supervisor", "other chain for hours", "rpc silent for hours",
    "pre-upgrade fails", "staging fails", "plan replaced", "skipped at a restart", "schedule", "exact schedule",
)  # fmt: skip


@dataclass(frozen=True)
class Habits:
    """How this chain behaves.

    Attributes:
        interval: Seconds between blocks.
        boot: Seconds from the start of a process to its first word.
        optimistic: With optimistic execution the plan file is written before block H is decided: the block is
            `saved` all the same, or the node `stops` one block earlier; empty: without.
        stores: A new binary has new stores: it refuses at its start where it is too early.
        hangs: A too-early binary hangs instead of ending.
        exits: The node ends at a halt in consensus too (own forks do).
        migration: Seconds that the upgrade takes at the first start of the new binary.
        stop: Seconds from SIGTERM to the end; None: SIGTERM is ignored once halted.
        behind: Blocks that the node is behind the network at first: it comes to H in block sync.
    """

    interval: float
    boot: float
    optimistic: str
    stores: bool
    hangs: bool
    exits: bool
    migration: float
    stop: float | None
    behind: int


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong at a moment, or at the n-th call or await after it, for a while."""

    kind: str
    at: float
    count: int
    length: float


@dataclass
class Script:
    """One night as its seed has it.

    Attributes:
        habits: How the chain behaves.
        start: Height at the beginning.
        plans: The upgrades, ascending.
        twist: What becomes of the first plan: nothing, `skipped` by the node's arguments, `moved` by a block,
            `cancelled`, `replaced` by one with another name, or `written ahead` into the plan file as the Go tool
            schedules it.
        has_log: Whether the chain keeps `cs.wal`.
        has_store: Whether the block store can be read while the node is down.
        has_scout: Whether the scout lives.
        adopts: Whether a node that was left behind is kept (COSMOVISOR_ORPHAN).
        restarts: Whether a node that ended is started again (COSMOVISOR_RESTART).
        signs: Whether the node signs with a key file of its own.
        pause: Seconds after which the service manager starts an ended supervisor again.
        faults: What goes wrong.
        further: What happens beside that, one of `FURTHER`; empty in half of the nights.
        schedule: Height of the operator's own schedule; 0: there is none.
        halts: How the old program meets a halt height: it `ends`, `stays`, or halts `before` it executes it.
    """

    habits: Habits
    start: int
    plans: list[Plan]
    twist: str
    has_log: bool
    has_store: bool
    has_scout: bool
    adopts: bool
    restarts: bool
    signs: bool
    pause: float
    faults: list[Fault] = field(default_factory=list)
    further: str = ""
    schedule: int = 0
    halts: str = "ends"


def of(seed: int, dice: random.Random) -> Script:
    """Draw the night of a seed; what happens further has dice of its own, so that the rest stays as it is."""
    script = draw(dice)
    if seed % 4 < 2:
        _add(script, random.Random(f"further {seed}"))
    return script


def draw(dice: random.Random) -> Script:
    """Draw a night."""
    habits = Habits(
        interval=dice.choice([0.5, 0.5, 2.0, 2.0, 6.0]),
        boot=dice.choice([0.2, 0.2, 0.5, 2.5]),
        optimistic=dice.choices(["", "saved", "stops"], [80, 10, 10])[0],
        stores=dice.random() < 0.5,
        hangs=dice.random() < 0.4,
        exits=dice.random() < 0.1,
        migration=dice.choices([0.0, 3.0, 70.0, 900.0], [80, 17, 2.8, 0.2])[0],
        stop=dice.choice([0.02, 0.5, 1.4, 1.4, None]),
        behind=dice.choice([0, 0, 0, 200]),
    )
    start = dice.choice([1, 5, 20])
    first = start + dice.choice([4, 6, 10])
    plans = [Plan("v2", first, ""), Plan("v3", first + dice.choice([2, 5, 9]), '{"binaries":{}}')]
    twists = ["", "skipped", "moved", "cancelled", "written ahead"]
    script = Script(
        habits,
        start,
        plans,
        dice.choices(twists, [70, 8, 7, 7, 8])[0],
        has_log=dice.random() < 0.9,
        has_store=dice.random() < 0.5,
        has_scout=dice.random() < 0.7,
        adopts=dice.random() < 0.3,
        restarts=dice.random() < 0.2,
        signs=dice.random() < 0.25,
        pause=dice.choice([1.0, 5.0]),
    )
    halts = [(plan.height - start) * habits.interval + habits.boot for plan in plans]
    for _ in range(dice.choice([0, 1, 1, 2, 2, 3])):
        script.faults.append(_fault(dice, halts))
    return script


def _fault(dice: random.Random, halts: list[float]) -> Fault:
    near = dice.choice(halts) + dice.choice([-2, -0.5, 0.0, 0.01, 0.1, 0.4, 1.0, 3.0, 8.0])
    at = near if dice.random() < 0.8 else dice.uniform(0.1, halts[-1] + 10)
    length = dice.choices([1.0, 8.0, 20.0, 300.0], [45, 45, 9, 1])[0]
    return Fault(dice.choice(FAULTS), max(0.1, at), dice.randint(1, 60), length)


def _add(script: Script, dice: random.Random) -> None:
    """Let something further happen in a night."""
    script.further = kind = dice.choice(FURTHER)
    habits, plans = script.habits, script.plans
    halts = [(plan.height - script.start) * habits.interval + habits.boot for plan in plans]
    at = max(0.1, dice.choice(halts) + dice.choice([-3.0, -1.0, 0.0, 0.2, 1.0, 3.0, 8.0]))
    length = dice.choice([1.0, 8.0, 20.0, 60.0])
    if kind.endswith("for hours"):
        script.has_log = True  # without any height on disk nothing can be decided while nobody answers
        at, length = dice.choice([0.1, max(0.1, halts[0] - 3.0)]), dice.choice([7200.0, 14400.0])
        # A clock that was set back at the halt makes the file look older than the block: then only heights help.
        script.faults = [fault for fault in script.faults if fault.kind != "clock jump"]
    elif kind == "data restored":
        script.has_log = script.has_store = True  # where nothing tells the exact height, the operator must
        # Data and sign-state that are both older than what was signed since the last stop: nothing is left to tell.
        script.faults = [fault for fault in script.faults if fault.kind != "sign state lost"]
        at = dice.choice([dice.uniform(1.0, halts[-1] + 6.0), halts[0] + 1.0, halts[-1] + 2.0])
    elif kind in {"helper left", "pre-upgrade fails"}:
        at = max(0.1, dice.choice(halts) - 3.0)
    elif kind == "staging fails":
        at = 0.1
    elif kind in {"plan replaced", "skipped at a restart"}:
        script.twist = "replaced" if kind == "plan replaced" else ""
        at = max(0.1, halts[0] + dice.choice([-3.0, -1.0, -0.2, 0.1, 0.5, 2.0]))
    elif kind.endswith("schedule"):
        script.twist, at = "", 0.3
        # Where nothing tells the heights nobody can be on time; what was cut off has lost them for good.
        script.has_log = script.has_store = True
        script.schedule = script.start + dice.choice([6, 8, 12])
        # Two looks lie before the chain's own plan; where they do not, the program has no new stores, since
        # the plan file that would arm their loader is the chain's already.
        close = dice.random() < 0.3
        behind = script.schedule + (dice.choice([1, 3]) if close else int(15.0 / habits.interval) + 3)
        script.plans = [Plan("v3", behind, "")]
        script.adopts = (
            script.adopts and kind == "schedule"
        )  # a node that is kept does not tell how it was armed
        script.habits = replace(habits, behind=0, stores=habits.stores and not close)
        script.halts = dice.choice(["ends", "stays", "before"])
    script.faults.append(Fault(kind, at, dice.randint(1, 4), length))
