"""From a verified download to a version's folder beside its place."""

from __future__ import annotations

import os

from cosmovisor.staging import platforms, shape, unpack
from cosmovisor.storage import calls, durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.staging.download import Blob


def build(blob: Blob, raw: str, built: str, name: str, *, keep: bool) -> tuple[shape.Shape, bool]:
    """Make a version's folder.

    Args:
        blob: The download.
        raw: Where to unpack an archive to; must not exist.
        built: The folder to make; must not exist.
        name: `DAEMON_NAME`.
        keep: True where the download itself must stay.

    Returns:
        What was found, and whether the download was used up for it.

    Raises:
        ArchiveError: It is no archive that can be used.
    """
    with open(blob.path, "rb") as file:
        kind = unpack.kind_of(file)
    if kind == "raw" or blob.source.address.raw:
        return _raw(blob, built, name, keep=keep), not keep
    tree = unpack.unpack(blob.path, raw, name)
    return shape.arrange(tree, name, platforms.this_platform(), built, blob.source.address.folder), False


def _raw(blob: Blob, built: str, name: str, *, keep: bool) -> shape.Shape:
    """A program as it is; moved, or copied where the cache must keep it."""
    durable.remove_tree(built)
    calls.mkdir(built, 0o755)
    calls.mkdir(os.path.join(built, "bin"), 0o755)
    path = os.path.join(built, "bin", name)
    if keep:
        fd = calls.create(path, 0o755)
        try:
            with open(blob.path, "rb") as file:
                while data := file.read(1 << 20):
                    durable.write_all(fd, data)
        finally:
            calls.close(fd)
    else:
        calls.replace(blob.path, path)
    calls.chmod(path, 0o755)
    return shape.Shape(f"bin/{name}", blob.sha256, blob.source.address.file)
