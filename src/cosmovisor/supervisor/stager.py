"""Gets the binary of a plan ready: runs `prepare-upgrade` as a process of its own, again if need be."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.storage import light_json
from cosmovisor.supervisor import program
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Kind = Literal["stage", "recheck", "prove"]

#: Seconds between two tries, ahead of the height and at it; doubled with each failure up to the second.
_CALM, _URGENT = (30.0, 1800.0), (2.0, 30.0)
#: Seconds to the next try where something was put into place while one was running.
_LOOKED = 0.2
#: How often a check that ends without an answer is made.
_CHECKS = 3


class Stager:
    """One staging process at a time.

    Args:
        context: The home.
        changed: Called in the loop when something is ready, or a try has failed.
        tell: Takes a level and a line for the operator.
    """

    def __init__(
        self, context: Context, changed: Callable[[], None], tell: Callable[[str, str], None]
    ) -> None:
        self._context = context
        self._changed = changed
        self._tell = tell
        self._program: program.Program | None = None
        self._plan: Plan | None = None
        self._urgent = False
        self._again: asyncio.TimerHandle | None = None
        self._failures = 0
        self._crashes = 0
        self._told: dict[str, str] = {}
        self._confidence: dict[str, str] = {}
        self._answer: dict[str, object] = {}
        self._looked = False
        self._ahead: list[str] = []
        self._recheck: Plan | None = None
        self._job: tuple[Kind, Plan] | None = None
        self.progress = ""
        self.next_try_at = 0.0

    def stage(self, plan: Plan, *, urgent: bool) -> None:
        """Start or go on with a plan; another plan takes the place of the one before."""
        if plan != self._plan or urgent != self._urgent:
            changed = plan != self._plan
            self._plan, self._urgent = plan, urgent
            self._failures = 0
            self._told.pop(plan.name, None)
            self._cancel_timer()
            if self._program is not None and changed and not self._is_checking(plan.name):
                self._program.stop()
                return  # `_ended` starts the new one.
        if self._program is None and self._again is None:
            self._start()

    def prove_ahead(self, names: list[str]) -> None:
        """Prove what was placed by hand before any plan speaks of it, so that it is known at the height.

        One after the other, while nothing else is asked for.
        """
        self._ahead = [name for name in names if not self._is_checking(name)]
        if self._program is None and self._again is None and self._plan is None:
            self._start()

    def recheck(self, plan: Plan) -> None:
        """Have a staged binary checked again in full, its digest above all."""
        self._recheck = plan
        if self._program is None and self._again is None:
            self._start()

    def look_again(self) -> None:
        """A file was put into place: do not wait for the next try."""
        if self._plan is None:
            return
        if self._program is not None:
            self._looked = True
        elif self._again is not None:
            self._cancel_timer()
            self._start()

    def stop(self) -> None:
        """End what runs, for good."""
        self._plan, self._recheck, self._ahead = None, None, []
        self._cancel_timer()
        if self._program is not None:
            self._program.kill()

    async def end(self) -> None:
        """End what runs and wait for its end."""
        running = self._program
        self.stop()
        if running is not None:
            await running.end()

    def _cancel_timer(self) -> None:
        if self._again is not None:
            self._again.cancel()
            self._again = None
            self.next_try_at = 0.0

    def _is_checking(self, name: str) -> bool:
        return self._job is not None and self._job[0] != "stage" and self._job[1].name == name

    def _next(self) -> tuple[Kind, Plan] | None:
        if self._plan is not None:
            return "stage", self._plan
        if self._recheck is not None:
            plan, self._recheck = self._recheck, None
            return "recheck", plan
        return ("prove", Plan(self._ahead.pop(0), 0)) if self._ahead else None

    def _start(self) -> None:
        self._again, self.next_try_at = None, 0.0
        self._job = self._next()
        if self._job is None:
            return
        kind, plan = self._job
        self._answer, self._looked = {}, False
        request = {
            "name": plan.name,
            "height": plan.height,
            "info": plan.info,
            "urgent": self._urgent,
            "execute": kind != "prove",
            "recheck": kind == "recheck",
            "node_home": self._context.node_home,
            "parent": os.getpid(),
        }
        try:
            self._program = program.Program(
                program.command(self._context, ["prepare-upgrade", "--supervised"]),
                self._context.environ,
                self._line,
                self._ended,
                light_json.dumps(request).encode() + b"\n",
            )
        except CosmovisorError as error:
            self._failed(kind, plan, f"{plan.name} cannot be got ready: {error.cause}", error.next_step)

    def _line(self, line: dict[str, object]) -> None:
        event = line.get("event")
        if event == "progress":
            self.progress = str(line.get("text", ""))[:300]
        elif event in {"staged", "failed", "done"}:
            self._answer = line

    def _ended(self, status: int | None) -> None:
        job, self._program, self._job = self._job, None, None
        self.progress = ""
        if job is None:
            return
        kind, plan = job
        event = self._answer.get("event")
        if kind == "stage" and plan != self._plan:
            self._changed()  # Another plan has taken its place: this end is nobody's failure.
            self._start()
        elif event in {"staged", "done"} and status == 0:
            if kind != "prove":
                self._tell_confidence(self._answer)
            self._succeeded(kind, plan)
        elif event == "failed":
            reason, after = self._answer.get("reason"), self._answer.get("retry_after")
            self._failed(
                kind,
                plan,
                reason if isinstance(reason, str) and reason else f"{plan.name} was refused without a reason",
                str(self._answer.get("fix") or ""),
                float(after) if isinstance(after, int | float) else None,
                answered=True,
            )
        else:
            self._failed(kind, plan, f"the staging process of {plan.name} {how_it_ended(status)}", _BY_HAND)

    def _tell_confidence(self, answer: dict[str, object]) -> None:
        """Tell how sure it is that a binary is the right one, when that has changed."""
        stated = answer.get("confidence")
        if not isinstance(stated, dict) or not answer.get("committed"):
            return
        text = f"{stated.get('level')}: {stated.get('text')}"
        path = str(answer.get("path"))
        if self._confidence.get(path) != text:
            self._confidence[path] = text
            level = "warn" if stated.get("level") == "contradicted" else "info"
            self._tell(level, f"{path} is staged; confidence in it is {text}"[:2000])

    def _succeeded(self, kind: Kind, plan: Plan) -> None:
        self._failures = self._crashes = 0
        self._told.pop(plan.name, None)
        if kind == "stage":
            self._plan = None
        self._changed()
        self._start()

    def _failed(
        self,
        kind: Kind,
        plan: Plan,
        reason: str,
        fix: str,
        after: float | None = None,
        *,
        answered: bool = False,
    ) -> None:
        """Say a failure, once; a plan is tried for ever, a check only where it ended without an answer."""
        self._job = None
        if kind == "stage":
            self._failures += 1
        else:
            self._crashes = 0 if answered else self._crashes + 1
        again = kind == "stage" or 0 < self._crashes < _CHECKS
        wait = self._pause(after) if again else 0.0
        if self._told.get(plan.name) != reason:
            self._told[plan.name] = reason
            text = f"{reason}. {fix}".rstrip()
            self._tell("warn", f"{text} It is tried again in {wait:g} s." if again else text)
        if again:
            if kind == "recheck":
                self._recheck = self._recheck or plan
            elif kind == "prove":
                self._ahead.insert(0, plan.name)
            self.next_try_at = time.time() + wait
            self._again = asyncio.get_running_loop().call_later(wait, self._start)
            self._changed()
            return
        self._crashes = 0
        self._changed()
        self._start()

    def _pause(self, after: float | None) -> float:
        if self._looked:
            return _LOOKED
        low, high = _URGENT if self._urgent else _CALM
        if after is not None:
            return min(high, max(after, 0.5))
        return min(high, low * 2.0 ** min(max(self._failures, self._crashes) - 1, 10))


_BY_HAND = "Above this line stands what it wrote; `cosmovisor prepare-upgrade` does the same in sight."


def how_it_ended(status: int | None) -> str:
    """Say the end of a process that has given no usable answer."""
    if status is None:
        return "has ended, nobody knows how, without an answer"
    if status >= 0:
        return f"ended with status {status} without an answer"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"was ended by {name} without an answer"
