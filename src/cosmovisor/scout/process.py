"""The scout's process: put together, run beside a supervisor or alone, ended when its time has come."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from cosmovisor.chain import address, keys
from cosmovisor.chain.rpc import Rpc
from cosmovisor.config.layout import Layout, node_home
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import ChainError, StateError
from cosmovisor.model.plan import Plan
from cosmovisor.observe.log import Log
from cosmovisor.scout import ahead as aheads
from cosmovisor.scout import eta, grpc_node, staging_run
from cosmovisor.scout.follower import Follower
from cosmovisor.scout.memory import EVENTS, Memory
from cosmovisor.scout.plans import Happening
from cosmovisor.scout.report import Report
from cosmovisor.scout.sources import Sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

    from cosmovisor.scout.sources import Asked

#: Bytes of memory of the scout's data; it needs a twentieth of it.
MEMORY = 256 << 20
_OOM_SCORE = "900"
#: Seconds for one question to our own node, and to another one.
_OWN, _OTHER = 5.0, 8.0
#: Other nodes that are asked.
_EXTRA = 8
#: Longest sleep in one piece, so that the end of the supervisor is noticed.
_NAP = 2.0


#: Bytes of standard input.
_ORDERS = 1 << 20


def orders(data: bytes) -> tuple[list[str], int]:
    """Take apart what a supervisor gives on standard input: `{"arguments": [...], "supervisor": pid}`.

    Returns:
        The node's arguments, and the process whose end ends us too (0 where none is named).
    """
    args: list[str] = []
    pid = 0
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(data)
        if isinstance(found, dict):
            given = found.get("arguments")
            args = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
            pid = found["supervisor"] if isinstance(found.get("supervisor"), int) else 0
    return args, pid


def sources(settings: Settings, environ: Mapping[str, str], args: Sequence[str], home: str) -> Sources:
    """Find out whom to ask.

    Args:
        settings: The settings.
        environ: The environment, which is the node's too.
        args: The node's arguments, as far as known.
        home: The node's home.
    """
    found = address.rpc_address(args, environ, settings.daemon_name, home)
    chain_id, node_id = keys.identity(args, environ, settings.daemon_name, home)
    own: list[Asked] = [Rpc(found, _OWN, chain_id=chain_id, node_id=node_id)] if found else []
    if settings.daemon_grpc_address and not found and grpc_node.available():
        own.append(grpc_node.GrpcNode(settings.daemon_grpc_address, _OWN))
    extra = [Rpc(one, _OTHER) for one in settings.cosmovisor_extra_rpc[:_EXTRA]]
    return Sources(own, extra, chain_id)


def limit() -> None:
    """Take little memory, and be the first to go when it ends; where the system refuses that, go on."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))
    with contextlib.suppress(OSError):
        os.nice(5)


def supervised(
    settings: Settings, layout: Layout, config_file: str | None, environ: Mapping[str, str], given: IO[bytes]
) -> int:
    """Follow the chain beside a supervisor until that ends; tell it over its socket.

    Args:
        settings: The settings.
        layout: The folder tree.
        config_file: The file of `--cosmovisor-config`, for the staging process.
        environ: The environment, which is the node's too.
        given: Standard input, as `orders` reads it.

    Returns:
        Exit status.
    """
    limit()
    args, parent = orders(given.read(_ORDERS))
    if not parent:
        return 0  # it ended before it could say who it is
    home = node_home(args, environ, settings)
    log = Log.of(settings)
    tell = Report(layout.socket)
    ahead = None
    if settings.daemon_allow_download_binaries:
        ahead = aheads.Ahead(
            staging_run.command(config_file), environ, settings.cosmovisor_download_timeout + 600
        )

    def say(level: str, text: str, fields: dict[str, object]) -> None:
        (log.warning if level == "warning" else log.info)(text, **fields)

    memory = Memory(layout.scout_file, say)
    follower = Follower(sources(settings, environ, args, home), tell, ahead, say, memory=memory)
    follower.remember(*known(tell.snapshot()))
    try:
        run(follower, lambda: parent == os.getppid())
    finally:
        if ahead is not None:
            ahead.stop()
    return 0


