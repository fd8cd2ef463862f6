"""Settings of the node itself: argument, then environment, then its `config.toml`, as the SDK reads them.

Source of the rule: viper in the SDK's `server` package: a flag given beats `<PROGRAM>_<KEY>`, which beats the
file; an empty variable counts as not set.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

#: Bytes of a configuration file; real ones have about 20 KiB.
FILE_LIMIT = 1 << 20


def read_bounded(path: str, limit: int) -> bytes | None:
    """Return a regular file's bytes; None where it is missing, unreadable, another kind or too large."""
    import stat

    try:
        # Without O_NONBLOCK a FIFO in the place of the file would hold us for ever.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return None
        with os.fdopen(os.dup(fd), "rb") as file:
            data = file.read(limit + 1)
    except OSError:
        return None
    finally:
        os.close(fd)
    return data if len(data) <= limit else None


def load(node_home: str, name: str = "config.toml") -> dict[str, Any]:
    """Return a file of the node's `config/` folder, or an empty table where it cannot be read."""
    import tomllib

    data = read_bounded(os.path.join(node_home, "config", name), FILE_LIMIT)
    if data is None:
        return {}
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}


def argument(args: Sequence[str], name: str) -> str | None:
    """Return the value of a flag in the node's arguments; the last one wins, as in the SDK's parser."""
    found = None
    flag = f"--{name}"
    for index, given in enumerate(args):
        if given == "--":
            break
        if given.startswith(flag + "="):
            found = given[len(flag) + 1 :]
        elif given == flag and index + 1 < len(args):
            found = args[index + 1]
    return found


def variable(daemon_name: str, key: str) -> str:
    """Return the environment variable of a key: `evmosd` and `rpc.laddr` give `EVMOSD_RPC_LADDR`."""
    return f"{daemon_name}_{key}".upper().replace(".", "_").replace("-", "_")


def setting(
    args: Sequence[str],
    environ: Mapping[str, str],
    daemon_name: str,
    config: Mapping[str, Any],
    key: str,
) -> str | None:
    """Return a text setting of the node (such as `rpc.laddr`), or None where nobody sets it."""
    given = argument(args, key)
    if given is not None:
        return given
    given = environ.get(variable(daemon_name, key))
    if given:
        return given
    found: Any = config
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None
