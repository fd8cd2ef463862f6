"""What must hold in every night; each breach is a violation in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cosmovisor.model.errors import StateError
from cosmovisor.model.plan import Plan
from cosmovisor.storage import document
from tests.simulation.script import HANDLERS

if TYPE_CHECKING:
    from tests.simulation.night import Night

#: More starts than this in one night are a loop.
_STARTS = 120


class Judge:
    """Looks at every start of a node and at the end of the night.

    Args:
        night: What is judged.
    """

    def __init__(self, night: Night) -> None:
        self._night = night
        self.old_starts = 0
        self.starts = 0
        self._ran: set[str] = set()
        #: What was in the document at a start: an entry of the operator, and an exact one while there was time.
        self._entered = self._exact = False
        #: The plan file as the chain has written it; None where a fault has spoiled it.
        self.file: bytes | None = None

    def start(self, version: str) -> None:
        """A version is being started."""
        night, data = self._night, self._night.chain.data
        self.starts += 1
        if self.starts > _STARTS:
            night.violation("the node is started again and again")
            night.finish()
        if night.living() is not None:
            night.violation("two nodes at once")
        if night.helper_lives():
            night.violation(f"a node is started beside the pre-upgrade of {night.helper[0]}")
        self.files()
        state = self._state()
        known = max((one.height for one in state.sign_states), default=0) if state is not None else 0
        if night.script.signs and night.sign_state < known:
            night.violation(
                f"a start on a sign-state of {night.sign_state}, and {known} is known to be signed"
            )
        records = {record.plan.name: record for record in state.records} if state is not None else {}
        backed_up = {line.plan.name for line in state.backups} if state is not None else set()
        twist = night.script.twist
        gone = night.script.plans[0] not in night.chain.plans and twist in {"cancelled", "replaced"}
        if gone and version == "v2" and not (records.get("v2") and records["v2"].inferred):
            night.violation(f"v2 is started, as proven, for a plan that was {twist}")
        self._scheduled(version, state)
        for plan in night.chain.plans:
            if plan.height in night.chain.skip:
                continue
            record, has = records.get(plan.name), plan.name in HANDLERS[version]
            applied = plan.name in data.applied
            at_halt = data.a == plan.height - 1 and data.b in {plan.height, plan.height - 1}
            if has and not applied and not at_halt and (record is None or not record.inferred):
                night.violation(f"{version} is started too early, as proven, at a={data.a} for {plan.height}")
            if applied and not has:
                night.violation(f"{version} is started on data that {plan.name} was applied to")
            if has and not applied and at_halt and plan.name == version:
                self._prepared(plan, plan.name in backed_up)
            if not has and at_halt and data.b == plan.height:
                self._old(version, plan, record)

    def _scheduled(self, version: str, state: Any) -> None:
        """The operator's own program is never early."""
        night, entry = self._night, self._night.chain.scheduled
        if entry is None:
            return
        for line in state.schedule if state is not None else ():
            self._entered = True
            self._exact = self._exact or (line.exact and night.chain.data.b < entry.height - 2)
        if version != entry.name:
            return
        exact = night.script.further == "exact schedule"
        if night.chain.data.a < entry.height - exact:
            night.violation(f"{version} is started too early, at a={night.chain.data.a} for {entry.height}")

    def executed(self, height: int, version: str) -> None:
        """A block is executed by a version."""
        night, entry = self._night, self._night.chain.scheduled
        self._ran.add(version)
        # A node that is ended between its halt and the look at it leaves open which block it has executed.
        alone = night.faults.struck <= {"exact schedule"}
        if entry is not None and self._exact and alone and version == "v1" and height >= entry.height:
            night.violation(f"{version} executes {height}, which the exact schedule gives to {entry.name}")

    def _old(self, version: str, plan: Plan, record: Any) -> None:
        self.old_starts += 1
        if record is not None and record.halt_seen and not record.gone_back:
            self._night.violation(f"{version} is started after the halt of {plan.name} was journalled")

    def _prepared(self, plan: Plan, backed_up: bool) -> None:
        night = self._night
        lost = self._lost()
        if not backed_up and not lost:
            night.violation(f"{plan.name} is started without a backup")
        if plan.name not in night.pre_upgraded and not lost:
            night.violation(f"{plan.name} is started before its pre-upgrade has finished")

    def _had_time(self) -> bool:
        """Tell whether the chain's own plan came so late that two looks were taken in between."""
        night, entry = self._night, self._night.chain.scheduled
        if entry is None or night.faults.struck - {"schedule", "exact schedule", "second supervisor"}:
            return False
        between = (night.script.plans[0].height - entry.height) * night.script.habits.interval
        return between > 12.0 and not night.script.habits.behind

    def _lost(self) -> bool:
        """Tell whether a fault has taken the document and what it had noted."""
        return bool({"state lost", "state damaged"} & self._night.faults.struck)

    def _state(self) -> Any:
        try:
            return document.read(self._night.context.layout.state_file)
        except StateError as error:
            self._night.violation(f"the state document cannot be read: {error.cause}")
            return None

    def files(self) -> None:
        """The chain's file is the chain's."""
        night = self._night
        if self.file is None:
            return
        try:
            with open(night.context.plan_file, "rb") as file:
                found = file.read()
        except OSError:
            found = b""
        if found != self.file:
            night.violation(f"the plan file was changed: {found!r} instead of {self.file!r}")

    def end(self) -> None:
        """The night is over."""
        night, data = self._night, self._night.chain.data
        if data.a < night.goal:
            night.violation(f"the node never got past {night.goal}: b={data.b} a={data.a}")
        if self._entered and "s2" not in self._ran and not self._lost() and self._had_time():
            night.violation("the operator's schedule was missed")
        self.files()
        if not night.dead and self._state() is None:
            night.violation("there is no state document in the end")
