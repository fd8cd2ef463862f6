"""What clients of the socket may ask for, and what becomes of it."""

from __future__ import annotations

import time

from cosmovisor.decide import events
from cosmovisor.model.errors import PlanError, UsageError
from cosmovisor.model.plan import HIGHEST, Plan
from cosmovisor.model.state import ScheduleEntry
from cosmovisor.plan import names
from cosmovisor.storage import codec
from cosmovisor.supervisor import reload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from cosmovisor.supervisor.shell import Shell

    T = TypeVar("T")

#: Bytes of what the scout may leave for `status`.
_TOLD = 256
_INFO = 1 << 20


class Requests:
    """Answers the requests of one supervisor's socket."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request.

        Raises:
            CosmovisorError: The request makes no sense.
        """
        if request.get("ask") == "status":
            await self._shell.ask_heights()
            return self._shell.snapshot()
        what = request.get("do")
        at = time.monotonic()
        if what == "reload":
            pinned = await reload.check(self._shell)
            self._shell.put(events.Asked(at, "reload"))
            return {"ok": True, "pinned": pinned}
        if what in {"recheck", "stop"}:
            self._shell.stager.look_again()
            self._shell.put(events.Asked(at, what))
        elif what == "known-plan":
            found = request.get("plan")
            plan = None if found is None else decoded(Plan, found)
            self._shell.put(events.Asked(at, "known plan", plan))
        elif what == "schedule":
            self._shell.put(events.Asked(at, "schedule", decoded(ScheduleEntry, request.get("entry"))))
        elif what == "unschedule":
            self._shell.put(events.Asked(at, "unschedule", decoded(Plan, request.get("plan"))))
        elif what in {"eta", "proposals", "note"}:
            self._shell.scout.told[str(what)] = request.get("value")
            if len(self._shell.scout.told) > _TOLD:
                self._shell.scout.told.clear()
        else:
            raise UsageError(
                "the request is not known", "This supervisor may be older than the command that asks."
            )
        return {"ok": True}


def decoded(kind: type[T], found: object) -> T:
    """Take a value out of a request, in the form of the state document.

    Raises:
        UsageError: It is none.
        PlanError: A plan's name or height cannot be used.
    """
    try:
        value: T = codec.decode(kind, found)
    except ValueError as error:
        raise UsageError(f"the request holds no {kind.__name__}: {error}") from error
    plan = value.plan if isinstance(value, ScheduleEntry) else value
    if isinstance(plan, Plan):
        names.check(plan.name)
        if not 0 < plan.height <= HIGHEST:
            raise PlanError("the plan's height is not a positive whole number")
        if len(plan.info) > _INFO:
            raise PlanError("the plan's info is too long")
    return value
