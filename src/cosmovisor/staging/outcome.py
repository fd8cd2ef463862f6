"""How a staging run can end other than well."""

from __future__ import annotations

from cosmovisor.model.errors import StagingError


class PlacedMeanwhile(StagingError):  # noqa: N818  as below
    """A binary was put into place by hand while another one was being fetched: it counts."""


class NotYet(StagingError):  # noqa: N818  the name says the state of things
    """There is no binary now.

    Attributes:
        retry_after: In how many seconds another try makes sense; None where only a change can help.
    """

    def __init__(self, cause: str, next_step: str = "", retry_after: float | None = None) -> None:
        super().__init__(cause, next_step, retry_after=retry_after)
        self.retry_after = retry_after
