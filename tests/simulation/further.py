"""What goes wrong further, in half of the nights: what lies outside one life of one supervisor."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cosmovisor.decide import events
from cosmovisor.model.errors import CosmovisorError, StateError
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import ScheduleEntry
from cosmovisor.supervisor import context as contexts
from cosmovisor.supervisor import launch
from tests.simulation import home
from tests.simulation.chain import Data

if TYPE_CHECKING:
    from tests.simulation.night import Night
    from tests.simulation.script import Fault

#: What `pre-upgrade` ends with where it fails: for good, for now, with anything else, killed; None: it hangs.
EXITS = (30, 31, 7, -9, None)


@dataclass(frozen=True)
class Copy:
    """An older copy of the data."""

    data: Data
    file: bytes | None
    written_at: float


def copy_of(night: Night) -> Copy:
    """Return a copy of the data as it is now."""
    data = night.chain.data
    path = night.context.plan_file
    content = None
    if os.path.exists(path):
        with open(path, "rb") as file:
            content = file.read()
    now = Data(data.b, data.a, data.changed_at, list(data.applied), list(data.records))
    return Copy(now, content, os.stat(path).st_mtime if content is not None else 0.0)


def _restored(night: Night, _: Fault, dice: random.Random) -> None:
    """While everything is down an older copy takes the place of the data: in other folders, or in the same."""
    if night.is_over():
        return
    night.everything_died()
    found = dice.choice(night.copies)
    other, file = dice.random() < 0.5, dice.choice(["as copied", "none", "today's"])
    old = found.data
    night.chain.data = Data(old.b, old.a, old.changed_at, list(old.applied), list(old.records))
    night.tell(f"a copy of b={old.b} a={old.a} is restored, other folders: {other}, plan file: {file}")
    if not night.script.signs:
        night.signed = old.b
    night.pre_upgraded = {
        plan.name for plan in night.chain.plans if plan.height <= old.b + 1
    } & night.pre_upgraded
    night.restored = True
    plan_file = night.context.plan_file
    kept = None
    if file == "today's" and os.path.exists(plan_file):
        with open(plan_file, "rb") as opened:
            kept = opened.read()
    elif file == "as copied":
        kept = found.file
    if other:
        data = os.path.dirname(plan_file)
        os.rename(data, f"{data}-old-{night.disk}")
        for name in ("blockstore.db", "application.db"):
            os.makedirs(os.path.join(data, name))
        if night.script.signs:
            night.write_sign_state(night.sign_state)  # whoever restores keeps today's sign-state
    elif os.path.exists(plan_file):
        os.unlink(plan_file)
    night.disk += 1
    night.judge.file = kept
    if kept is not None:
        with open(plan_file, "wb") as opened:
            opened.write(kept)
        night.file_written()
        if file == "as copied" and dice.random() < 0.5:
            os.utime(plan_file, (found.written_at, found.written_at))


def _second(night: Night, _: Fault, __: random.Random) -> None:
    """Somebody starts a second supervisor on the same home: it must end with a word, and change nothing."""
    if night.dead:
        return
    before = night.judge.starts
    try:
        launch.supervise(night.context, None)  # type: ignore[arg-type]  # the settings are looked at later
        night.violation("a second supervisor was let in")
    except StateError as error:
        night.tell(f"a second supervisor is refused: {error.cause}")
    except Exception as error:
        night.tell(f"it goes on to {error!r}")
        night.violation("a second supervisor was let in")
    if night.judge.starts != before:
        night.violation("a second supervisor has started a node")


def _replaced(night: Night, _: Fault, __: random.Random) -> None:
    """A vote puts another plan in the place of the first, whose binary is staged already."""
    first, data = night.chain.plans[0], night.chain.data
    if data.b + 1 < first.height:
        night.tell(f"{first.name} is replaced by v2b")
        night.chain.plans[0] = Plan("v2b", first.height, first.info)
        night.tell_plan()


def _skipped(night: Night, _: Fault, __: random.Random) -> None:
    """The operator restarts the service with the flag that skips the first plan, as all do."""
    plan = night.chain.plans[0]
    if night.chain.data.a >= plan.height:
        return
    night.everything_died()
    night.chain.skip = (plan.height,)
    night.skip(plan.height)


def _scheduled(night: Night, fault: Fault, dice: random.Random) -> None:
    """The operator schedules a program of his own; for an exact height he starts the service again."""
    if night.dead or night.shell is None:
        night.later(0.5, lambda: _scheduled(night, fault, dice))
        return
    place_schedule(night)
    exact = fault.kind == "exact schedule"
    plan = Plan("s2", night.script.schedule, "")
    version = night.context.layout.version_for(plan.name, night.context.settings.recase)
    entry = ScheduleEntry(plan, version, exact=exact, added_at=night.wall())
    night.shell.put(events.Asked(night.loop.now, "schedule", entry))
    if exact:
        night.later(0.2, lambda: night.stop_service(dice))


def _helper_left(night: Night, _: Fault, __: random.Random) -> None:
    """The next program of the upgrade takes a minute, and the supervisor dies in its first seconds."""
    night.faults.long_helper = True
    night.faults.in_step = True


def _nothing(*_: Any) -> None:
    """What lasts, or is counted, needs no stroke."""


STRIKES: dict[str, Callable[[Night, Fault, random.Random], None]] = {
    "helper left": _helper_left,
    "data restored": _restored,
    "second supervisor": _second,
    "plan replaced": _replaced,
    "skipped at a restart": _skipped,
    "schedule": _scheduled,
    "exact schedule": _scheduled,
    "pre-upgrade fails": _nothing,
    "staging fails": _nothing,
}


class Staging:
    """A staging process that ends after a while, as the night has it."""

    def __init__(self, night: Night, *given: Any) -> None:
        import json

        _, _, line, ended, request = given
        if night.faults.staging_refused():
            raise CosmovisorError("cannot start the staging process: no memory", "free some")
        self._line, self._ended = line, ended
        self._night, self._epoch, self._over = night, night.epoch, False
        asked = json.loads(request)
        self._name, self._places = asked["name"], asked["execute"]
        night.later(night.staging_delay(), self._end)

    def _end(self) -> None:
        night = self._night
        if self._over or night.epoch != self._epoch:
            return
        self._over = True
        if self._places and night.faults.staging_fails():
            night.tell(f"staging of {self._name} fails")
            self._line({"event": "failed", "reason": "the server answers 503", "fix": "wait"})
            self._ended(1)
            return
        if self._places:
            night.place(self._name)
        self._line({"event": "staged", "committed": True})
        self._ended(0)

    def stop(self) -> None:
        """SIGTERM."""
        if not self._over:
            self._over = True
            self._night.later(0.01, lambda: self._ended(-15) if self._epoch == self._night.epoch else None)

    def kill(self) -> None:
        """SIGKILL."""
        self._over = True

    async def end(self) -> None:
        """SIGKILL, waited for."""
        self._over = True


def context_with_skip(night: Night, height: int) -> contexts.Context:
    """Return the home's context with the flag that skips a height."""
    old = night.context
    arguments = [*old.arguments, f"--unsafe-skip-upgrades={height}"]
    return contexts.build(old.settings, arguments, old.environ, None)


def place_schedule(night: Night) -> None:
    """Put the program of the operator's schedule into place, by hand."""
    layout = night.context.layout
    home.binary(layout.bin(layout.version_for("s2", night.context.settings.recase)), "s2")
