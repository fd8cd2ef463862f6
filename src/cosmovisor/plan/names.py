"""Names of plans: what may become a folder, and which folder."""

from __future__ import annotations

from cosmovisor.config.folders import escaped, recased
from cosmovisor.model.errors import PlanError

#: The longest file name that Linux file systems take, in bytes.
LONGEST_FOLDER = 255


def check(name: str) -> str:
    """Refuse a name that can never be a folder of its own under `upgrades/`.

    Slashes, control characters and non-ASCII characters are no danger: the escape covers them.

    Returns:
        The name, unchanged.

    Raises:
        PlanError: The name is empty, `.`, `..`, or too long once escaped.
    """
    if not name:
        raise PlanError("the plan has no name", "An upgrade plan must have a name.")
    if name in {".", ".."}:
        raise PlanError(
            f"the plan name {name!r} would lead out of the folder of upgrades",
            "No binary can be kept for such a plan; ask the chain's developers for another name.",
        )
    if len(escaped(name)) > LONGEST_FOLDER:
        raise PlanError(
            f"the plan name {name[:40]!r}… is too long: its folder would need {len(escaped(name))} bytes",
            f"A folder's name has at most {LONGEST_FOLDER} bytes.",
        )
    return name


def folder(name: str, recase: bool) -> str:
    """Return the folder under `upgrades/` for a plan, as the Go tool names it.

    Args:
        name: The plan's name as the chain has it.
        recase: True where names are lower-cased (the default).
    """
    return escaped(recased(name) if recase else name)
