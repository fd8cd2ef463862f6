"""A chain of one node, small enough to be searched: what data, node and plan file can do, and nothing else.

Heights are small numbers. Version 1 runs from the beginning, version 2 from the first plan's height, version 3 from
the second's. Times are logical: a counter that grows with each write, so that before and after can be told.
"""

from __future__ import annotations

from typing import NamedTuple


class Config(NamedTuple):
    """What may happen in one search.

    Attributes:
        name: Its name on the result page.
        mode: `consensus`, `optimistic` or `sync`.
        rpc: `yes`, `no`, `some` (each question may stay unanswered), or `stale` (an answer may be blocks late).
        wal: What the write-ahead log of a stopped node tells: `yes`, `weak` (never exact) or `no`.
        store: Whether the block store of a stopped node can be read.
        early: What a new program does below its height: `exit` at once, or `hang` alive after saving a block.
        late: The binaries arrive only later.
        ahead: Somebody writes the plan file ahead at this height; 0: nobody.
        patch: The first plan is not the chain's: its version runs on any height, and must not run below.
        cancelled: The chain has dropped the first plan.
        restore: An older copy may be brought in: `other` (new folders), `rsync` (into the same); empty: never.
        restore_to: Its height.
        with_file: The copy brings a plan file of the first plan along.
        skip: The operator may restart with the first plan's height skipped, which the chain has agreed on.
        nofile: The chain cannot write its plan file.
        torn: A power cut may leave an empty plan file.
        known: The scout has reported the plan.
        lose: The state document may be lost.
        watch: Whether a change of the plan file wakes the supervisor; it looks by itself too.
        slow: Blocks may take longer than the settle time.
        loads: A program may load for longer than `at once` means (120 s) before it is up or refuses.
        crashes: How often supervisor, node or both may be killed.
        fails: How often a save, a step, file work or a launch may fail.
        fetch: The binaries must be staged first, which may fail as often as `fails`.
        apart: Link and marker are two moves: a crash may come between them.
        schedule: The operator schedules the first plan at height `ahead`, in our own table: `plain`, `exact` (the
            old program ends when it has committed its halt height), `frozen` (it stands still then), `before` (it
            stands still with that block saved and not executed); the chain knows nothing of it.
        second: Whether there is a second plan.
        open: Laws that can be broken in this configuration, for the reason given as residue.
        residue: Why some state of this configuration may be stuck; empty: none is.
        top: The height that must be reached.
    """

    name: str
    mode: str = "consensus"
    rpc: str = "yes"
    wal: str = "yes"
    store: bool = False
    early: str = "exit"
    late: bool = False
    ahead: int = 0
    patch: bool = False
    cancelled: bool = False
    restore: str = ""
    restore_to: int = 1
    with_file: bool = False
    skip: bool = False
    nofile: bool = False
    torn: bool = False
    known: bool = False
    lose: bool = False
    watch: bool = True
    slow: bool = False
    loads: bool = False
    crashes: int = 1
    fails: int = 0
    fetch: bool = False
    apart: bool = False
    schedule: str = ""
    second: bool = False
    top: int = 5
    open: tuple[str, ...] = ()
    residue: str = ""


#: Upgrade heights of versions 2 and 3.
FIRST, SECOND = 4, 6


class File(NamedTuple):
    """The plan file: which plan (2 or 3; 0: torn), its inode change and its modification, whether it is synced.

    `height`: the height in it, where that is not the plan's own (we write it so for a schedule).
    """

    plan: int
    changed: int
    modified: int
    synced: bool = True
    height: int = 0


class Data(NamedTuple):
    """The node's data: saved and applied height, identity, log records (height, time), plan file.

    `skipped`: the chain has skipped the first plan, as its operators have agreed.
    """

    b: int = 1
    a: int = 1
    ident: int = 1
    records: tuple[tuple[int, int], ...] = ((1, 1),)
    file: File | None = None
    skipped: bool = False


class Node(NamedTuple):
    """A process: its version, `boot`, `up` or `hung`, whether it skips the first plan.

    `wrote`: it has written the plan file; `recorded`: it has made a record in the log; `armed`: its halt height;
    `base`: the height at which it was started, where that matters (late answers).
    """

    version: int
    phase: str = "boot"
    skips: bool = False
    wrote: bool = False
    recorded: bool = False
    armed: int = 0
    base: int = 0


class Moved(NamedTuple):
    """What a move of the node has led to."""

    name: str
    data: Data
    node: Node | None
    status: int = 0


def height_of(version: int) -> int:
    """Return the upgrade height of a version."""
    return {1: 0, 2: FIRST, 3: SECOND}[version]


def is_ungoverned(config: Config) -> bool:
    """Tell whether the first plan is not the chain's: a patch, or something that the operator has scheduled."""
    return config.patch or bool(config.schedule)


