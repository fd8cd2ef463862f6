"""Watches files, so that nothing has to be polled: the plan file, `data/` itself, the folders of upgrades.

Before the plan file exists its folder is watched; a node rewrites its sign-state there several times a block,
and each of that would wake us. As soon as the file exists it is watched itself, and the folder no longer.
A watch can be lost (a limit of the system, another file system below): the machine looks anyway every few
seconds, and where no watch can be had at all it is woken every DAEMON_POLL_INTERVAL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    Watched = Literal["plan file", "folders", "staging", "data"]

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF, _OVERFLOW, _IGNORED = 0x400, 0x800, 0x4000, 0x8000
_NAMES = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_ITSELF = _DELETE_SELF | _MOVE_SELF
#: Folders of upgrades that are watched; each needs two of the system's watches.
_FOLDERS = 128


class Watches:
    """The watches of one home.

    Args:
        context: The home.
        woken: Called in the loop with what has changed.
    """

    def __init__(self, context: Context, woken: Callable[[Watched], None]) -> None:
        self._context = context
        self._woken = woken
        self._inotify: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._poller: asyncio.Task[None] | None = None
        self._by_path: dict[str, Any] = {}
        self.problem = ""

    def start(self) -> None:
        """Begin to watch, or to poll where no watch can be had."""
        loop = asyncio.get_running_loop()
        try:
            import asyncinotify

            self._inotify = asyncinotify.Inotify()
        except (ImportError, OSError, AttributeError) as error:
            self._start_polling(f"no file watch can be had ({error}): polling")
            return
        self.refresh()
        self._reader = loop.create_task(self._read())

    def stop(self) -> None:
        """End watching."""
        for task in (self._reader, self._poller):
            if task is not None:
                task.cancel()
        if self._inotify is not None:
            leave_to_the_kernel(self._inotify.fd)
            self._inotify.close()

    def refresh(self) -> None:
        """Set the watches for what lies there now; watches that still fit are left alone."""
        # What appears between the look and the watch is found by looking again.
        for _ in range(5):
            before = set(self._by_path)
            self._refresh_once()
            if set(self._by_path) == before:
                return

    def _refresh_once(self) -> None:
        if self._inotify is None:
            return
        context, layout = self._context, self._context.layout
        wanted = {context.node_home: _NAMES | _ITSELF}
        if os.path.exists(context.plan_file):
            wanted[context.plan_file] = _MODIFY | _CLOSE_WRITE | _ATTRIB | _ITSELF
        else:
            wanted[context.data] = _CREATE | _MOVED_TO | _ITSELF
        contents = _NAMES | _CLOSE_WRITE | _ATTRIB
        wanted[layout.root] = wanted.get(layout.root, 0) | _NAMES
        for folder in _folders(layout.upgrades):
            wanted[folder] = contents
        wanted[layout.proofs] = _MOVED_TO
        for path in [path for path in self._by_path if path not in wanted]:
            self._drop(path)
        for path, mask in wanted.items():
            self._add(path, mask)

    def _add(self, path: str, mask: int) -> None:
        try:
            status = os.stat(path)
        except OSError:
            self._drop(path)
            return
        identity = (status.st_dev, status.st_ino)
        known = self._by_path.get(path)
        if known is not None and known[1] == identity:
            return
        self._drop(path)
        try:
            from asyncinotify import Mask

            self._by_path[path] = (self._inotify.add_watch(path, Mask(mask)), identity)
        except OSError as error:
            if path in {self._context.data, self._context.plan_file}:
                self._start_polling(f"{path} cannot be watched ({error.strerror}): polling")

    def _drop(self, path: str) -> None:
        known = self._by_path.pop(path, None)
        if known is not None:
            with contextlib.suppress(OSError, KeyError, ValueError):
                self._inotify.rm_watch(known[0])

    def _start_polling(self, problem: str) -> None:
        self.problem = problem
        if self._poller is None:
            self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def _read(self) -> None:
        while True:
            event = await self._inotify.get()
            mask = int(event.mask)
            if mask & _OVERFLOW or event.watch is None:
                self.refresh()
                self._woken("plan file")
                continue
            self._seen(str(event.watch.path), str(event.name) if event.name else "", mask)

    def _seen(self, path: str, name: str, mask: int) -> None:
        context, layout = self._context, self._context.layout
        if mask & _IGNORED:
            if path in self._by_path and not os.path.exists(path):
                self._by_path.pop(path, None)
            return
        plan_name = os.path.basename(context.plan_file)
        if path == context.plan_file or (path == context.data and name == plan_name):
            if path == context.data or mask & (_ITSELF | _ATTRIB):
                self.refresh()
            self._woken("plan file")
        elif (path in {context.data, context.node_home} and mask & _ITSELF) or (
            path == context.node_home and name == os.path.basename(context.data)
        ):
            self.refresh()
            self._woken("data")
        elif path == layout.proofs:
            self._woken("staging")
        elif not name.startswith(".") and (
            path.startswith(layout.upgrades) or (path == layout.root and name in _OURS)
        ):
            if name not in {_MARKER, "current"}:
                self.refresh()
            self._woken("folders")

    async def _poll(self) -> None:
        last: object = None
        while True:
            await asyncio.sleep(max(0.01, self._context.settings.daemon_poll_interval))
            now = _stamp(self._context.plan_file)
            if now != last:
                last = now
                self._woken("plan file")


_MARKER = "upgrade-info.json"
#: Names in the root folder whose change matters; the state document and locks are ours to change.
_OURS = frozenset({"current", "genesis", "upgrades", "proofs"})


def leave_to_the_kernel(fd: int) -> None:
    """Let the kernel's collector do the last close of an inotify descriptor, after our end.

    That close waits for a grace period of the whole kernel (10 ms and more); a service manager need not. The
    descriptor is put in flight between two sockets that nobody else holds, together with one of them: a ring
    that is collected as soon as both are closed. Older kernels collect at once: then nothing is gained.
    """
    with contextlib.suppress(OSError):
        sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with sender, receiver:
            socket.send_fds(sender, [b"."], [receiver.fileno(), fd])


def _stamp(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _folders(upgrades: str) -> list[str]:
    """Return `upgrades/`, its folders and their `bin/`, as far as they exist."""
    found = [upgrades]
    try:
        names = sorted(os.listdir(upgrades))[:_FOLDERS]
    except OSError:
        return []
    for name in names:
        folder = os.path.join(upgrades, name)
        if not name.startswith(".") and os.path.isdir(folder):
            found.append(folder)
            if os.path.isdir(os.path.join(folder, "bin")):
                found.append(os.path.join(folder, "bin"))
    return found
