"""Puts a binary of the operator into its folder."""

from __future__ import annotations

import os
import stat

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Version
from cosmovisor.storage import copying, durable


class PlaceError(CosmovisorError):
    """The operator's file cannot become the binary of a version."""

    reference = "place"


def check_source(path: str) -> str:
    """Make sure that a path names a file that can be read.

    Returns:
        The path.

    Raises:
        PlaceError: It is missing, a folder, something else, or not readable.
    """
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise PlaceError(
                f"failed to read binary: {path} is a directory", "Name the executable file itself."
            )
        if not stat.S_ISREG(found.st_mode):
            raise PlaceError(
                f"invalid executable path: {path} is no regular file", "Name an executable file."
            )
        with open(path, "rb"):
            return path
    except OSError as error:
        raise PlaceError(
            f"invalid executable path: {path}: {error.strerror}", "Name an executable file that you can read."
        ) from None
    except ValueError:
        raise PlaceError(
            "invalid executable path: it holds a zero byte", "Name an executable file."
        ) from None


def add_binary(layout: Layout, version: Version, source: str, *, force: bool) -> str:
    """Copy a file to `upgrades/<name>/bin/<daemon>`; never in place, so that a running binary is no obstacle.

    Args:
        layout: The folder tree.
        version: Where it belongs.
        source: A file that `check_source` has seen.
        force: Replace what is there.

    Returns:
        The path of the copy.

    Raises:
        PlaceError: Something is there and `force` is false.
    """
    target = layout.bin(version)
    if not force and os.path.lexists(target):
        raise exists(target)
    durable.make_folder(os.path.dirname(target), 0o755)
    try:
        copying.copy_file(source, target, 0o755, replace=force)
    except FileExistsError:
        raise exists(target) from None
    return target


def exists(target: str) -> PlaceError:
    """Make the error for a place that is taken."""
    return PlaceError(f"file already exists at {target}", "Add --force to replace it.")
