"""`patch`: a corrected binary of the version that is active, with one step back; the link does not move."""

from __future__ import annotations

import os

from cosmovisor.care import place
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import GENESIS_VERSION, Version
from cosmovisor.model.value import value
from cosmovisor.staging import preflight, prove
from cosmovisor.storage import copying, durable
from cosmovisor.supervisor import active

#: What the binary before the patch is called, beside it.
PREVIOUS = ".previous"


class PatchError(CosmovisorError):
    """The active binary cannot be replaced."""

    reference = "patch"


@value
class Patched:
    """What was put into place.

    Attributes:
        version: The version whose binary it is.
        path: The binary.
        previous: Where the former one is.
    """

    version: Version
    path: str
    previous: str


def apply(layout: Layout, environ: dict[str, str], source: str, *, force: bool) -> Patched:
    """Put a file into the place of the active binary; a node that runs keeps the old one until its restart.

    Args:
        layout: The folder tree.
        environ: The node's environment, for the libraries that the file needs.
        source: The corrected binary.
        force: Take it although exec or the loader would fail here.

    Raises:
        PatchError: There is no active binary, or the file cannot run.
        PlaceError: The file cannot be read.
    """
    place.check_source(source)
    found = _active(layout)
    folders = prove.library_path(layout.folder(found.version), environ)
    wrong = [
        proof
        for proof in preflight.examine(source, folders, environ)
        if proof.outcome == "blocking" and proof.name != "mode"
    ]
    if wrong and not force:
        raise PatchError(f"it cannot run here: {wrong[0].text}", f"{wrong[0].fix} Or add --force.")
    # The new file waits under the other name; one exchange then puts each into its place.
    copying.copy_file(source, found.previous, 0o755, replace=True)
    durable.exchange(found.previous, found.path)
    return found


def undo(layout: Layout) -> Patched:
    """Exchange the active binary and the former one.

    Raises:
        PatchError: There is none of the two.
    """
    found = _active(layout)
    if not active.is_usable(found.previous):
        raise PatchError(
            f"there is no former binary at {found.previous}", "Only what `patch` has replaced can come back."
        )
    durable.exchange(found.previous, found.path)
    return found


def _active(layout: Layout) -> Patched:
    link = active.link(layout)
    version = GENESIS_VERSION if link.kind == "missing" else link.version
    if version is None or link.kind not in {"genesis", "version", "missing"}:
        raise PatchError(f"{layout.current} leads to no version of this tree", "Run: cosmovisor doctor")
    path = layout.bin(version)
    if not os.path.isfile(path):
        raise PatchError(f"there is no binary at {path}", "Run: cosmovisor doctor")
    return Patched(version, path, path + PREVIOUS)
