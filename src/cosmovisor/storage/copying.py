"""Puts a copy of a file into place: streamed, so that size does not matter; visible only when whole."""

from __future__ import annotations

import os

from cosmovisor.storage import calls, durable

_PIECE = 4 * 1024 * 1024


def copy_file(source: str, path: str, mode: int, *, replace: bool) -> int:
    """Copy the content of a file to `path` by the write protocol.

    Args:
        source: A regular file; links are followed.
        path: Where the copy goes; its folder exists.
        mode: Of the copy; subject to the umask.
        replace: False refuses to take the place of anything there.

    Returns:
        The bytes copied.

    Raises:
        FileExistsError: Something is there and shall not be replaced.
        OSError: As the system says; nothing is changed.
    """
    folder, name = os.path.split(path)
    reading = calls.open_read(source)
    try:
        temporary, writing = durable.create_beside(folder, name, mode)
        try:
            try:
                size = _pour(reading, writing)
                calls.fsync(writing)
            finally:
                calls.close(writing)
            if replace:
                calls.replace(temporary, path)
            else:
                calls.link(temporary, path)
                durable.discard(temporary)
        except BaseException:  # a wish to end too: nothing half-done is left behind
            durable.discard(temporary)
            raise
    finally:
        calls.close(reading)
    durable.sync_folder(folder)
    return size


def _pour(reading: int, writing: int) -> int:
    size = 0
    while piece := os.read(reading, _PIECE):
        durable.write_all(writing, piece)
        size += len(piece)
    return size
