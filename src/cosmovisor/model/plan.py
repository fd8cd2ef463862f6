"""The upgrade plan: what the chain has decided."""

from __future__ import annotations

from cosmovisor.model.value import value

#: The folder of the first binary; no upgrade plan can carry this name as a folder of `upgrades/`.
GENESIS = "genesis"
#: The greatest height that a chain can have (a signed number of 64 bits).
HIGHEST = 2**63 - 1


@value
class Plan:
    """An upgrade plan; its identity is all three fields, never the name alone and never a file time.

    Attributes:
        name: The name as the chain has it, before any folder rule.
        height: The upgrade height H: the first block that the new binary executes.
        info: Free text of the proposal; may hold JSON, a URL or nothing.
    """

    name: str
    height: int
    info: str = ""


@value
class Version:
    """A version of the daemon in the folder tree.

    Attributes:
        name: The plan's name, or `GENESIS` for the first binary.
        folder: Path relative to `cosmovisor/`: `genesis` or `upgrades/<escaped name>`.
    """

    name: str
    folder: str


GENESIS_VERSION = Version(GENESIS, GENESIS)
