"""`cosmovisor history`: the upgrades that this home has gone through."""

from __future__ import annotations

import time
from typing import Any

from cosmovisor.cli.common import Session, command


@command("history")
def history(session: Session) -> None:
    """Show every upgrade of this home: when it was switched to, at which height, and how long it took."""
    from cosmovisor.care import history as care

    rows = [
        {
            "name": line.plan.name,
            "height": line.plan.height,
            "folder": line.version.folder,
            "at": line.at,
            "proven": line.proven,
            "downtime": line.downtime or None,
            "note": line.note,
        }
        for line in care.read(session.layout)
    ]
    session.show("\n".join([_line(row) for row in rows]) or "No upgrade is recorded.", rows)


def _line(row: dict[str, Any]) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["at"])) if row["at"] else "time unknown"
    words = [f"{at}  {row['name']} at height {row['height']}"]
    if row["downtime"]:
        words.append(f"down for {row['downtime']:.1f} s")
    if not row["proven"]:
        words.append("inferred")
    if row["note"]:
        words.append(row["note"])
    return ", ".join(words)


COMMAND = history
