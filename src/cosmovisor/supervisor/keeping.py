"""Keeps the state document: one that lies on the disk just as it would be written is not written again.

Flushes are what a stop costs most; where nothing has changed since the last one there is nothing to wait for.
"""

from __future__ import annotations

import os

from cosmovisor.decide import events
from cosmovisor.model.state import State
from cosmovisor.supervisor import effects
from cosmovisor.supervisor.context import Context


class Keeper:
    """The state document of a home.

    Args:
        context: The home.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._saved: State | None = None
        self._file: object = None

    def has(self, state: State) -> bool:
        """Tell whether this document is durable already, and nobody has taken or changed the file since."""
        return self._saved is not None and state == self._saved and self._look() == self._file

    def save(self, state: State) -> events.Failed | None:
        """Make a document durable; None where it is on disk."""
        if self.has(state):
            return None
        self._saved = None
        failed = effects.save(self._context, state)
        if failed is None:
            self._file = self._look()
            self._saved = None if self._file is None else state
        return failed

    def _look(self) -> object:
        try:
            status = os.stat(self._context.layout.state_file)
        except OSError:
            return None
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
