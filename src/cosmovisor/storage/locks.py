"""The locks of one home: `flock` on a file, released by closing only.

An explicit unlock would free the lock for every process that inherited it, so there is none: a lock lives
exactly as long as the last process that has the file open. The record inside the file (who, since when) is
for people; only the lock itself decides.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import time

from cosmovisor.model.errors import StateError
from cosmovisor.model.value import value
from cosmovisor.storage import calls

#: How often, and how many seconds apart, a taken lock is tried: a look by `is_held` takes it for an instant.
_TRIES, _PAUSE = 10, 0.02
_RECORD_LIMIT = 8192


@value
class Holder:
    """Who holds a lock, as far as it can be known.

    Attributes:
        pid: Its process; 0 where unknown.
        since: When it took the lock, in seconds since the epoch; 0 where unknown.
        command: Its command line; empty where unknown.
    """

    pid: int = 0
    since: float = 0.0
    command: str = ""

    def text(self) -> str:
        """Say it in words."""
        parts = [f"process {self.pid}" if self.pid else "a process that cannot be seen from here"]
        if self.since:
            parts.append("since " + time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(self.since)))
        if self.command:
            parts.append(f"({self.command})")
        return " ".join(parts)


class LockHeld(StateError):  # noqa: N818  the name says the state of things
    """Another process has the lock; `holder` says which, where that is known."""

    reference = "lock-held"

    def __init__(self, path: str, holder: Holder) -> None:
        step = f"stop process {holder.pid} first" if holder.pid else f"find it with: lsof {path}"
        super().__init__(
            f"{path} is held by {holder.text()}",
            step,
            pid=holder.pid,
            since=holder.since,
            command=holder.command,
        )
        self.path = path
        self.holder = holder


class Lock:
    """A lock that is held; closing it is the only way to let go of it.

    Attributes:
        path: The lock file.
        fd: The open descriptor that carries the lock; hand it to a child to let the lock live on there.
    """

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.fd = fd

    def describe(self, pid: int, command: str) -> None:
        """Record for people who holds the lock; failing to is no failure of the lock."""
        text = " ".join(command.split())[:4096]
        try:
            calls.truncate(self.fd, 0)
            os.pwrite(self.fd, f"pid {pid}\nsince {time.time():.3f}\ncommand {text}\n".encode(), 0)
        except OSError:
            return

    def close(self) -> None:
        """Close our descriptor; the lock ends when the last process that inherited it has closed it too."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            calls.close(fd)

    def __enter__(self) -> Lock:  # noqa: PYI034  `typing` is not imported on the way to the node
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hold(path: str, *, inheritable: bool = False, command: str = "") -> Lock:
    """Take the lock or say who has it.

    Args:
        path: The lock file; made where missing, never removed.
        inheritable: Leave the descriptor open over `exec`, for the one child that is to carry the lock on.
        command: What to record as our command; by default our own command line.

    Raises:
        LockHeld: Another process has it.
        StateError: The file system has no working locks, or the file cannot be opened.
    """
    for attempt in range(_TRIES):
        fd = _open(path)
        try:
            calls.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(fd, path):
                break
        except BlockingIOError:
            if attempt == _TRIES - 1:
                os.close(fd)
                raise LockHeld(path, holder(path)) from None
            time.sleep(_PAUSE)
        except OSError as error:
            os.close(fd)
            raise _unusable(path, error) from None
        os.close(fd)
    else:
        raise StateError(
            f"cannot lock {path}: it is replaced again and again", f"find who does it: lsof {path}"
        )
    if not is_held(path):
        os.close(fd)
        raise StateError(
            f"cannot lock {path}: locks do not work on its file system",
            "put DAEMON_HOME/cosmovisor on a local file system, or enable locks for this mount",
        )
    if inheritable:
        os.set_inheritable(fd, True)
    lock = Lock(path, fd)
    lock.describe(os.getpid(), command or " ".join(sys.argv))
    return lock


def adopt(path: str, fd: int) -> Lock:
    """Make a lock of a descriptor that we inherited, as after a reload.

    Raises:
        StateError: The descriptor is not that file, or does not carry the lock.
    """
    try:
        right = _same(fd, path)
        if right:
            # The same open file again: succeeds if and only if nobody else holds the lock.
            calls.lock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _unusable(path, error) from None
    if not right:
        raise StateError(f"cannot take over {path}: descriptor {fd} is another file", "restart the service")
    return Lock(path, fd)


def is_held(path: str) -> bool:
    """Tell whether any process, ourselves included, holds the lock now.

    Raises:
        StateError: The file exists and cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        calls.lock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        raise _unusable(path, error) from None
    else:
        return False
    finally:
        os.close(fd)


def holder(path: str) -> Holder:
    """Return who holds the lock: from the record if that process has the file open, else from `/proc`."""
    last = recorded(path)
    pids = _pids_with(path)
    if last.pid in pids or (last.pid and not os.path.isdir("/proc/self/fd")):
        return last
    if pids:
        pid = min(pids)
        return Holder(pid, 0.0, _command(pid))
    return Holder()


def holders(path: str) -> tuple[Holder, ...]:
    """Return every process that has the lock file open, as far as `/proc` shows them to us."""
    last = recorded(path)
    return tuple(
        last if pid == last.pid else Holder(pid, 0.0, _command(pid)) for pid in sorted(_pids_with(path))
    )


def _open(path: str) -> int:
    try:
        return calls.open_lock(path)
    except OSError as error:
        raise _unusable(path, error) from None


def _same(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _unusable(path: str, error: OSError) -> StateError:
    if error.errno in {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}:
        step = "put DAEMON_HOME/cosmovisor on a local file system, or enable locks for this mount"
    elif error.errno in {errno.EACCES, errno.EPERM}:
        step = f"make it writable for this user: ls -l {path}"
    elif error.errno == errno.EROFS:
        step = "mount the file system for writing, or set DAEMON_HOME to a folder that is writable"
    else:
        step = f"check that {os.path.dirname(path) or '.'} exists and is writable"
    return StateError(f"cannot lock {path}: {error.strerror or error}", step)


def recorded(path: str) -> Holder:
    """Return what whoever took the lock last has recorded; it may have ended since."""
    try:
        with open(path, "rb") as file:
            text = file.read(_RECORD_LIMIT).decode(errors="replace")
        entries = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
        return Holder(
            int(entries.get("pid", "0")), float(entries.get("since", "0")), entries.get("command", "")
        )
    except (OSError, ValueError):
        return Holder()


def _pids_with(path: str) -> set[int]:
    pids: set[int] = set()
    try:
        wanted = os.stat(path)
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return pids
    for number in numbers:
        folder = f"/proc/{number}/fd"
        try:
            descriptors = os.listdir(folder)
        except OSError:
            continue
        for descriptor in descriptors:
            try:
                if os.path.samestat(os.stat(f"{folder}/{descriptor}"), wanted):
                    pids.add(int(number))
                    break
            except OSError:
                continue
    return pids


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(4096).replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
