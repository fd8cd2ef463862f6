"""The seams: where the supervisor touches processes, sockets, watches and the clock, the world stands in.

Everything else is the real code: the shell, the machine and its tables, the gathering of facts, the state
document, durable writes, links, markers and plan files, on real files.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cosmovisor import backup
from cosmovisor.chain import address, block_store, daemon_status, rpc, wal
from cosmovisor.decide import events
from cosmovisor.decide import turn as turns
from cosmovisor.model.errors import BackupError, ChainError, CosmovisorError
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.receipts import BackupReceipt, FileIdentity, NodeStopped, NotStaged, StagedBinary
from cosmovisor.staging import ready
from cosmovisor.storage import calls, locks
from cosmovisor.supervisor import (
    active,
    approach,
    effects,
    heights,
    helper,
    launch,
    look,
    node,
    notify,
    orphan,
    preload,
    processes,
    program,
    reaper,
    scout,
    server,
    snapshot,
    spawn,
    stager,
    teller,
    watch,
)
from tests.simulation import further, quick
from tests.simulation.home import CHAIN_ID, NODE_ID
from tests.simulation.loop import Killed

if TYPE_CHECKING:
    from tests.simulation.night import Night

#: Durable calls that can fail or be the last instruction.
DURABLE = ("create", "write", "fsync", "replace", "symlink", "unlink", "mkdir", "rmdir", "open_append")
#: Calls that change what a look at the disk shows, and never fail here.
_OTHERS = ("truncate", "link", "chmod", "set_times", "exchange")


@contextlib.contextmanager
def standing_in(night: Night) -> Iterator[None]:
    """Put the world in the place of what is outside."""
    undo: list[Callable[[], None]] = []

    def put(where: Any, name: str, new: Any) -> None:
        old = getattr(where, name)
        undo.append(lambda: setattr(where, name, old))
        setattr(where, name, new)

    for (where, name), new in _places(night):
        put(where, name, _counted(night, name, getattr(calls, name)) if new == name else new)
    for cls, written in quick.constructors():
        put(cls, "__init__", written)
    switch = sys.getswitchinterval()
    try:
        yield
    finally:
        sys.setswitchinterval(switch)
        for back in reversed(undo):
            back()


def _places(night: Night) -> list[tuple[tuple[Any, str], Any]]:
    """Return what is stood in for, and by what."""

    def version() -> int:
        return night.disk

    found: list[tuple[tuple[Any, str], Any]] = [
        # The clock.
        ((time, "time"), night.wall),
        ((time, "monotonic"), night.loop.time),
        ((time, "sleep"), lambda _: None),
        ((time, "gmtime"), lambda seconds=None, real=time.gmtime: real(_now(night, seconds))),
        ((time, "localtime"), lambda seconds=None, real=time.localtime: real(_now(night, seconds))),
        ((turns, "facts_of"), quick.remembering(turns.facts_of)),
        # Processes and their locks.
        ((spawn, "spawn"), lambda *args, **given: _spawn(night, *args, **given)),
        ((node, "Node"), lambda *args: _Node(night, *args)),
        ((helper, "Helper"), lambda *args: _Helper(night, *args)),
        ((orphan, "launched"), lambda _, pid, *__: night.launched[pid]),
        ((orphan, "end"), lambda _: _end_helper(night)),
        ((locks, "holder"), lambda _: _holder(night)),
        ((locks, "recorded"), lambda _: _holder(night)),
        ((processes, "open_for_writing"), lambda _: night.is_writing),
        ((reaper, "start_if_first"), lambda _: None),
        ((locks, "hold"), lambda path, **_: _Lock(night, path)),
        ((locks, "is_held"), lambda path: path.endswith("node.lock") and _is_taken(night)),
        ((launch, "_signal"), _Quiet()),
        ((approach, "Approach"), lambda *_: _Quiet()),
        ((scout, "Scout"), lambda *_: _Scout(night)),
        # What tells of changes, and who is told.
        ((watch, "Watches"), lambda *args: _Watches(night, args[1])),
        ((server, "Server"), lambda *_: _Server()),
        ((notify, "Notify"), lambda *_: _Quiet()),
        ((notify, "has_terminal"), lambda: False),
        ((snapshot, "take"), lambda *_: {}),
        ((snapshot, "summary"), lambda *_: ""),
        ((teller, "codec"), _NoRecord),
        ((teller.Teller, "defect"), lambda _, error: night.violation(f"a defect: {error!r}")),
        ((preload, "everything"), lambda: None),
        # What is on disk of the chain and of its binaries.
        ((ready, "check"), lambda settings, layout, plan: _ready(night, plan)),
        ((backup, "take"), lambda *args: _backup(night, *args)),
        ((address, "rpc_address"), lambda *_: "here:1"),
        ((rpc, "Rpc"), lambda *args, **given: _Rpc(night, *args, **given)),
        ((daemon_status, "ask"), _silent),
        ((heights, "newest_change"), lambda _: night.chain.data.changed_at),
        ((wal, "evidence"), lambda folder, started, ended: _records(night, started, ended)),
        ((heights, "_stamp"), lambda _: len(night.chain.data.records) if night.script.has_log else None),
        ((wal, "times_of"), lambda folder, wanted: _times(night, wanted)),
        ((block_store, "height"), lambda *_: _block_store(night)),
        ((look, "folders"), quick.seeing(look.folders, version)),
        ((look, "data_identity"), quick.seeing(look.data_identity, version)),
        ((look, "plan_file"), quick.seeing(look.plan_file, version, lambda file: file.kind != "incomplete")),
        ((active, "link"), quick.seeing(active.link, version)),
        ((look, "identity_of"), lambda status: _identity(night, status)),
        ((calls, "replace"), _replacing(night, calls.replace)),
        ((calls, "fsync"), lambda _: None),
    ]
    if night.script.further:
        found.append(((program, "Program"), lambda *args: further.Staging(night, *args)))
    else:
        found.append(((program, "Program"), lambda *_, **__: _Quiet()))
        found.append(((stager, "Stager"), lambda *args: _Stager(night, *args)))
    found += [((calls, name), _changing(night, getattr(calls, name))) for name in _OTHERS]
    return found + [((calls, name), name) for name in DURABLE]


def _now(night: Night, seconds: float | None) -> float:
    return night.wall() if seconds is None else seconds


def _counted(night: Night, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **given: Any) -> Any:
        night.disk += 1
        night.faults.durable(name)
        return real(*args, **given)

    return call


def _changing(night: Night, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        night.disk += 1
        return real(*args)

    return call


def _spawn(
    night: Night, binary: str, arguments: list[str], environ: object, *, now: float, **_: Any
) -> spawn.Child:
    if night.dead:
        raise Killed
    try:
        with open(binary) as file:
            version = file.read().split()[-1]
    except OSError as error:
        raise CosmovisorError(f"cannot start {binary}: {error.strerror}") from error
    halt = int(arguments[arguments.index("--halt-height") + 1]) if "--halt-height" in arguments else 0
    child = spawn.Child(night.start_process(version, halt), -1, now)
    active_version = night.context.layout.version_of(os.path.dirname(os.path.dirname(binary)))
    night.launched[child.pid] = effects.Launched(child, active_version, binary, tuple(arguments))
    return child


class _Node:
    """The shell's hold on a living process of the world."""

    def __init__(
        self, night: Night, child: spawn.Child, _: str, ended: Callable[[events.NodeExited], None]
    ) -> None:
        self.child, self._night, self._ended = child, night, ended
        self._process = night.processes[child.pid]
        self._epoch = night.epoch
        self._own = self._process.pid in night.children
        if self._process.alive:
            self._process.ended.append(lambda: night.later(0.002, self._tell))
        else:
            night.later(0.002, self._tell)

    def _tell(self) -> None:
        if self._epoch == self._night.epoch:
            status = self._process.status if self._own else None
            self._ended(events.NodeExited(time.monotonic(), status, NodeStopped(time.time())))

    def signal(self, number: int) -> None:
        self._process.signal(int(number))

    async def kill(self) -> None:
        self._process.signal(9)


