"""The reload as the loop sees it: check, let nothing be lost, then become the new program."""

from __future__ import annotations

import asyncio
import signal
import time

from cosmovisor.decide import events
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.supervisor import handover

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.supervisor.shell import Shell

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


async def check(shell: Shell) -> list[str]:
    """Let the new program look at everything; return the settings that the environment pins.

    Raises:
        CosmovisorError: It would not run.
    """
    context = shell.context
    await asyncio.to_thread(handover.check, context.arguments, context.environ, context.config_file)
    return handover.pinned(context.environ)


async def reload(shell: Shell) -> None:
    """Become the new program, or say why not and go on as before."""
    context, launched = shell.context, shell.launched
    try:
        pinned = await check(shell)
    except CosmovisorError as error:
        shell.teller.tell("error", f"not reloaded, all goes on as before: {error.cause}", fix=error.next_step)
        return
    if pinned:
        shell.teller.tell("info", f"set in the environment, so not changed by a reload: {', '.join(pinned)}")
    if shell.node is None or launched is None:
        shell.teller.tell("warn", "not reloaded: no node runs")
        return
    shell.teller.tell("info", "reloading; the node runs on")
    await shell.stager.end()
    await shell.approach.end()
    await shell.scout.end()
    shell.teller.finish()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        # A signal that came before the block is seen now; nothing that is not answered yet may be lost.
        await asyncio.sleep(0)
        if shell.is_busy() or shell.node is None:
            shell.put(events.Asked(time.monotonic(), "reload"))
            return
        shell.notify.reloading(time.monotonic_ns() // 1000)
        child = shell.node.child
        handover.replace_ourselves(
            handover.Handover(
                shell.lock_fd, child.pid, child.started_at, launched.binary, launched.arguments
            ),
            context.environ,
        )
    except OSError as error:
        shell.teller.tell("error", f"not reloaded, all goes on as before: {error.strerror}")
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        shell.scout.start()
