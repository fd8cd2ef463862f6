"""What clients of the socket may ask for, and what becomes of it."""

from __future__ import annotations

import time

from cosmovisor.decide import events
from cosmovisor.model.errors import PlanError, UsageError
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import ScheduleEntry
from cosmovisor.plan import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.supervisor.shell import Shell

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
            return self._shell.snapshot()
        what = request.get("do")
        at = time.monotonic()
        if what in {"recheck", "reload", "stop"}:
            if what == "recheck":
                self._shell.stager.look_again()
            self._shell.put(events.Asked(at, what))
        elif what == "known-plan":
            found = request.get("plan")
            self._shell.put(events.Asked(at, "known plan", None if found is None else plan_of(found)))
        elif what == "schedule":
            self._shell.put(events.Asked(at, "schedule", self._entry(request)))
        elif what == "unschedule":
            self._shell.put(events.Asked(at, "unschedule", plan_of(request.get("plan"))))
        elif what in {"eta", "proposals", "note"}:
            self._shell.scout.told[str(what)] = request.get("value")
            if len(self._shell.scout.told) > _TOLD:
                self._shell.scout.told.clear()
        else:
            raise UsageError(
                "the request is not known", "This supervisor may be older than the command that asks."
            )
        return {"ok": True}

    def _entry(self, request: dict[str, Any]) -> ScheduleEntry:
        plan = plan_of(request.get("plan"))
        context = self._shell.context
        version = context.layout.version_for(plan.name, context.settings.recase)
        source = str(request.get("source") or "add-upgrade")[:40]
        return ScheduleEntry(plan, version, bool(request.get("exact")), source, time.time())


def plan_of(found: object) -> Plan:
    """Take a plan out of a request.

    Raises:
        UsageError: It is none.
        PlanError: Its name cannot be used.
    """
    if not isinstance(found, dict):
        raise UsageError("the request names no plan")
    name, height, info = found.get("name"), found.get("height"), found.get("info", "")
    if not isinstance(name, str) or not isinstance(info, str) or len(info) > _INFO:
        raise UsageError("the request's plan has no name, or an info that is no text")
    if not isinstance(height, int) or isinstance(height, bool) or not 0 < height < 2**63:
        raise PlanError("the plan's height is not a positive whole number")
    return Plan(names.check(name), height, info)
