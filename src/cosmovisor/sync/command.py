"""The whole of `cosmovisor sync`: read the plan, look at the data, stage everything, drive."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from cosmovisor.chain import address, keys
from cosmovisor.chain.rpc import Rpc
from cosmovisor.config.layout import Layout, node_home
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import PlanError
from cosmovisor.model.value import value
from cosmovisor.storage import locks
from cosmovisor.sync import drive, position, progress, stage
from cosmovisor.sync.plan import SyncPlan

#: Seconds between two lines of progress where no terminal shows a bar.
_LINES = 30.0


@value
class Order:
    """What was asked for.

    Attributes:
        settings: The settings.
        origins: Where each comes from.
        layout: The folder tree.
        config_file: The file of `--cosmovisor-config`.
        environ: The environment.
        args: The node's arguments.
        node_log: File for the node's output; empty to pass it through.
        keep_running: Leave the node running at the end.
        stage_only: End when everything is staged.
        as_json: Show JSON lines.
    """

    settings: Settings
    origins: Mapping[str, str]
    layout: Layout
    config_file: str | None
    environ: Mapping[str, str]
    args: Sequence[str]
    node_log: str = ""
    keep_running: bool = False
    stage_only: bool = False
    as_json: bool = False


class Shown:
    """Shows progress: a bar on a terminal, else a line now and then; or JSON on standard output."""

    def __init__(self, found: progress.Progress, *, as_json: bool, terminal: bool) -> None:
        self._progress = found
        self._as_json = as_json
        self._terminal = terminal and not as_json
        self._last_at = float("-inf")
        self._last: tuple[object, ...] = ()

    def say(self, text: str) -> None:
        """Show a sentence."""
        if self._as_json:
            self._json({"at": time.time(), "text": text})
        else:
            sys.stderr.write(f"\r\x1b[K{text}\n" if self._terminal else f"sync: {text}\n")
            sys.stderr.flush()

    def show(self) -> None:
        """Show where we are, if it is time to."""
        now = time.monotonic()
        key = (self._progress.done, self._progress.version)
        pause = 0.5 if self._terminal else _LINES
        if now - self._last_at < pause and (self._terminal or key == self._last):
            return
        self._last_at, self._last = now, key
        if self._as_json:
            self._json(self._progress.document(time.time()))
        elif self._terminal:
            width = os.get_terminal_size(2).columns if os.isatty(2) else 100
            sys.stderr.write("\r\x1b[K" + self._progress.bar(time.time(), width))
            sys.stderr.flush()
        else:
            self.say(self._progress.text(time.time()))

    def _json(self, document: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()


def run(order: Order, plan: SyncPlan, terminal: bool = False) -> int:
    """Take the node through all upgrades of the plan.

    Returns:
        Exit status.

    Raises:
        PlanError: The plan is of another chain.
        StagingError: Not every binary could be had.
    """
    settings, layout = order.settings, order.layout
    home = node_home(order.args, order.environ, settings)
    chain_id = keys.chain_id(order.args, order.environ, settings.daemon_name, home)
    if plan.chain_id and chain_id and plan.chain_id != chain_id:
        raise PlanError(
            f"the plan is of chain {plan.chain_id!r}, the node's home {home} of {chain_id!r}",
            "Use the plan of this chain, or the home of that one.",
        )
    running = locks.is_held(layout.supervisor_lock)
    at = 0 if running else position.height(layout, home).height
    found = progress.Progress(plan, at)
    shown = Shown(found, as_json=order.as_json, terminal=terminal)
    stager = stage.Stage(settings, layout, order.config_file, order.environ, shown.say)
    fitting, ahead = position.needed(plan, at)
    _stage(order, plan, stager, at, shown.say)
    if order.stage_only:
        shown.say(f"all {len(ahead) + (fitting is not None)} binaries are ready")
        return 0
    environ, changed = drive.supervisor_environ(order.environ, order.origins)
    if changed:
        shown.say(f"for this sync alone: {', '.join(changed)}")
    _, node_id = keys.identity(order.args, order.environ, settings.daemon_name, home)
    where = address.rpc_address(order.args, order.environ, settings.daemon_name, home)
    driver = drive.Drive(
        layout,
        plan,
        stager,
        found,
        command=drive.supervisor_command(order.config_file, order.args),
        environ=environ,
        output=drive.open_log(order.node_log) if order.node_log else None,
        node=Rpc(where, chain_id=chain_id, node_id=node_id) if where else None,
        others=[Rpc(one, chain_id=chain_id) for one in settings.cosmovisor_extra_rpc] if chain_id else (),
        show=shown.show,
        say=shown.say,
    )
    status = driver.run(keep_running=order.keep_running)
    if status:
        shown.say(f"stopped at height {found.height:,}; run the same command again to go on")
    else:
        upgrades = f"{found.done} of {len(plan.steps)} upgrades"
        shown.say(f"done at height {found.height:,}: {upgrades}, running {found.version}")
    return status


def _stage(order: Order, plan: SyncPlan, stager: stage.Stage, at: int, say: Callable[[str], None]) -> None:
    fitting, ahead = position.needed(plan, at)
    linked = os.path.lexists(order.layout.current)
    say(f"the data is at height {at:,}: {len(ahead)} upgrades ahead")
    if fitting is None:
        stager.genesis(plan.genesis)
    wanted = ahead if fitting is None or linked else (fitting, *ahead)
    stager.all(wanted)
    marked = position.mark(order.layout, plan, at, recase=order.settings.recase)
    if marked:
        say(f"the data has {', '.join(step.name for step in marked)} behind it")
