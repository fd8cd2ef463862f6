"""What is done as the height comes near: digest and space are checked in full, and files are copied ahead.

Both take longer than the switch itself and need nothing but time, so they are done while the node still runs:
each by a process of its own that takes what the node leaves.
"""

from __future__ import annotations

import os

from cosmovisor.decide.machine import Machine
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.observations import Observations
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.storage import light_json
from cosmovisor.supervisor import program
from cosmovisor.supervisor.context import Context
from cosmovisor.supervisor.stager import Stager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds before the expected height at which it is done, and done again for what has changed meanwhile: with
#: a day left there is time to free space; copying that early would be for nothing.
MOMENTS, COPY = (86_400.0, 1800.0, 180.0), 1800.0


class Approach:
    """Watches how near the next height is.

    Args:
        context: The home.
        stager: Checks digests.
        tell: Takes a level and a line for the operator.
    """

    def __init__(self, context: Context, stager: Stager, tell: Callable[[str, str], None]) -> None:
        self._context = context
        self._stager = stager
        self._tell = tell
        self._done: dict[Plan, int] = {}
        self._program: program.Program | None = None
        self.progress = ""

    def look(self, machine: Machine, seen: Observations) -> None:
        """Begin what is due; cheap, called with every look at the facts."""
        run = machine.run
        if machine.phase != "running" or run is None or not run.interval or seen.b.strength != "exact":
            return
        for prospect in seen.prospects:
            left = (prospect.plan.height - seen.b.height) * run.interval
            if left <= 0 or not isinstance(prospect.staged, StagedBinary):
                continue
            reached = sum(left <= moment for moment in MOMENTS)
            if reached > self._done.get(prospect.plan, 0):
                self._done[prospect.plan] = reached
                self._stager.recheck(prospect.plan)
                if left <= COPY:
                    self._copy_ahead(prospect.plan)

    def _copy_ahead(self, plan: Plan) -> None:
        if self._program is not None or self._context.settings.cosmovisor_backup == "off":
            return
        question = {"name": plan.name, "height": plan.height, "info": plan.info, "supervisor": os.getpid()}
        command = program.command(self._context, [])
        argv = [*command[:2], "cosmovisor.supervisor.copying_ahead", self._context.node_home, *command[3:]]
        try:
            self._program = program.Program(
                argv,
                self._context.environ,
                self._line,
                self._ended,
                light_json.dumps(question).encode() + b"\n",
            )
        except CosmovisorError as error:
            self._tell("warn", f"nothing is copied ahead of the backup: {error.cause}")

    def _line(self, line: dict[str, object]) -> None:
        if "progress" in line:
            self.progress = str(line["progress"])[:300]
        elif "error" in line:
            self._tell(
                "warn",
                f"copying ahead of the backup failed, the backup itself will say more: {line['error']}",
            )
        elif line.get("bytes"):
            self._tell("info", f"{line['bytes']} bytes are copied ahead of the backup")

    def _ended(self, _: int | None) -> None:
        self._program = None
        self.progress = ""

    def stop(self) -> None:
        """End what runs: at the halt the backup itself takes over what was done."""
        if self._program is not None:
            self._program.kill()

    async def end(self) -> None:
        """End what runs and wait for its end."""
        running = self._program
        self.stop()
        if running is not None:
            await running.end()
