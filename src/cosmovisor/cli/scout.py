"""`cosmovisor scout`: follow governance and the plan; beside the supervisor, or alone."""

from __future__ import annotations

import os
import sys
import time

import click

from cosmovisor.cli.common import Session, command


@command("scout")
@click.option("--once", is_flag=True, help="Look once, print what is known, and end.")
@click.option("--events", is_flag=True, help="Print what scouts have noticed so far, and end.")
@click.option("--supervised", is_flag=True, hidden=True, help="Tell the supervisor; print nothing.")
def scout(session: Session, once: bool, events: bool, supervised: bool) -> None:
    """Follow the chain's proposals and its upgrade plan, and print what is learned.

    Asks this node, and those of COSMOVISOR_EXTRA_RPC while this one is down. Fetches nothing: a running
    supervisor has its own scout for that.
    """
    from cosmovisor.scout import process

    settings = session.settings
    if events:
        found = process.events(session.layout)
        lines = [f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(one.at))}  {one.text}" for one in found]
        session.show("\n".join(lines) or "nothing was noticed yet", [one.document() for one in found])
        return
    if supervised:
        status = process.supervised(
            settings, session.layout, session.config_file, os.environ, sys.stdin.buffer
        )
    else:
        status = process.alone(
            settings, os.environ, session.node_home, once=once, as_json=session.as_json, show=click.echo
        )
    click.get_current_context().exit(status)


COMMAND = scout
