"""Shows others how things stand: process title, service manager, event stream, the document's own record."""

from __future__ import annotations

import time

from cosmovisor.decide import events
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.supervisor import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.supervisor.shell import Shell


def show(shell: Shell) -> None:
    """Renew process title, status line and event stream; not in the middle of an upgrade's work."""
    found = shell.snapshot()
    line = snapshot.summary(shell.context, found)
    shell.notify.title(f"cosmovisor: {line}")
    shell.notify.status(f"{line}. {shell.machine.waiting}".rstrip(". "))
    if shell.step is not None:
        shell.notify.extend(120.0)
    shell.server.publish({"event": "snapshot", "snapshot": found})
    _record_staged(shell)


def _record_staged(shell: Shell) -> None:
    """Have the document keep what is ready; at the height nobody waits for that."""
    if shell.seen is None or shell.machine.phase != "running":
        return
    for prospect in shell.seen.prospects:
        staged = prospect.staged
        if isinstance(staged, StagedBinary) and staged not in shell.machine.state.staged:
            shell.put(events.Asked(time.monotonic(), "staged", staged))
