"""Keeps the scout running beside us while it is wanted; its death is never more than a line in the log."""

from __future__ import annotations

import asyncio
import os

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.storage import light_json
from cosmovisor.supervisor import program
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Seconds until it is started (the node comes first), and between two starts, doubled up to the last number.
_FIRST, _AGAIN, _LONGEST = 1.0, 2.0, 600.0
#: A scout that lived so long did not fail at its start.
_HEALTHY = 60.0


class Scout:
    """The scout's process.

    Args:
        context: The home.
        tell: Takes a level and a line for the operator.
    """

    def __init__(self, context: Context, tell: Callable[[str, str], None]) -> None:
        self._context = context
        self._tell = tell
        self._program: program.Program | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started_at = 0.0
        self._failures = 0
        self._stopped = False
        #: What the scout last told over the socket: estimated time, proposals.
        self.told: dict[str, Any] = {}

    def start(self) -> None:
        """Start it soon, if it is switched on."""
        self._stopped = False
        if self._context.settings.cosmovisor_scout == "on":
            self._timer = asyncio.get_running_loop().call_later(_FIRST, self._launch)

    def stop(self) -> None:
        """End it for good."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._program is not None:
            self._program.kill()

    async def end(self) -> None:
        """End it and wait for its end."""
        program = self._program
        self.stop()
        if program is not None:
            await program.end()

    def _launch(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        self._started_at = loop.time()
        try:
            self._program = program.Program(
                program.command(self._context, ["scout", "--supervised"]),
                self._context.environ,
                lambda _: None,
                self._ended,
                self._orders(),
            )
        except CosmovisorError:
            self._ended(None)

    def _orders(self) -> bytes:
        """Return what it must know: the node's arguments, and whose end is its end too."""
        orders = {"arguments": list(self._context.arguments), "supervisor": os.getpid()}
        return light_json.dumps(orders).encode() + b"\n"

    def _ended(self, status: int | None) -> None:
        self._program = None
        if self._stopped:
            return
        loop = asyncio.get_running_loop()
        if loop.time() - self._started_at > _HEALTHY:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            self._tell(
                "debug",
                f"the scout has ended (status {status}); it is started again, the node is not touched",
            )
        wait = min(_LONGEST, _AGAIN * 2 ** min(self._failures - 1, 12))
        self._timer = loop.call_later(wait, self._launch)
