"""Whether the guards work: locks, the key's own name, and what a running supervisor says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cosmovisor.care import look
from cosmovisor.care.finding import Finding, bad, good, note
from cosmovisor.decide.schedule import conflict
from cosmovisor.model.errors import StateError
from cosmovisor.observe import client
from cosmovisor.storage import locks
from cosmovisor.supervisor import same_key

#: Seconds to wait for a running supervisor.
_PATIENCE = 5.0


def lock(view: look.View) -> Iterator[Finding]:
    """Whether the lock that keeps a second node away works on this file system; asked while it is free."""
    path = view.context.layout.supervisor_lock
    if view.supervisor is not None or view.node is not None or not os.path.exists(path):
        return
    try:
        locks.hold(path, command="cosmovisor doctor").close()
    except locks.LockHeld:
        return
    except StateError as error:
        yield bad("locks", error.cause, error.next_step)
    else:
        yield good("locks", "work on this file system")


def key(view: look.View) -> Iterator[Finding]:
    """Whether another node on this machine runs with the same validator key."""
    mine = view.seen.sign_key
    if view.node is not None or mine is None:
        return
    who = same_key.holder(*mine)
    if not who:
        return
    text = f"{who} runs with the key {mine[1]} of chain {mine[0]} too"
    refuses = view.context.settings.cosmovisor_same_key == "refuse"
    fix = "Two nodes that sign with one key are slashed: stop one, and be sure that it stays down."
    yield (bad if refuses else note)("key", f"{text}: a start is {'refused' if refuses else 'allowed'}", fix)


def supervisor(view: look.View) -> Iterator[Finding]:
    """What a running supervisor waits for, and what hinders it."""
    if view.supervisor is None:
        return
    try:
        told = client.ask(view.context.layout.socket, {"ask": "status"}, _PATIENCE)
    except StateError as error:
        yield bad(
            "supervisor",
            f"runs and gives no answer: {error.cause}",
            "Look at its log; if it hangs, restart it.",
        )
        return
    if told.get("phase") == "holding":
        yield bad(
            "upgrade", f"it is due and waits: {told.get('waiting')}", "Put the binary into place; it goes on."
        )
    elif told.get("waiting"):
        yield note("supervisor", f"is {told.get('phase')}: waits for {told.get('waiting')}")
    if told.get("watch"):
        yield note("watch", f"files are asked for instead of watched: {told['watch']}")
    home = told.get("node_home")
    if home and home != view.context.node_home:
        yield note(
            "home",
            f"the running node has its home at {home}; this looked at {view.context.node_home}",
            f"Ask about that one: {view.context.layout.daemon_name.upper().replace('-', '_')}_HOME={home} "
            "cosmovisor doctor",
        )


def schedule(view: look.View) -> Iterator[Finding]:
    """How the operator's schedule and the chain's plans stand to each other."""
    said = conflict(view.facts)
    if said:
        yield note("schedule", said, "Keep it, or take the entry out: cosmovisor schedule list")
