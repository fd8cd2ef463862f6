"""`cosmovisor add-upgrade`: the operator's own binary into the folder of a plan."""

from __future__ import annotations

import os
import time

import click

from cosmovisor.care import place, schedule
from cosmovisor.cli.common import Session, command
from cosmovisor.model.errors import UsageError
from cosmovisor.model.plan import HIGHEST, Version
from cosmovisor.model.state import ScheduleEntry
from cosmovisor.plan import names
from cosmovisor.storage import locks


@command("add-upgrade")
@click.argument("name")
@click.argument("executable", metavar="PATH")
@click.option("--force", is_flag=True, help="Replace a binary, and an entry of the schedule, that is there.")
@click.option(
    "--upgrade-height", type=int, default=0, metavar="HEIGHT", help="Schedule the upgrade, without the chain."
)
@click.option(
    "--exact", is_flag=True, help="Halt the old binary before HEIGHT, so that the new one executes it."
)
def add_upgrade(
    session: Session, name: str, executable: str, force: bool, upgrade_height: int, exact: bool
) -> None:
    """Put the file at PATH into place as the binary of the upgrade NAME."""
    version = version_of(session, name)
    if exact and upgrade_height <= 0:
        raise UsageError("--exact needs a height", "Add --upgrade-height HEIGHT.")
    if upgrade_height > HIGHEST:
        raise UsageError(
            f"no chain reaches height {upgrade_height}", f"Heights of a chain end at {HIGHEST}: correct it."
        )
    source = place.check_source(executable)
    entries: tuple[ScheduleEntry, ...] = ()
    if upgrade_height > 0:
        entries = (entry(session, version, upgrade_height, exact=exact, source="add-upgrade"),)
        # Asked before the binary is stored: either both are taken, or nothing is.
        schedule.added(schedule.state_of(session.layout), entries, force=force)
    target = store(session, version, source, force=force)
    if entries:
        schedule.add(session.layout, entries, force=force)
        session.log.info(f"{version.name} upgrade binary will switch at height {upgrade_height}")
        if exact and locks.is_held(session.layout.node_lock):
            session.log.warning(
                "the node that runs has no halt height yet: without a restart it executes that height itself",
                fix=f"restart it before that height ({upgrade_height}), at a moment of your choice",
            )
    elif upgrade_height < 0:
        session.log.warning(f"{upgrade_height} is no height: nothing is scheduled")
    if session.as_json:
        session.show("", {"name": version.name, "path": target, "height": max(upgrade_height, 0) or None})


def version_of(session: Session, name: str) -> Version:
    """Return the folder of a plan's name, or refuse the name.

    Raises:
        PlanError: It can have no folder.
    """
    session.warn()
    return session.layout.version_for(names.check(name), session.settings.recase)


def store(session: Session, version: Version, source: str, *, force: bool) -> str:
    """Copy one binary into place and say so in the Go tool's words."""
    target = place.add_binary(session.layout, version, source, force=force)
    session.log.info(f"Using {os.path.abspath(source)} for {version.name} upgrade")
    session.log.info(f"Upgrade binary located at {target}")
    warn_of(session, version, target)
    return target


def warn_of(session: Session, version: Version, target: str) -> None:
    """Say now what would forbid the launch at the height; the Go tool stores anything without a word."""
    from cosmovisor.staging import preflight, prove

    folders = prove.library_path(session.layout.folder(version), session.environ)
    for proof in preflight.examine(target, folders, session.environ):
        if proof.outcome == "blocking":
            session.log.warning(f"it cannot run here: {proof.text}", fix=proof.fix)


def entry(session: Session, version: Version, height: int, *, exact: bool, source: str) -> ScheduleEntry:
    """Make an entry of the schedule."""
    plan = schedule.plan_of(version.name, height, recase=session.settings.recase)
    return ScheduleEntry(plan, version, exact=exact, source=source, added_at=time.time())


COMMAND = add_upgrade
