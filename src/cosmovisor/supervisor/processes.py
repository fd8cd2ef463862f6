"""Looks at processes of the system: who belongs to a session, who writes a file, when a process began."""

from __future__ import annotations

import os

from cosmovisor.model.value import value

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@value
class Running:
    """A living process as `/proc` tells of it.

    Attributes:
        pid: Process id.
        session: Id of its session.
        state: Its state letter; `Z` for one that has ended and was not waited for.
        start_ticks: Its start in clock ticks since boot: with the pid, its identity.
    """

    pid: int
    session: int
    state: str
    start_ticks: int


def look(pid: int) -> Running | None:
    """Return what `/proc` tells of a process, or None where it has gone or there is no `/proc`."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read(4096)
    except OSError:
        return None
    # The name stands in parentheses and may itself hold blanks and parentheses.
    rest = text[text.rfind(b")") + 2 :].split()
    if len(rest) < 20:
        return None
    return Running(pid, int(rest[3]), rest[0].decode(), int(rest[19]))


def alive(pid: int) -> bool:
    """Tell whether a process runs (one that waits to be reaped does not)."""
    found = look(pid)
    if found is not None:
        return found.state not in {"Z", "X"}
    if os.path.exists("/proc/self/stat"):
        return False
    try:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    return ended is None


def all_pids() -> list[int]:
    """Return the ids of all processes that `/proc` shows."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def session_members(session: int) -> list[int]:
    """Return the living processes of a session, without those that only wait to be reaped."""
    members = []
    for pid in all_pids():
        found = look(pid)
        if found is not None and found.session == session and found.state not in {"Z", "X"}:
            members.append(pid)
    return members


def has_members(group: int) -> bool:
    """Tell at the price of one system call whether a process group has members, zombies included."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def kill_session(session: int) -> int:
    """Send SIGKILL to every process of a session and return how many there were.

    Where there is no `/proc` the process group of the leader is killed.
    """
    if not os.path.exists("/proc/self/stat"):
        try:
            os.killpg(session, 9)
        except OSError:
            return 0
        return 1
    killed = 0
    # A member may fork between the look and the kill: repeated until nobody is left, but not for ever.
    for _ in range(20):
        members = session_members(session)
        if not members:
            break
        for pid in members:
            try:
                os.kill(pid, 9)
                killed += 1
            except OSError:
                continue
    return killed


def open_for_writing(path: str) -> bool:
    """Tell whether any process that we may look at has this file open for writing."""
    try:
        wanted = os.stat(path)
    except OSError:
        return False
    for pid in all_pids():
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            try:
                status = os.stat(f"{folder}/{name}")
                if status.st_ino != wanted.st_ino or status.st_dev != wanted.st_dev:
                    continue
                with open(f"/proc/{pid}/fdinfo/{name}", "rb") as file:
                    text = file.read(512)
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith(b"flags:") and int(line.split()[1], 8) & 0o3:
                    return True
    return False


def command_of(pid: int) -> str:
    """Return the command line of a process for messages, shortened; empty where it cannot be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            text = file.read(4096)
    except OSError:
        return ""
    return " ".join(part.decode("utf-8", "replace") for part in text.split(b"\0") if part)[:200]


def started_at(running: Running) -> float:
    """Return when a process began, in seconds since the epoch; 0 where `/proc` does not tell."""
    try:
        with open("/proc/stat", "rb") as file:
            for line in file:
                if line.startswith(b"btime "):
                    return int(line.split()[1]) + running.start_ticks / _TICKS
    except OSError:
        pass
    return 0.0