def known(snapshot: Mapping[str, Any] | None) -> tuple[Plan | None, int]:
    """Return the known plan and the height that a supervisor has told."""
    found = (snapshot or {}).get("known_plan")
    block = ((snapshot or {}).get("heights") or {}).get("block") or {}
    height = block.get("height", 0)
    plan = None
    if isinstance(found, dict):
        with contextlib.suppress(KeyError, TypeError, ValueError):
            plan = Plan(str(found["name"]), int(found["height"]), str(found.get("info", "")))
    return plan, height if isinstance(height, int) else 0


def alone(
    settings: Settings,
    environ: Mapping[str, str],
    home: str,
    *,
    once: bool,
    as_json: bool,
    show: Callable[[str], None],
) -> int:
    """Follow the chain and print what is learned; fetch nothing and tell nobody.

    Returns:
        Exit status: 1 where `once` is given and no node answers.
    """

    def say(level: str, text: str, fields: dict[str, object]) -> None:
        if once:
            return
        if as_json:
            show(json.dumps({"at": time.time(), "level": level, "text": text, **fields}))
        else:
            show(f"{'! ' if level == 'warning' else ''}{text}")

    follower = Follower(sources(settings, environ, (), home), None, None, say)
    if not once:
        return run(follower, lambda: True, shown(follower, show, as_json=as_json))
    follower.step()
    if follower.status is None:
        causes = "; ".join(follower.sources.problems.values())
        raise ChainError(
            f"no node answers: {causes or 'the RPC of this node is switched off'}",
            "Start the node, or name another of the same chain in COSMOVISOR_EXTRA_RPC.",
        )
    show(json.dumps(follower.document(), indent=2) if as_json else text(follower, time.time()))
    return 0


def events(layout: Layout) -> list[Happening]:
    """Return what scouts of this home have noticed, oldest first.

    Raises:
        StateError: Their memory cannot be read.
    """
    troubles: list[str] = []
    found = Memory(layout.scout_file, lambda _level, text, _fields: troubles.append(text)).events("", EVENTS)
    if troubles:
        raise StateError(troubles[0], "The next scout begins a new memory; nothing else depends on it.")
    return list(found)


def shown(follower: Follower, show: Callable[[str], None], *, as_json: bool) -> Callable[[], None]:
    """Return what prints the state when it has changed in a way that is worth a line."""
    last = [""]

    def after() -> None:
        line = json.dumps(follower.document()) if as_json else text(follower, time.time())
        key = f"{follower.source}{follower.story.plan}{[one.id for one in follower.story.proposals]}"
        if key != last[0]:
            last[0] = key
            show(line)

    return after


def text(follower: Follower, now: float) -> str:
    """Say in some lines what is known."""
    status, plan, guess = follower.status, follower.story.plan, follower.eta
    lines = []
    if status is None:
        lines.append("no node answers")
    else:
        behind = ", catching up" if status.catching_up else ""
        lines.append(f"chain {status.chain_id}, height {status.height}{behind} (from {follower.source})")
    if plan is None:
        lines.append("no upgrade is scheduled")
    else:
        lines.append(f"upgrade {plan.name!r} is scheduled at height {plan.height}")
        if guess is not None:
            lines.append(
                f"  expected in {eta.duration(guess.at - now)}"
                f" (between {eta.duration(guess.earliest - now)} and {eta.duration(guess.latest - now)};"
                f" {guess.left} blocks, {guess.interval:.2f} s each over the last {guess.measured})"
            )
    for one in follower.story.proposals:
        what = (
            ", ".join(f"upgrade {plan.name!r} at {plan.height}" for plan in one.plans)
            or "cancels the upgrade"
        )
        votes = (
            f"; yes {one.tally.yes}, no {one.tally.no}, veto {one.tally.no_with_veto}" if one.tally else ""
        )
        lines.append(
            f"proposal {one.id} in voting: {what}, ends in {eta.duration(one.voting_end - now)}{votes}"
        )
    return "\n".join(lines)


def run(follower: Follower, wanted: Callable[[], bool], after: Callable[[], None] | None = None) -> int:
    """Look again and again until a signal comes or nobody wants us any more."""
    ended = [False]

    def end(*_: object) -> None:
        ended[0] = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    while not ended[0] and wanted():
        until = time.monotonic() + follower.step()
        if after is not None:
            after()
        while not ended[0] and wanted() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP))
    sys.stdout.flush()
    return 0