def first_block(config: Config) -> int:
    """Return the first block that an ungoverned version may execute: the one after its height, or that itself."""
    return FIRST if config.schedule in {"exact", "frozen", "before"} else FIRST + 1


def on_chain(config: Config, data: Data, version: int) -> bool:
    """Tell whether the chain has the plan of a version."""
    if version == 2:
        return not config.cancelled and not is_ungoverned(config) and not data.skipped
    return version == 3 and config.second


def needed(config: Config, data: Data, height: int) -> int:
    """Return the version that must execute a block."""
    found = 1
    for version in (2, 3):
        if on_chain(config, data, version) and height >= height_of(version):
            found = version
    return found


def is_foreign(config: Config, version: int, want: int) -> int:
    """Compare a program with the one that a block needs: -1 too old, 0 right, 1 too new; a patch suits every block."""
    if is_ungoverned(config):
        version, want = max(version, 2), max(want, 2)
    return (version > want) - (version < want)


def node_moves(config: Config, data: Data, node: Node, clock: int) -> list[Moved]:
    """Return what the node can do next by itself."""
    if node.phase == "hung":
        return []
    if node.phase == "boot":
        return [_boot(config, data, node, clock)]
    return _up(config, data, node, clock)


def _boot(config: Config, data: Data, node: Node, clock: int) -> Moved:
    """Start: read the plan file, open the stores, replay the block that is saved and not applied."""
    if data.file is not None and data.file.plan == 0:
        return Moved("refuses the torn plan file", data, None, 1)
    there = is_foreign(config, node.version, needed(config, data, data.a))
    if there < 0:
        return Moved("refuses newer data", data, None, 2)
    file = data.file
    armed = (
        file is not None
        and file.plan == node.version
        and (file.height or height_of(node.version)) == data.a + 1
    )
    right_next = is_foreign(config, node.version, needed(config, data, data.a + 1)) == 0
    if there > 0 and config.early == "exit" and not (armed and right_next):
        return Moved("refuses the stores", data, None, 2)
    if data.b > data.a:
        applied = _apply(config, data, node, clock)
        if applied.node is not None and applied.node.phase == "hung" and applied.data.a == data.b:
            return applied._replace(name="replay: " + applied.name)
        if applied.node is None or applied.node.phase == "hung":
            return Moved("replay: " + applied.name, applied.data, None, 1)
        return Moved("replays and is up", applied.data, node._replace(phase="up"))
    return Moved("is up", data, node._replace(phase="up"))


def _apply(config: Config, data: Data, node: Node, clock: int) -> Moved:
    """Execute block b."""
    height = data.b
    skipping = node.skips and height == FIRST
    if skipping and on_chain(config, data, 2):
        return Moved(f"skips the plan and executes {height}", data._replace(a=height, skipped=True), node)
    if config.schedule == "before" and node.armed and height >= node.armed:
        return Moved(f"refuses to execute its halt height {height}", data, node._replace(phase="hung"))
    fits = is_foreign(config, node.version, needed(config, data, height))
    if fits == 0:
        data = data._replace(a=height)
        if not node.armed or height < node.armed:
            return Moved(f"executes {height}", data, node)
        if config.schedule == "exact":
            return Moved(f"executes {height} and ends at its halt height", data, None)
        return Moved(
            f"executes {height} and stands still at its halt height", data, node._replace(phase="hung")
        )
    if fits < 0:
        if not config.nofile:
            data = data._replace(file=File(needed(config, data, height), clock, clock, synced=False))
        return Moved(f"halts at {height}", data, node._replace(phase="hung", wrote=True))
    return Moved(f"refuses to execute {height}", data, node._replace(phase="hung"))


def _up(config: Config, data: Data, node: Node, clock: int) -> list[Moved]:
    """Make a block: save it, then apply it; in optimistic mode the halt comes before the block is saved."""
    if data.b > data.a:
        moved = _apply(config, data, node, clock)
        if moved.node is not None and moved.node.phase == "hung" and config.mode == "sync":
            return [moved._replace(node=None, status=2)]
        return [moved]
    height = data.b + 1
    if height > config.top:
        return []
    if config.schedule == "frozen" and node.armed and data.a >= node.armed:
        return [Moved("stands still at its halt height", data, node._replace(phase="hung"))]
    want = needed(config, data, height)
    halting = is_foreign(config, node.version, want) < 0 and not (node.skips and height == FIRST)
    if config.mode == "optimistic" and halting and not node.wrote and not config.nofile:
        file = File(want, clock, clock, synced=False)
        return [
            Moved(
                f"writes the file before block {height}", data._replace(file=file), node._replace(wrote=True)
            )
        ]
    records = data.records if config.mode == "sync" else (*data.records, (height, clock))
    node = node._replace(recorded=config.mode != "sync")
    return [Moved(f"saves {height}", data._replace(b=height, records=records), node)]
