"""The `current` link as it was seen; a file of its own, so that a mere question loads nothing else."""

from __future__ import annotations

from cosmovisor.model.plan import Version
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    LinkKind = Literal["genesis", "version", "missing", "dangling", "foreign"]


@value
class Link:
    """The `current` link.

    Attributes:
        kind: `genesis`, `version`, `missing`, `dangling` (its target has no usable daemon) or `foreign` (it
            points outside the folder tree, or is no link).
        version: The version of its target for the first two; the target's folder where it dangles.
        target: The link's text.
    """

    kind: LinkKind
    version: Version | None = None
    target: str = ""
