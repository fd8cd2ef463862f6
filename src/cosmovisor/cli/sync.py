"""`cosmovisor sync`: a node from genesis, or from where its data is, through all upgrades without a hand."""

from __future__ import annotations

import os
import sys

import click

from cosmovisor.cli.common import Session, command


@command(
    "sync",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--keep-running", is_flag=True, help="Leave the node running when it has caught up.")
@click.option("--stage-only", is_flag=True, help="Fetch and prove all binaries, and end.")
@click.option(
    "--node-log",
    metavar="FILE",
    help="Where the node's output goes; - passes it through. On a terminal: cosmovisor/sync.log.",
)
@click.argument("plan")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS OF THE DAEMON]")
def sync(
    session: Session,
    keep_running: bool,
    stage_only: bool,
    node_log: str | None,
    plan: str,
    words: tuple[str, ...],
) -> None:
    """Take the node through all upgrades of PLAN, unattended.

    PLAN is a file (TOML) with the upgrades' names, heights and binaries, or the folder of the chain in a
    chain-registry. All binaries are fetched and proven first, in order; then the ordinary supervisor runs the
    node (start where no arguments are given) until all upgrades are behind and it has caught up. Run the same
    command again after any interruption: it goes on where it was.
    """
    from cosmovisor.sync import command as whole
    from cosmovisor.sync import plan as plans

    upgrades = plans.load(plan)
    if upgrades.genesis is not None:
        _make_tree(session.environ.get("DAEMON_HOME", ""))
    terminal = os.isatty(2)
    # Our own JSON must not mix with what the node writes.
    default = os.path.join(session.layout.root, "sync.log") if terminal or session.as_json else "-"
    log = node_log or default
    order = whole.Order(
        settings=session.settings,
        origins=session.loaded.origins,
        layout=session.layout,
        config_file=session.config_file,
        environ=session.environ,
        args=list(words) or ["start"],
        node_log="" if log == "-" else log,
        keep_running=keep_running,
        stage_only=stage_only,
        as_json=session.as_json,
    )
    sys.stdout.flush()
    click.get_current_context().exit(whole.run(order, upgrades, terminal))


def _make_tree(home: str) -> None:
    """Make the tree's folder in a new home: the plan brings the first binary, so no `init` is needed."""
    from cosmovisor.storage import durable

    tree = os.path.join(home, "cosmovisor")
    if os.path.isabs(home) and os.path.isdir(home) and not os.path.lexists(tree):
        durable.make_folder(tree)


COMMAND = sync
