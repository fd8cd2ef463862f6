"""Binaries of proposals in voting, fetched and checked ahead in a staging process; none is executed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.scout.staging_run import StagingRun

#: Plans that are staged ahead at most; anybody who pays a deposit can propose.
PLANS_LIMIT = 3
#: Tries for one plan while it is in voting, and seconds between them (doubled each time).
TRIES, PAUSE = 6, 300.0


@value
class State:
    """How far the binary of one plan is.

    Attributes:
        text: For the operator: `being fetched: …`, `fetched and checked`, `failed: …`.
        done: True where nothing is left to do.
        tries: Tries so far.
        again_at: Monotonic time of the next try.
    """

    text: str = "waits for its turn"
    done: bool = False
    tries: int = 0
    again_at: float = 0.0


class Ahead:
    """Runs one staging process after the other.

    Args:
        command: The staging command; the plan goes to its standard input.
        environ: Its environment.
        limit: Seconds after which a staging process is ended.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        limit: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = list(command)
        self._environ = dict(environ)
        self._limit = limit
        self._clock = clock
        self._states: dict[Plan, State] = {}
        self._wanted: tuple[Plan, ...] = ()
        self._running: _Run | None = None

    @property
    def states(self) -> dict[Plan, str]:
        """How far each wanted plan is, in words."""
        return {plan: self._states[plan].text for plan in self._wanted}

    def want(self, plans: Sequence[Plan]) -> None:
        """Say which plans are in voting; what is no longer wanted is ended and forgotten."""
        self._wanted = tuple(dict.fromkeys(plans))[:PLANS_LIMIT]
        self._states = {plan: self._states.get(plan, State()) for plan in self._wanted}
        if self._running is not None and self._running.plan not in self._states:
            self._running.end()
            self._running = None

    def step(self) -> None:
        """Take note of what the process has said; start the next one."""
        if self._running is not None:
            self._follow(self._running)
        if self._running is None:
            now = self._clock()
            for plan in self._wanted:
                state = self._states[plan]
                if not state.done and state.again_at <= now:
                    self._start(plan, state)
                    return

    def stop(self) -> None:
        """End what runs."""
        if self._running is not None:
            self._running.end()
            self._running = None

    def _start(self, plan: Plan, state: State) -> None:
        tries = state.tries + 1
        try:
            self._running = _Run(plan, self._command, self._environ, self._clock() + self._limit)
        except OSError as error:
            self._failed(plan, tries, error.strerror or "cannot start", None)
            return
        self._states[plan] = State("being fetched", tries=tries)

    def _follow(self, run: _Run) -> None:
        tries = self._states[run.plan].tries
        status = run.process.poll()  # before its lines are read, so that none of them is missed
        for event in run.events():
            if event.get("event") == "progress":
                self._states[run.plan] = State(f"being fetched: {_text(event.get('text'))}", tries=tries)
            else:
                run.last = event
        if status is None and self._clock() > run.deadline:
            run.last = {"event": "failed", "reason": f"not done within {self._limit:.0f} s"}
            status = -1
        if status is None:
            return
        run.end()
        self._running = None
        if run.last.get("event") == "staged" and status == 0:
            self._states[run.plan] = State("fetched and checked", done=True, tries=tries)
        else:
            reason = _text(run.last.get("reason")) or f"the staging process ended with status {status}"
            after = run.last.get("retry_after")
            self._failed(run.plan, tries, reason, after if isinstance(after, int | float) else None)

    def _failed(self, plan: Plan, tries: int, reason: str, after: float | None) -> None:
        pause = max(after or 0.0, PAUSE * 2 ** (tries - 1))
        done = tries >= TRIES
        self._states[plan] = State(f"failed: {reason}", done, tries, self._clock() + pause)


class _Run(StagingRun):
    """The staging process of one plan."""

    def __init__(self, plan: Plan, command: list[str], environ: dict[str, str], deadline: float) -> None:
        order = {
            "name": plan.name,
            "height": plan.height,
            "info": plan.info,
            "urgent": False,
            "execute": False,
        }
        super().__init__(order, command, environ)
        self.plan = plan
        self.deadline = deadline
        self.last: dict[str, object] = {}


def _text(found: object) -> str:
    return found[:300] if isinstance(found, str) else ""
