"""`cosmovisor add-batch-upgrade`: several binaries with their heights."""

from __future__ import annotations

import click

from cosmovisor.care import place, schedule
from cosmovisor.cli.add_upgrade import entry, store, version_of
from cosmovisor.cli.common import Session, command
from cosmovisor.model.errors import CosmovisorError, UsageError
from cosmovisor.plan import batch

_LARGEST = 1024 * 1024


@command("add-batch-upgrade")
@click.option("--upgrade-file", metavar="CSV", help="File with one NAME,PATH,HEIGHT a line.")
@click.option("--upgrade-list", multiple=True, metavar="ITEMS", help="NAME:PATH:HEIGHT, separated by commas.")
def add_batch_upgrade(session: Session, upgrade_file: str | None, upgrade_list: tuple[str, ...]) -> None:
    """Put the binaries of several upgrades into place and schedule them.

    All items are checked before the first is stored. Binaries and entries that are there are replaced.
    """
    if upgrade_file is not None and upgrade_list:
        raise UsageError(
            "--upgrade-file and --upgrade-list exclude each other: none of the others can be set",
            "Give one of the two.",
        )
    if upgrade_file is not None:
        items = batch.from_csv(upgrade_file, _read(upgrade_file))
    elif upgrade_list:
        items = batch.from_list(upgrade_list)
    else:
        raise UsageError(
            "either --upgrade-file or --upgrade-list must be provided",
            "For one upgrade: cosmovisor add-upgrade NAME PATH",
        )
    versions = [version_of(session, item.name) for item in items]
    entries = tuple(
        [
            entry(session, version, item.height, exact=False, source="add-batch-upgrade")
            for version, item in zip(versions, items, strict=True)
        ]
    )
    sources = [place.check_source(item.path) for item in items]
    schedule.added(schedule.state_of(session.layout), entries, force=True)
    for version, source in zip(versions, sources, strict=True):
        store(session, version, source, force=True)
    schedule.add(session.layout, entries, force=True)
    for each in entries:
        session.log.info(f"{each.version.name} upgrade binary will switch at height {each.plan.height}")
    if session.as_json:
        session.show("", [{"name": each.version.name, "height": each.plan.height} for each in entries])


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise CosmovisorError(
            f"error opening upgrade CSV file {path}: {error.strerror}", "Name a file that you can read."
        ) from None
    if len(data) > _LARGEST:
        raise CosmovisorError(f"error parsing upgrade CSV file {path}: it is too large", "Name a CSV file.")
    return data.decode("utf-8", "replace")


COMMAND = add_batch_upgrade
