"""Takes the home's lock, reads the state document and starts what must run now."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` itself imports enum
import os
import time

from cosmovisor.decide import events
from cosmovisor.model.errors import ConfigurationError, StateError
from cosmovisor.model.heights import UNKNOWN
from cosmovisor.observe.log import Log
from cosmovisor.storage import document, locks
from cosmovisor.supervisor import active, batch_file, first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.load import Loaded
    from cosmovisor.supervisor.context import Context
    from cosmovisor.supervisor.handover import Handover

_BLOCKED = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGQUIT, _signal.SIGHUP)


def supervise(context: Context, loaded: Loaded, given: Handover | None = None) -> int:
    """Supervise the node of a home until it or we are ended; return the exit status.

    Args:
        context: The home.
        loaded: The settings with their warnings.
        given: What we had before a reload; None at an ordinary start.

    Raises:
        CosmovisorError: Nothing was started.
    """
    # A signal between the spawn and its handler would leave a node without a supervisor.
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _BLOCKED)
    if not os.path.isdir(context.data):
        raise ConfigurationError(
            f"cannot supervise {context.layout.daemon_home}: {context.data} is not a folder",
            f"Set up the node first (`cosmovisor run init …`), or make the folder: mkdir -p {context.data}",
        )
    lock = _lock(context, given)
    what = active.obstacle(context.layout)
    if what and given is None:
        lock.close()
        raise active.in_the_way(context.layout, what)
    if given is None:
        problem = _unreadable(context.plan_file)
        if problem:
            lock.close()
            raise ConfigurationError(
                f"cannot read {context.plan_file}: {problem}; whether an upgrade is due stands there",
                f"Give it to the user of this service: chown $(id -u) {context.plan_file}",
                path=context.plan_file,
            )
    log = Log.of(context.settings)
    recorded_at = batch_file.changed_at(context.layout.state_file)
    found = document.load(context.layout.state_file)
    start = first.Start(context, first.beginning(context, found.state))
    first.run(start, _beginning(context, start, given))
    # The node runs (or never will): from here on nothing has to be quick.
    differences = () if found.found else loaded.differences
    for text in (*loaded.warnings, *differences, *found.notes, *_take_over(context, start, recorded_at)):
        log.warning(text)
    from cosmovisor.supervisor import shell

    try:
        return shell.run(context, start, log, lock.fd)
    finally:
        lock.close()


def _unreadable(path: str) -> str:
    """Say why a plan file that is there may not be read: it is the chain's, and no torn one."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except PermissionError as error:
        return error.strerror or "not permitted"
    except OSError:
        return ""
    return ""


def _take_over(context: Context, start: first.Start, recorded_at: float) -> list[str]:
    """Ask the machine to schedule what the Go tool had scheduled; return what is to be told."""
    seen = start.machine.seen
    taken, notes = batch_file.entries(
        context, start.machine.state, UNKNOWN if seen is None else seen.b, recorded_at
    )
    start.events += [events.Asked(time.monotonic(), "schedule", entry) for entry in taken]
    return notes


def _lock(context: Context, given: Handover | None) -> locks.Lock:
    """Take the home's lock, or the one that we had before a reload."""
    if given is not None:
        os.set_inheritable(given.lock_fd, False)
        return locks.adopt(context.layout.supervisor_lock, given.lock_fd)
    try:
        return locks.hold(context.layout.supervisor_lock)
    except locks.LockHeld as error:
        raise already_running(context, error) from None


def _beginning(
    context: Context, start: first.Start, given: Handover | None
) -> events.Started | events.OrphanFound:
    found = None
    if given is not None or locks.is_held(context.layout.node_lock):
        from cosmovisor.supervisor import orphan

        if given is None:
            found = orphan.find(context)
        else:
            found = orphan.launched(context, given.pid, given.started_at, given.binary, given.arguments)
    if found is None:
        return events.Started(time.monotonic())
    start.orphan = found
    start.sources.begin(found.binary, found.arguments, found.child.started_at)
    armed = orphan.armed(context, found.arguments)
    return events.OrphanFound(time.monotonic(), found.child.pid, found.version, given is not None, armed)


def already_running(context: Context, error: locks.LockHeld) -> StateError:
    """Say who supervises this home already, and which binary runs there."""
    binary = os.path.join(os.path.realpath(context.layout.current), "bin", context.settings.daemon_name)
    holder = error.holder
    return StateError(
        f"another cosmovisor supervises {context.layout.daemon_home}: {holder.text()}, with {binary}",
        f"Stop it first: kill {holder.pid}" if holder.pid else error.next_step,
        pid=holder.pid,
        since=holder.since,
        binary=binary,
    )
