"""`approve`: the operator takes a binary in spite of what the checks say; a wrong digest is never taken."""

from __future__ import annotations

import os

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import StagingError, StateError
from cosmovisor.model.plan import Version
from cosmovisor.model.receipts import Proof
from cosmovisor.observe import client
from cosmovisor.staging import ready, record
from cosmovisor.storage import locks


def approve(layout: Layout, version: Version) -> tuple[record.Record, tuple[Proof, ...]]:
    """Approve the present binary of a version.

    Args:
        layout: The folder tree.
        version: Its folder.

    Returns:
        The record, and the checks that no longer forbid its launch.

    Raises:
        StagingError: It was not proven yet, has changed since, or its digest is wrong.
    """
    path = layout.bin(version)
    if not os.path.isfile(path):
        raise StagingError(
            f"there is no binary at {path}", f"Put it there: cosmovisor add-upgrade {version.name} PATH"
        )
    found = record.load(layout.proof(version))
    if found is None:
        raise StagingError(f"{path} was not checked yet", "Check it first: cosmovisor prepare-upgrade")
    try:
        why = ready.outdated(found, layout.folder(version), path, os.stat(path), None)
    except OSError as error:
        raise StagingError(f"cannot look at {path}: {error.strerror}", f"Put the binary to {path}.") from None
    if why and not why.endswith("is not executable"):
        raise StagingError(why, "Check it again: cosmovisor prepare-upgrade")
    before = found.blocking
    approved = record.approve(found)
    if approved.blocking:
        proof = approved.blocking[0]
        raise StagingError(f"this cannot be approved: {proof.text}", proof.fix)
    if approved != found:
        record.save(layout.proof(version), approved)
    return approved, before


def tell(layout: Layout) -> bool:
    """Tell a running supervisor to look again; True where one was told."""
    if not os.path.exists(layout.supervisor_lock) or not locks.is_held(layout.supervisor_lock):
        return False
    try:
        client.ask(layout.socket, {"do": "recheck"}, 5.0)
    except StateError:
        return False
    return True
