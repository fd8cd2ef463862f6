"""What the machine and its file systems have to offer."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cosmovisor.care import look
from cosmovisor.care.finding import Finding, bad, good, note
from cosmovisor.config.layout import Layout
from cosmovisor.model.sizes import in_words
from cosmovisor.supervisor import processes

#: Bytes that an upgrade needs for binaries, state and logs.
_ROOM = 2 << 30
_REMOUNT = "Look for the cause first (journalctl -k, the disk), then mount it for writing."


def places(view: look.View) -> Iterator[Finding]:
    """Folders that must be writable, space, the operator's script."""
    layout = view.context.layout
    for path in (layout.root, layout.upgrades, layout.staging, layout.proofs):
        if os.path.isdir(path) and _is_read_only(path):
            yield bad("folders", f"{path} lies on a file system that is mounted read-only", _REMOUNT)
            break
        if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK):
            yield bad(
                "folders",
                f"{path} cannot be written by this user",
                f"chown the folder, or run as {_owner(path)}",
            )
    data = view.context.data
    if os.path.isdir(data) and _is_read_only(data):
        yield bad("data", f"{data} lies on a file system that is mounted read-only", _REMOUNT)
    elif not os.path.isdir(data):
        yield bad(
            "data", f"there is no folder {data}", "Run the node's init, or correct --home or DAEMON_HOME."
        )
    elif not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield bad("data", f"{data} cannot be used by this user", f"Run this as {_owner(data)}.")
    elif os.stat(data).st_uid != os.geteuid():
        yield note("data", f"{data} belongs to {_owner(data)}, not to this user")
    status = os.statvfs(layout.root)
    free = status.f_bavail * status.f_frsize
    if free < _ROOM:
        yield bad("space", f"{in_words(free)} are free at {layout.root}", "Free at least 2 GiB.")
    else:
        yield good("space", f"{in_words(free)} are free at {layout.root}")
    yield from _script(view)


def _is_read_only(path: str) -> bool:
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _script(view: look.View) -> Iterator[Finding]:
    name = view.context.settings.cosmovisor_custom_preupgrade
    if not name:
        return
    path = os.path.join(view.context.layout.root, name)
    if not os.path.isfile(path):
        yield bad("script", f"COSMOVISOR_CUSTOM_PREUPGRADE {path} is not there", "Put it there, or unset it.")
    elif not os.access(path, os.X_OK):
        yield note("script", f"{path} is not executable: its execute bits are added when it runs")
    else:
        yield good("script", path)


def foreign_nodes(layout: Layout) -> list[str]:
    """Name living processes that run a binary of this home; asked only while nobody holds the node's lock."""
    found = []
    root = os.path.realpath(layout.root) + "/"
    for pid in processes.all_pids():
        try:
            program = os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
        except OSError:
            continue
        inside = program.startswith(root) and os.path.basename(os.path.dirname(program)) == "bin"
        if inside and processes.alive(pid):
            found.append(f"pid {pid}, {processes.command_of(pid)}")
    return found


def _owner(path: str) -> str:
    import pwd

    uid = os.stat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
