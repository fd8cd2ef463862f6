"""The active version: where the `current` link leads, and whether what lies there can be executed."""

from __future__ import annotations

import os
import stat

from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import ConfigurationError, CosmovisorError
from cosmovisor.model.link import Link
from cosmovisor.model.plan import GENESIS_VERSION


def link(layout: Layout) -> Link:
    """Read the `current` link."""
    try:
        target = os.readlink(layout.current)
    except (FileNotFoundError, NotADirectoryError):
        return Link("missing")
    except OSError:
        return Link("foreign", None, "")
    version = layout.version_of(target)
    if version is None:
        # The text may go through another link than DAEMON_HOME does.
        root = os.path.realpath(layout.root)
        real = os.path.realpath(os.path.join(layout.root, target))
        inside = os.path.relpath(real, root) if real.startswith(root + "/") else ""
        # Some guides have the link lead to the daemon's file itself.
        version = layout.version_of(inside) or layout.version_of(
            inside.removesuffix(f"/bin/{layout.daemon_name}")
        )
    if version is None:
        # A loop, or a folder that has gone, leads nowhere: then the history says what it should be.
        return Link("foreign" if os.path.exists(layout.current) else "dangling", None, target)
    if not is_usable(layout.bin(version)):
        return Link("dangling", version, target)
    return Link("genesis" if version == GENESIS_VERSION else "version", version, target)


def obstacle(layout: Layout) -> str:
    """Say what stands in the place of the `current` link; empty where a link or nothing is there.

    Whoever put it there may need it, and nobody knows which version it is: neither followed nor replaced.
    """
    try:
        mode = os.lstat(layout.current).st_mode
    except OSError:
        return ""
    if stat.S_ISLNK(mode):
        return ""
    return "a folder" if stat.S_ISDIR(mode) else "a file" if stat.S_ISREG(mode) else "no link"


def in_the_way(layout: Layout, what: str) -> ConfigurationError:
    """Return the error for what stands in the place of the link."""
    path = layout.current
    return ConfigurationError(
        f"cannot use {path}: it is {what}, not a link to a version's folder",
        f"See what is in it, then move it away: mv {path} {path}.old. The next start makes the link; "
        "`cosmovisor doctor` tells which version that will be.",
        path=path,
    )


def is_usable(path: str) -> bool:
    """Tell whether a daemon is a regular file with something in it; execute bits are added at launch."""
    return usable(path) is not None


def usable(path: str) -> os.stat_result | None:
    """Return the status of a daemon that is usable; None where it is not."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) and status.st_size > 0 else None


def make_executable(path: str) -> None:
    """Add missing execute bits, as the Go tool does with any binary about to be used.

    Raises:
        CosmovisorError: The file is missing, is not a regular file, or its mode cannot be changed.
    """
    fix = "Put the daemon there; `cosmovisor doctor` tells what is wrong."
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise CosmovisorError(f"cannot use {path}: it is not a regular file", fix, path=path)
        if status.st_mode & 0o111 != 0o111:
            from cosmovisor.storage import calls

            calls.chmod(path, stat.S_IMODE(status.st_mode) | 0o111)
    except PermissionError as error:
        if os.access(path, os.X_OK):
            return  # Somebody else's file that we may execute is good enough.
        raise CosmovisorError(f"cannot make {path} executable: {error.strerror}", fix, path=path) from error
    except OSError as error:
        raise CosmovisorError(f"cannot use {path}: {error.strerror}", fix, path=path) from error
