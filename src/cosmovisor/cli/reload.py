"""`cosmovisor reload`: settings and our own version change while the node runs on."""

from __future__ import annotations

from cosmovisor.cli import common

#: Seconds for the new program's look at everything.
_TIMEOUT = 90.0


@common.command("reload")
def reload(session: common.Session) -> None:
    """Let the supervisor start itself anew while the node runs on.

    The new program first checks its configuration; if it would not run, nothing changes. What is set in the
    supervisor's environment cannot change this way and is named.
    """
    from cosmovisor.observe import client

    answer = client.ask(session.layout.socket, {"do": "reload"}, _TIMEOUT)
    pinned = [str(name) for name in answer.get("pinned", ())]
    text = "The supervisor starts itself anew; the node runs on."
    if pinned:
        text += f"\nSet in its environment, so not changed by this: {', '.join(pinned)}"
    session.show(text, {"ok": True, "pinned": pinned})


COMMAND = reload
