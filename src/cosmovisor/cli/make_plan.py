"""`cosmovisor make-plan`: the list of binaries for a plan, with digests."""

from __future__ import annotations

import json
import os
import tempfile

import click

from cosmovisor.cli.common import Session, command


@command("make-plan")
@click.argument("binaries", nargs=-1, metavar="PLATFORM=URL...")
def make_plan(session: Session, binaries: tuple[str, ...]) -> None:
    """Write the JSON for a plan's info: one URL with its digest for each platform.

    PLATFORM=URL fetches the file and takes its digest; PLATFORM=FILE@URL takes it from a file that will be
    published at the URL. PLATFORM is linux/amd64 and the like, or any.
    """
    from cosmovisor.staging import make_plan as making

    found = making.items(binaries)
    with tempfile.TemporaryDirectory(prefix="make-plan-") as folder:
        document = making.make(found, lambda url: _digest(url, folder))
    click.echo(
        json.dumps(
            document,
            indent=2 if session.as_json else None,
            separators=None if session.as_json else (",", ":"),
        )
    )


def _digest(url: str, folder: str) -> str:
    from cosmovisor.config.settings import Settings
    from cosmovisor.staging.fetch import Order, fetch
    from cosmovisor.staging.network import Network

    order = Order(url, os.path.join(folder, "file.part"), Settings("", "").cosmovisor_download_limit)
    return fetch(Network(), order, lambda line: click.echo(line, err=True)).digests["sha256"]


COMMAND = make_plan
