"""One run of staging: from a plan to a proven binary in its place, or to the reason why not."""

from __future__ import annotations

import contextlib
import os

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.staging import prove
from cosmovisor.staging.outcome import NotYet
from cosmovisor.storage import durable, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cosmovisor.config.layout import Layout
    from cosmovisor.config.settings import Settings
    from cosmovisor.staging.record import Record
    from cosmovisor.staging.request import Request

_BUSY_RETRY = 2.0
#: A file that cannot run is looked at again this often, beside the watch on its folder.
_CHANGE_RETRY = 30.0


def prepare(
    settings: Settings,
    layout: Layout,
    request: Request,
    environ: Mapping[str, str],
    progress: Callable[[str], None],
) -> Record:
    """Stage the binary of one plan.

    Args:
        settings: The settings in force.
        layout: The folder tree.
        request: The plan, and what may be done for it.
        environ: The node's environment.
        progress: Told what is being done, for the operator.

    Returns:
        The record of the binary; its path tells whether it lies in its final place.

    Raises:
        NotYet: There is no usable binary; says why and when to try again.
    """
    version = layout.version_for(request.plan.name, settings.recase)
    with _alone(layout):
        if os.path.lexists(layout.bin(version)):
            progress(f"proving {layout.bin(version)}")
            record = prove.prove(layout, version, request.plan, environ)
            for proof in record.blocking:
                raise NotYet(proof.text, proof.fix, _CHANGE_RETRY)
            return record
    raise NotYet(
        f"there is no binary at {layout.bin(version)}", f"Put the new binary to {layout.bin(version)}."
    )


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One staging process per home: two would fetch into the same place."""
    try:
        durable.make_folder(layout.staging)
        with locks.hold(os.path.join(layout.staging, "lock")):
            yield
    except locks.LockHeld as error:
        raise NotYet(
            f"another staging process is at work ({error.cause})", "Wait for it.", _BUSY_RETRY
        ) from None
    except OSError as error:
        raise NotYet(
            f"cannot write to {layout.root}: {error.strerror or error}",
            "Check space, owner and mode of the folder.",
            60.0,
        ) from None


def failure(error: CosmovisorError) -> tuple[str, str, float | None]:
    """Take reason, fix and time of the next try out of an error."""
    return error.cause, error.next_step, getattr(error, "retry_after", None)
