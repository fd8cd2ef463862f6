"""`cosmovisor prepare-upgrade`: fetch and prove the binary of a plan ahead of its height."""

from __future__ import annotations

import os
import sys

import click


@click.command("prepare-upgrade")
@click.option("--supervised", is_flag=True, hidden=True, help="Plan on standard input; JSON lines.")
@click.option("--cosmovisor-config", "config_file", metavar="FILE", help="Configuration file.")
def prepare_upgrade(supervised: bool, config_file: str | None) -> None:  # noqa: ARG001
    """Fetch and prove the binary of the scheduled upgrade now."""
    from cosmovisor.config.layout import layout_of
    from cosmovisor.config.load import load, require
    from cosmovisor.model.errors import CosmovisorError
    from cosmovisor.staging import prepare, priority, request

    settings = require(load(os.environ, config_file))
    layout = layout_of(settings)
    answers = request.Answers(sys.stdout)
    try:
        asked = request.read(sys.stdin.buffer)
        priority.lower(urgent=asked.urgent)
        around = prepare.Surroundings(settings, layout, dict(os.environ), config_file)
        record = prepare.prepare(around, asked, answers.progress)
    except CosmovisorError as error:
        answers.failed(*prepare.failure(error))
        click.get_current_context().exit(1)
    if record is None:
        answers.done("what was fetched for this plan is taken out")
        return
    answers.staged(record, record.path == layout.bin(layout.version_for(asked.plan.name, settings.recase)))


COMMAND = prepare_upgrade
