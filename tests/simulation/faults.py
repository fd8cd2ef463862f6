"""What goes wrong in a night: each fault strikes at its moment, and some last for a while."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation import further
from tests.simulation.loop import Killed
from tests.simulation.script import Fault

if TYPE_CHECKING:
    from tests.simulation.night import Night

#: Faults that are a condition for a while.
LASTING = frozenset(
    {"rpc silent", "rpc other", "rpc neighbour", "rpc half", "rpc late", "lost watch", "late binary",
     "backup fails", "half written", "pre-upgrade fails"}
)  # fmt: skip
#: Calls that a full disk refuses.
_NEED_SPACE = frozenset({"create", "write", "mkdir", "open_append", "symlink"})


class Faults:
    """The faults of a night.

    Args:
        night: What they strike.
        dice: For what a fault leaves open.
    """

    def __init__(self, night: Night, dice: random.Random) -> None:
        self._night, self._dice = night, dice
        self._until: dict[str, float] = {}
        self._at_call: Fault | None = None
        self._calls = 0
        self.in_step = False
        self.jump = 0.0
        self.struck: set[str] = set()
        self.long_helper = False
        self._staging_failures = 0

    def during(self, kind: str) -> bool:
        """Tell whether a lasting fault lasts."""
        return self._night.loop.now < self._until.get(kind, 0.0)

    def left(self, kind: str) -> float:
        """Return the seconds that a lasting fault still lasts."""
        return max(0.0, self._until.get(kind, 0.0) - self._night.loop.now)

    def rpc(self) -> str:
        """Return what is wrong with the RPC now; empty: nothing."""
        return next(
            (kind for kind in ("silent", "other", "neighbour", "half") if self.during(f"rpc {kind}")), ""
        )

    def strike(self, fault: Fault) -> None:
        """Let a fault happen."""
        night, kind = self._night, fault.kind
        night.tell(f"FAULT {kind} (length {fault.length:g}, count {fault.count})")
        self.struck.add(kind)
        if kind.endswith("for hours"):
            lasting = "rpc silent" if kind.startswith("rpc") else "rpc other"
            self._until[lasting] = night.loop.now + fault.length
        elif kind == "staging fails":
            self._staging_failures = fault.count
        elif kind in further.STRIKES and kind not in LASTING:
            further.STRIKES[kind](night, fault, self._dice)
        elif kind in LASTING:
            self._until[kind] = night.loop.now + fault.length
        elif kind in {"kill supervisor at call", "no space", "io error"}:
            self._at_call, self._calls = fault, 0
        elif kind == "kill supervisor at await":
            night.loop.at_turn = (night.loop.turns + fault.count, night.supervisor_died)
        elif kind == "kill supervisor in step":
            self.in_step = True
        else:
            _STRIKES[kind](night, self._dice)

    def staging_fails(self) -> bool:
        """Tell whether this try of staging fails; each failure is counted."""
        self._staging_failures -= 1
        return self._staging_failures >= 0

    def staging_refused(self) -> bool:
        """Tell whether not even a process can be started for it, as happens to the last of several failures."""
        if self._staging_failures != 1:
            return False
        self._staging_failures = 0
        return True

    def stop(self, dice: random.Random) -> None:
        """The operator stops the service."""
        _stop(self._night, dice)

    def step_begins(self) -> None:
        """A backup or a program of the upgrade begins."""
        if self.in_step:
            self.in_step = False
            self._night.later(self._dice.uniform(0.0, 2.0), self._night.supervisor_died)

    def durable(self, name: str) -> None:
        """A durable call is about to be made: it may fail, or be the last instruction.

        Raises:
            OSError: The disk is full, or broken for a moment.
            Killed: The supervisor is no more.
        """
        night, fault = self._night, self._at_call
        if night.dead:
            raise Killed
        if fault is None:
            return
        self._calls += 1
        over = self._calls - fault.count
        if over < 0:
            return
        if fault.kind == "kill supervisor at call":
            self._at_call = None
            night.tell(f"killed at {name}")
            night.dead = True
            night.loop.call_soon(night.supervisor_died)
            raise Killed
        if over >= (1 if fault.kind == "io error" else 4):
            self._at_call = None
        elif fault.kind == "io error" or name in _NEED_SPACE:
            number = errno.EIO if fault.kind == "io error" else errno.ENOSPC
            night.tell(f"{name} fails: {os.strerror(number)}")
            raise OSError(number, os.strerror(number))


def _kill_node(night: Night, _: random.Random) -> None:
    process = night.living()
    if process is not None:
        process.signal(9)


def _kill_supervisor(night: Night, _: random.Random) -> None:
    night.supervisor_died()


def _kill_both(night: Night, _: random.Random) -> None:
    night.everything_died()


def _power(night: Night, dice: random.Random) -> None:
    _kill_both(night, dice)
    if os.path.exists(night.context.plan_file) and dice.random() < 0.5:
        night.write_file(b"")  # the chain does not flush its file: after a power cut it can be empty


def _clock(night: Night, dice: random.Random) -> None:
    night.faults.jump += dice.choice([-7200.0, -30.0, 30.0, 7200.0])


def _stop(night: Night, dice: random.Random) -> None:
    """The operator stops the service; its manager kills what has not ended after 90 seconds."""
    handler = night.loop.signals.get(15)
    if handler is not None and not night.dead:
        life = night.epoch
        handler[0](*handler[1])
        night.later(90.0, lambda: _kill_both(night, dice) if night.epoch == life else None)


def _state_lost(night: Night, dice: random.Random) -> None:
    _kill_supervisor(night, dice)
    path = night.context.layout.state_file
    if os.path.exists(path):
        os.unlink(path)


def _state_damaged(night: Night, dice: random.Random) -> None:
    _kill_supervisor(night, dice)
    path = night.context.layout.state_file
    if os.path.exists(path):
        os.truncate(path, os.path.getsize(path) // 2)


def _sign_state(night: Night, dice: random.Random) -> None:
    """The sign-state comes back zeroed with a copy; somebody notices after a while and puts it right."""
    _kill_both(night, dice)
    if night.script.signs:
        night.write_sign_state(0)
        night.later(20.0, lambda: night.write_sign_state(night.signed))


_STRIKES: dict[str, Callable[[Night, random.Random], None]] = {
    "kill node": _kill_node,
    "kill supervisor": _kill_supervisor,
    "kill both": _kill_both,
    "power": _power,
    "clock jump": _clock,
    "operator stop": _stop,
    "state lost": _state_lost,
    "state damaged": _state_damaged,
    "sign state lost": _sign_state,
}
