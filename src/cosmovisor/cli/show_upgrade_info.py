"""`cosmovisor show-upgrade-info`: the chain's plan file, and the operator's schedule."""

from __future__ import annotations

from cosmovisor.care import schedule
from cosmovisor.cli.boundary import step_for
from cosmovisor.cli.common import Session, command
from cosmovisor.cli.schedule import rows, table_text
from cosmovisor.config.layout import plan_file
from cosmovisor.model.errors import CosmovisorError, PlanError
from cosmovisor.observe.log import visible
from cosmovisor.plan.file import LARGEST, Incomplete, parse


@command("show-upgrade-info")
def show_upgrade_info(session: Session) -> None:
    """Show the plan file of the chain as it lies there, then the operator's schedule."""
    path = plan_file(session.node_home)
    data = _read(path)
    found: dict[str, object] = {"path": path, "found": data is not None}
    text = f"No upgrade info found at {path}"
    if data is not None:
        found["raw"] = data.decode("utf-8", "replace").rstrip("\n")
        # It comes from the chain: as it lies there, but for what would change the terminal.
        text = "\n".join([visible(line, LARGEST) for line in str(found["raw"]).split("\n")])
        try:
            plan = parse(data)
        except PlanError as error:
            found["problem"] = error.cause
        else:
            if isinstance(plan, Incomplete):
                found["problem"] = plan.reason
            else:
                found["plan"] = {"name": plan.name, "height": plan.height, "info": plan.info}
    entries = schedule.read(session.layout)
    if entries:
        text += f"\n\nScheduled here:\n{table_text(session, entries)}"
    session.show(text, {"plan_file": found, "schedule": rows(session, entries)})


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CosmovisorError(
            f"failed to read upgrade-info.json: {path}: {error.strerror}", step_for(error)
        ) from None


COMMAND = show_upgrade_info
