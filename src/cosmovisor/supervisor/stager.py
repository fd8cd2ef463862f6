"""Gets the binary of a plan ready: runs `prepare-upgrade` as a process of its own, again if need be."""

from __future__ import annotations

import asyncio
import time

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.storage import light_json
from cosmovisor.supervisor import program
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between two tries, ahead of the height and at it; doubled with each failure up to the second.
_CALM, _URGENT = (30.0, 1800.0), (2.0, 30.0)


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
        self._last_failure = ""
        self._answer: dict[str, object] = {}
        self._looked = False
        self._ahead: list[str] = []
        self._recheck: Plan | None = None
        self._proving = ""
        self._quiet = False
        self._told: dict[str, str] = {}
        self.progress = ""
        self.next_try_at = 0.0

    def stage(self, plan: Plan, *, urgent: bool) -> None:
        """Start or go on with a plan; another plan takes the place of the one before."""
        if plan != self._plan or urgent != self._urgent:
            changed = plan != self._plan
            self._plan, self._urgent = plan, urgent
            self._failures, self._last_failure = 0, ""
            self._cancel_timer()
            if self._program is not None and changed and self._proving != plan.name:
                self._program.stop()
                return  # `_ended` starts the new one.
        if self._program is None and self._again is None:
            self._start()

    def prove_ahead(self, names: list[str]) -> None:
        """Prove what was placed by hand before any plan speaks of it, so that it is known at the height.

        One after the other, while nothing else is asked for.
        """
        self._ahead = [name for name in names if name != self._proving]
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

    def _start(self) -> None:
        self._again, self.next_try_at = None, 0.0
        plan, again = self._plan, self._recheck
        scheduled = plan is not None or again is not None
        if plan is None and again is not None:
            plan, self._recheck = again, None
        elif plan is None:
            if not self._ahead:
                return
            plan = Plan(self._ahead.pop(0), 0)
        self._answer, self._looked = {}, False
        self._proving = "" if self._plan is not None else plan.name
        self._quiet = not scheduled
        request = {
            "name": plan.name,
            "height": plan.height,
            "info": plan.info,
            "urgent": self._urgent,
            "execute": scheduled,
            "recheck": self._plan is None and scheduled,
            "node_home": self._context.node_home,
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
            self._failed(error.cause, error.next_step, None)

    def _line(self, line: dict[str, object]) -> None:
        event = line.get("event")
        if event == "progress":
            self.progress = str(line.get("text", ""))[:300]
        elif event in {"staged", "failed"}:
            self._answer = line

    def _ended(self, status: int | None) -> None:
        self._program = None
        self.progress = ""
        answer = self._answer
        self._tell_confidence(answer)
        if self._proving or self._plan is None:
            self._proving = ""
            self._changed()
            self._start()
            return
        if answer.get("event") == "staged" and status == 0:
            self._failures, self._last_failure = 0, ""
            self._plan = None
            self._changed()
            self._start()
            return
        reason = str(answer.get("reason", "")) or f"the staging process ended with status {status}"
        after = answer.get("retry_after")
        self._failed(
            reason, str(answer.get("fix", "")), float(after) if isinstance(after, int | float) else None
        )

    def _tell_confidence(self, answer: dict[str, object]) -> None:
        """Tell how sure it is that a binary is the right one, when that has changed."""
        stated = answer.get("confidence")
        if not isinstance(stated, dict) or not answer.get("committed") or self._quiet:
            return
        text = f"{stated.get('level')}: {stated.get('text')}"
        path = str(answer.get("path"))
        if self._told.get(path) != text:
            self._told[path] = text
            level = "warn" if stated.get("level") == "contradicted" else "info"
            self._tell(level, f"{path} is staged; confidence in it is {text}"[:2000])

    def _failed(self, reason: str, fix: str, after: float | None) -> None:
        self._failures += 1
        if reason != self._last_failure:
            self._last_failure = reason
            self._tell("warn", f"{reason}. {fix}".rstrip())
        low, high = _URGENT if self._urgent else _CALM
        wait = min(high, low * 2 ** min(self._failures - 1, 10))
        if after is not None:
            wait = min(high, max(after, 0.5))
        if self._looked:
            wait = 0.2  # Something was put into place while this try was running.
        self.next_try_at = time.time() + wait
        self._again = asyncio.get_running_loop().call_later(wait, self._start)
        self._changed()
