"""Evidence of heights: a number is worth what its source is worth; a missing one is a value of its own."""

from __future__ import annotations

from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Strength = Literal["exact", "at least", "unknown"]


@value
class Evidence:
    """What is known of one height.

    Attributes:
        height: The height in blocks; 0 where the strength is `unknown`.
        strength: `exact`, `at least` or `unknown`.
        source: Where it was learned: `rpc`, `cs.wal`, `block store`, `own record`, `daemon status`.
        at: When it was learned, in seconds since the epoch; 0 where unknown.
    """

    height: int = 0
    strength: Strength = "unknown"
    source: str = ""
    at: float = 0.0

    def is_exactly(self, height: int) -> bool:
        """Tell whether this height is known to be exactly `height`."""
        return self.strength == "exact" and self.height == height

    def reaches(self, height: int) -> bool:
        """Tell whether the height is known to be `height` or more."""
        return self.strength != "unknown" and self.height >= height

    def is_below(self, height: int) -> bool:
        """Tell whether the height is known to be below `height`; only exact evidence can."""
        return self.strength == "exact" and self.height < height

    def text(self) -> str:
        """Say the height in words for the log."""
        if self.strength == "unknown":
            return "unknown"
        return f"{'' if self.strength == 'exact' else 'at least '}{self.height} ({self.source})"


UNKNOWN = Evidence()
