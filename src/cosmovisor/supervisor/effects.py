"""Carries out the machine's commands that touch files or start the node; used before and inside the loop.

Each function returns the event that answers the command. None of them decides anything.
"""

from __future__ import annotations

import errno
import os
import time

from cosmovisor.config.folders import recased
from cosmovisor.decide import commands, events
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import State
from cosmovisor.model.value import value
from cosmovisor.storage import document, durable, locks
from cosmovisor.supervisor import active, go_json, same_key, spawn
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: The argument that an exact schedule adds.
HALT_HEIGHT = "--halt-height"


@value
class Launched:
    """The node, as it was started; the version of one that was found running may be unknown."""

    child: spawn.Child
    version: Version | None
    binary: str
    arguments: tuple[str, ...]


def save(context: Context, state: State) -> events.Failed | None:
    """Write the state document durably; None where it is on disk."""
    try:
        document.save(context.layout.state_file, state)
    except OSError as error:
        return events.Failed(
            time.monotonic(),
            "save",
            f"cannot write {context.layout.state_file}: {error.strerror}",
            "Free space or make the folder writable; nothing was changed.",
        )
    except CosmovisorError as error:
        return events.Failed(time.monotonic(), "save", error.cause, error.next_step)
    return None


def launch(
    context: Context, command: commands.Spawn, key: tuple[str, str] | None = None
) -> tuple[events.NodeSpawned | events.Failed, Launched | None]:
    """Start the node of a version with the operator's arguments, holding the node's lock over the exec.

    Args:
        context: The home.
        command: What to start.
        key: (chain id, address) of the key that it signs with; None where it has none of its own.
    """
    binary = context.layout.bin(command.version)
    arguments = list(context.arguments)
    if command.halt_height:
        arguments += [HALT_HEIGHT, str(command.halt_height)]
    try:
        active.make_executable(binary)
        lock = locks.hold(context.layout.node_lock)
        claimed = None
        try:
            if key is not None and context.settings.cosmovisor_same_key == "refuse":
                claimed = same_key.claim(*key)
            environ = spawn.environment(context.environ, spawn.library_folder(binary))
            child = spawn.spawn(binary, arguments, environ, now=time.time(), lock=lock.fd)
            lock.describe(child.pid, " ".join([binary, *arguments]))
        finally:
            # The node has inherited the lock; our own descriptor would keep it alive after the node.
            lock.close()
            if claimed is not None:
                claimed.close()
    except same_key.SameKeyError as error:
        return events.Failed(time.monotonic(), "spawn", error.cause, error.next_step, retry=False), None
    except CosmovisorError as error:
        return events.Failed(time.monotonic(), "spawn", error.cause, error.next_step), None
    launched = Launched(child, command.version, binary, tuple(arguments))
    return events.NodeSpawned(time.monotonic(), child.pid), launched


def activate(context: Context, version: Version, unmark: tuple[Version, ...] = ()) -> None:
    """Make a version the active one by one rename, then take away markers that no longer hold.

    Raises:
        OSError: As the system says; the old link is still whole, or the new one is. `EEXIST` where something
            else than a link is in its place.
    """
    layout = context.layout
    what = active.obstacle(layout)
    if what:
        raise FileExistsError(errno.EEXIST, f"it is {what}, not a link; move it away", layout.current)
    durable.replace_link(layout.current, link_text(layout.current, layout.folder(version), version))
    for other in unmark:
        durable.remove_file(layout.marker(other))


def link_text(path: str, folder: str, version: Version) -> str:
    """Return the text of a new link in the style of the one found.

    Versions 1.5 and 1.6 of the Go tool cannot follow a relative one; a new home gets a relative one.
    """
    try:
        absolute = os.readlink(path).startswith("/")
    except OSError:
        absolute = False
    return folder if absolute else version.folder


def write_marker(context: Context, plan: Plan, version: Version) -> None:
    """Write the marker beside `bin/`, as the Go tool does: the plan with its name as the folder has it.

    Raises:
        OSError: As the system says.
    """
    name = recased(plan.name) if context.settings.recase else plan.name
    content = go_json.plan(Plan(name, plan.height, plan.info))
    durable.write_file(context.layout.marker(version), content, 0o644)


def switch(context: Context, plan: Plan, version: Version) -> None:
    """Link, then marker: the order in which the Go tool takes over at any cut.

    Raises:
        OSError: As the system says.
    """
    activate(context, version)
    write_marker(context, plan, version)


def write_plan_file(context: Context, plan: Plan) -> None:
    """Write the plan file as the chain would have.

    Raises:
        OSError: As the system says.
    """
    durable.write_file(context.plan_file, go_json.plan(plan), 0o600)


def move_plan_aside(context: Context) -> None:
    """Keep a torn plan file under another name.

    Raises:
        OSError: As the system says.
    """
    base = f"{context.plan_file}.torn-{time.strftime('%Y%m%d-%H%M%S')}"
    path, count = base, 1
    while os.path.lexists(path):
        count += 1
        path = f"{base}-{count}"
    durable.move(context.plan_file, path)


def file_command(context: Context, command: object) -> events.Done | events.Failed | None:
    """Carry out a command on files; None where the command is of another kind."""
    work: Callable[[], None]
    if isinstance(command, commands.Activate):
        what, path = "activate", context.layout.current
        work = _bind(activate, context, command.version, command.unmark)
    elif isinstance(command, commands.WriteMarker):
        what, path = "write marker", context.layout.marker(command.version)
        work = _bind(write_marker, context, command.plan, command.version)
    elif isinstance(command, commands.WriteFile):
        what, path = "write file", context.plan_file
        work = _bind(write_plan_file, context, command.plan)
    elif isinstance(command, commands.MoveAside):
        what, path = "move file aside", context.plan_file
        work = _bind(move_plan_aside, context)
    else:
        return None
    try:
        work()
    except FileExistsError as error:
        fix = "See what is in it; the next try follows by itself."
        return events.Failed(time.monotonic(), what, f"cannot change {path}: {error.strerror}", fix)
    except OSError as error:
        return events.Failed(
            time.monotonic(),
            what,
            f"cannot change {path}: {error.strerror}",
            "Free space or make the folder writable for this user; what was there before is unharmed.",
        )
    return events.Done(time.monotonic(), what)


def _bind(function: Callable[..., None], *arguments: object) -> Callable[[], None]:
    def bound() -> None:
        function(*arguments)

    return bound
