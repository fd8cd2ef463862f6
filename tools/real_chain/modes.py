"""The modes of `make real-chain`: each is a story that a validator has lived through."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from tools.real_chain import node as nodes
from tools.real_chain.ahead import ahead
from tools.real_chain.chains import finished_chain, running
from tools.real_chain.checks import require
from tools.real_chain.night import Night
from tools.real_chain.recipes import DAEMON, PLAN_NAME
from tools.real_chain.rehearsals import rehearse
from tools.real_chain.release import Server, archive
from tools.real_chain.schedules import exact
from tools.real_chain.supervisor import OURS, Supervisor

DEFAULT_RPC_PORT = 26657


def tip(night: Night) -> None:
    """The new release is downloaded, the chain halts at the tip and goes on."""
    supervisor = night.validator()
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    night.await_blocks(supervisor)
    night.check(supervisor)


def by_hand(night: Night) -> None:
    """The operator has put the new release into place; the lower bound of the downtime."""
    supervisor = night.validator()
    night.place_by_hand(supervisor)
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    night.await_blocks(supervisor)
    night.check(supervisor)


def block_sync(night: Night) -> None:
    """A second node syncs the chain from its first block: it exits by itself at the height."""
    with finished_chain(night) as first:
        node = nodes.create(os.path.join(night.folder, "second"), first.user_home, first.chain_id, night.old)
        nodes.join_chain(node, first)
        supervisor = night.supervise(node, "second")
        supervisor.start()
        night.await_blocks(supervisor)
        night.check(supervisor)


def restarted(night: Night) -> None:
    """The service is restarted in the window, before the new release can be had."""
    _restarts(night, 1)


def restarts_20(night: Night) -> None:
    """The service is restarted twenty times in the window."""
    _restarts(night, 20)


def kill_group(night: Night) -> None:
    """Supervisor and node are killed together at the moment of the halt, then the service starts again."""
    _kill_group(night, old_starts=0)


def kill_supervisor(night: Night) -> None:
    """The supervisor alone is killed at the halt: its node is left behind and keeps the databases."""
    supervisor = night.validator()
    night.server.available = False
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    supervisor.kill()
    require(len(supervisor.node_pids()) == 1, "the halted node ended with its supervisor")
    night.server.available = True
    supervisor.start()
    night.await_blocks(supervisor)
    night.check(supervisor)


def elsewhere(night: Night) -> None:
    """The node's home is not the supervisor's, and another chain answers on the default port."""
    other = nodes.create(
        os.path.join(night.folder, "other"),
        os.path.join(night.folder, "user"),
        "other-1",
        night.old,
        rpc_port=DEFAULT_RPC_PORT,
    )
    nodes.found_chain(other)
    with running(other, night.old):
        # The Go tool refuses to start where the node's data do not lie in DAEMON_HOME.
        daemon_home = "home" if night.kind == OURS else "data-disk"
        supervisor = night.validator(node_home="data-disk", daemon_home=daemon_home)
        supervisor.start()
        night.schedule(supervisor)
        night.await_halt(supervisor)
        night.await_blocks(supervisor)
        night.check(supervisor)
        require(other.rpc.app()[1] == night.versions[0], "the other chain's node was touched")


def noisy(night: Night) -> None:
    """The old release prints a warning on standard error at every start, also of `status`."""
    supervisor = night.validator()
    real = os.path.join(night.folder, "noisy", DAEMON)
    os.makedirs(os.path.dirname(real))
    path = os.path.join(supervisor.daemon_home, "cosmovisor", "genesis", "bin", DAEMON)
    os.rename(path, real)
    with open(path, "w") as file:
        file.write(
            f"#!/bin/sh\necho 'WARNING:(ast) your environment is not suitable' >&2\nexec {real} \"$@\"\n"
        )
    os.chmod(path, 0o755)
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    night.await_blocks(supervisor)
    night.check(supervisor)


def optimistic(night: Night) -> None:
    """The old release runs blocks optimistically: its plan file appears before block H is decided."""
    tip(night)


def optimistic_kill(night: Night) -> None:
    """The same, and everything is killed at once: the block store may be left at H-1.

    The plan file is then older than the last block, so the disk alone does not prove the halt: one start of
    the old release is allowed, which refuses by itself.
    """
    _kill_group(night, old_starts=1)


def sync(night: Night) -> None:
    """A new node is taken from genesis through the upgrade by one command and a list of both releases."""
    with finished_chain(night) as first, contextlib.closing(Server(archive(night.old))) as oldest:
        node = nodes.create(os.path.join(night.folder, "second"), first.user_home, first.chain_id, night.old)
        nodes.join_chain(node, first)
        plan = os.path.join(night.folder, "plan.toml")
        with open(plan, "w") as file:
            file.write(f'chain_id = "{node.chain_id}"\n')
            file.write(f'[genesis]\nurl = "{oldest.url}"\nsha256 = "{oldest.digest}"\n')
            file.write(f'[[upgrade]]\nname = "{PLAN_NAME}"\nheight = {night.height}\n')
            file.write(f'url = "{night.server.url}"\nsha256 = "{night.server.digest}"\n')
        logs = os.path.join(night.folder, "logs-second")
        words = ("sync", "--keep-running", plan)
        supervisor = Supervisor(night.kind, node.home, node, logs, words=words)
        night.supervisors.append(supervisor)
        supervisor.start()
        night.await_blocks(supervisor, seconds=180)
        # The command, unlike `run`, tells that it was interrupted: 128 + SIGTERM.
        night.check(supervisor, stopped_with=143)


MODES: dict[str, Callable[[Night], None]] = {
    mode.__name__.replace("_", "-"): mode
    for mode in (
        tip,
        ahead,
        by_hand,
        block_sync,
        restarted,
        restarts_20,
        kill_group,
        kill_supervisor,
        elsewhere,
        noisy,
        optimistic,
        optimistic_kill,
        sync,
        exact,
        rehearse,
    )
}


def _kill_group(night: Night, old_starts: int) -> None:
    supervisor = night.validator()
    night.place_by_hand(supervisor)
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    supervisor.kill_all()
    supervisor.start()
    night.await_blocks(supervisor)
    night.check(supervisor, old_starts=old_starts)


def _restarts(night: Night, times: int) -> None:
    supervisor = night.validator()
    night.server.available = False
    supervisor.start()
    night.schedule(supervisor)
    night.await_halt(supervisor)
    # The supervisor must have seen the halt; the node is alive and waits, since there is nothing to run.
    time.sleep(2)
    require(supervisor.running(), "the supervisor ended at a halt whose binary cannot be had yet")
    require(
        len(supervisor.node_pids()) == 1, "the halted node was stopped although nothing can take its place"
    )
    for _ in range(times):
        supervisor.stop()
        require(not supervisor.node_pids(), "a stop left a node behind")
        supervisor.start()
        time.sleep(1)
        require(supervisor.running(), "the supervisor did not wait for the binary after its restart")
    night.server.available = True
    night.await_blocks(supervisor, seconds=180)
    night.check(supervisor)