class _Helper:
    """A program of the upgrade: its end is known before it begins."""

    def __init__(self, night: Night, lock: str, command: list[str], environ: object, folder: str) -> None:
        if night.living() is not None:
            night.violation(f"{command[1:]} runs beside the node")
        if locks.is_held(lock):
            raise locks.LockHeld(lock, _holder(night))
        if night.helper_lives():
            night.violation(f"{command[1:]} runs beside what an earlier supervisor has left")
        night.faults.step_begins()
        self._status: int | None = night.dice.choice([0, 1, 1, 1])
        if night.faults.during("pre-upgrade fails"):
            self._status = night.dice.choice(further.EXITS)
        self._name = command[0].rsplit("/", 3)[1]
        self._night = night

    def terminate(self) -> None:
        self._status = -15

    def kill(self) -> None:
        self._status = -9

    def wait(self, limit: float) -> int | None:
        night, status = self._night, self._status
        took = limit if status is None else night.dice.choice([0.0, 0.2, 2.0])
        if night.faults.long_helper:
            night.faults.long_helper, took = False, min(60.0, limit)
        night.tell(f"pre-upgrade of {self._name} takes {took:g} s and ends with {status}")
        night.helper = (self._name, night.loop.now + took)
        night.loop.extra = took
        # Another status says that there is no such command, where staging has not proven that there is.
        if status is not None and status >= 0 and status not in {30, 31}:
            night.later(took, lambda: self._finished(night.helper))
        return status

    def _finished(self, running: tuple[str, float]) -> None:
        if self._night.helper == running:
            self._night.pre_upgraded.add(self._name)


def _identity(night: Night, status: os.stat_result) -> FileIdentity:
    """Tell one plan file from the next by their number: the machine's own clock may be too coarse for that."""
    number = night.file_number
    return FileIdentity(status.st_dev, number, status.st_size, status.st_mtime_ns, number)


def _replacing(night: Night, real: Callable[[str, str], None]) -> Callable[[str, str], None]:
    def replace(path: str, new: str) -> None:
        real(path, new)
        if new == night.context.plan_file:
            night.file_written()

    return replace


class _NoRecord:
    """The record of decisions is kept, its facts are not."""

    @staticmethod
    def encode(_: object) -> dict[str, object]:
        return {}


def _is_taken(night: Night) -> bool:
    """Tell whether the node's lock is held: by the node, or by a program of the upgrade."""
    return night.living() is not None or night.helper_lives()


def _holder(night: Night) -> locks.Holder:
    process = night.living()
    if process is None:
        return locks.Holder(1, 0.0, helper.MARK + night.helper[0])
    return locks.Holder(process.pid, night.wall(), night.launched[process.pid].binary)


def _end_helper(night: Night) -> None:
    night.tell("what an earlier supervisor has left of the upgrade is ended")
    night.helper = ("", 0.0)


class _Lock:
    def __init__(self, night: Night, path: str) -> None:
        if path.endswith("node.lock") and _is_taken(night):
            raise locks.LockHeld(path, _holder(night))
        if path.endswith("supervisor.lock") and not night.dead:
            raise locks.LockHeld(path, locks.Holder(2, night.wall(), "cosmovisor run start"))
        self.fd = -1

    def describe(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


def _nothing(*_: Any, **__: Any) -> None:
    pass


class _Quiet:
    """Does nothing, whatever it is asked for."""

    progress = ""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return _nothing


class _Stager(_Quiet):
    """Staging takes as long as the night says, and may fail for a while."""

    def __init__(self, night: Night, _: object, changed: Callable[[], None], __: object) -> None:
        self._night, self._changed, self._epoch = night, changed, night.epoch
        self._busy: set[str] = set()
        self.progress, self.next_try_at = "", 0.0

    def stage(self, plan: Any, *, urgent: bool) -> None:
        if plan.name not in self._busy:
            self._busy.add(plan.name)
            self._night.later(self._night.staging_delay(), lambda: self._staged(plan))

    def _staged(self, plan: Any) -> None:
        self._busy.discard(plan.name)
        if self._epoch == self._night.epoch:
            self._night.place(plan.name)
            self._changed()

    def stop(self) -> None:
        self._epoch = -1


class _Scout(_Quiet):
    """Says what the chain has scheduled, if it lives this night."""

    def __init__(self, night: Night) -> None:
        self._night = night
        self.told: dict[str, Any] = {}

    def start(self) -> None:
        self._night.scout_started()


class _Watches(_Quiet):
    """Wakes the shell when the plan file changes, unless this watch is lost."""

    problem = ""

    def __init__(self, night: Night, woken: Callable[[Any], None]) -> None:
        night.wake = woken


class _Server(_Quiet):
    async def start(self) -> None:
        pass


def _ready(night: Night, plan: Any) -> StagedBinary | NotStaged:
    version = night.context.layout.version_for(plan.name, night.context.settings.recase)
    path = night.context.layout.bin(version)
    if not active.is_usable(path):
        return NotStaged(f"there is no binary at {path}", "put it there")
    return StagedBinary(plan, version, path, "0" * 64, FileIdentity(1, 1, 1, 1, 1), "hand", "hand")


def _backup(night: Night, *args: Any) -> BackupReceipt:
    plan, stopped, cancelled = args[3], args[4], args[5]
    if night.living() is not None:
        night.violation("a backup is taken beside a living node")
    if not isinstance(stopped, NodeStopped):
        night.violation("a backup is taken without proof that the node has stopped")
    if cancelled():
        raise BackupError("cancelled")
    night.faults.step_begins()
    night.loop.extra = night.dice.choice([0.0, 0.2, 2.0])
    if night.faults.during("backup fails"):
        raise BackupError("no space left on device", "free some")
    return BackupReceipt(f"/backups/{plan.name}", "copy", 1, 1.0)


class _Rpc(rpc.Rpc):
    """The real checks over answers of the world: of our node, or of whoever has taken its port."""

    def __init__(self, night: Night, *args: Any, **given: Any) -> None:
        self._night = night
        super().__init__(*args, **given)

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        night = self._night
        wrong = night.faults.rpc()
        if wrong in {"other", "neighbour"}:
            who = ("other-9", "cd" * 20) if wrong == "other" else (CHAIN_ID, "cd" * 20)
            return _answer(method, 900_000, *who)
        process = night.living()
        if wrong == "silent" or process is None or not process.up:
            raise ChainError("cannot ask: connection refused")
        if wrong == "half" and method == "abci_info":
            raise ChainError("cannot ask: the application does not answer")
        height = night.chain.data.b if method == "status" else night.chain.data.a
        if night.faults.during("rpc late"):
            night.loop.extra += night.dice.choice([0.3, 1.9])  # true when it was given, old when it arrives
        return _answer(method, height, CHAIN_ID, NODE_ID)


def _answer(method: str, height: int, chain_id: str, node_id: str) -> dict[str, Any]:
    if method == "abci_info":
        return {"response": {"last_block_height": str(height)}}
    return {
        "node_info": {"id": node_id, "network": chain_id, "version": "0.38.12"},
        "sync_info": {"latest_block_height": str(height), "catching_up": False},
    }


def _silent(*_: object, **__: object) -> Any:
    raise ChainError("cannot ask: the daemon knows no status")


def _records(night: Night, started: float, ended: float) -> Evidence:
    if not night.script.has_log or not night.chain.data.records:
        return UNKNOWN
    height, at = night.chain.data.records[-1]
    exact = 0 < started <= at <= ended + 1.0 and ended - at <= wal.NEAR
    return Evidence(height, "exact" if exact else "at least", "cs.wal", at)


def _times(night: Night, wanted: list[int]) -> dict[int, float]:
    return {height: at for height, at in night.chain.data.records if height in wanted}


def _block_store(night: Night) -> Evidence:
    if not night.script.has_store or night.living() is not None:
        raise ChainError("cannot read the block store")
    return Evidence(night.chain.data.b, "exact", "block store", night.wall())
