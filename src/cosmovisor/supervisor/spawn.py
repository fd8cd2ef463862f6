"""Starts the daemon: own session, default signals, inherited streams, nothing of ours but the node's lock."""

from __future__ import annotations

import fcntl
import os
import sys

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.value import value

#: Every signal that can be reset, by number: `signal.valid_signals` would cost an import of enum.
_RESETTABLE = tuple(number for number in range(1, 65) if number not in {9, 19, 32, 33})


@value
class Child:
    """A process of ours, held so that its number can never mean another process.

    Attributes:
        pid: Process id; it leads its own session, so that its session and group have the same number.
        pidfd: File descriptor of the process, or -1 where the kernel has none (not Linux).
        started_at: Seconds since the epoch.
    """

    pid: int
    pidfd: int
    started_at: float


def environment(environ: dict[str, str], lib: str) -> dict[str, str]:
    """Return the daemon's environment: ours, and for a version with `lib/` that folder first for the loader.

    Args:
        environ: The environment that we were started with.
        lib: The version's `lib` folder, or an empty text where it has none.
    """
    if not lib:
        return environ
    rest = [part for part in environ.get("LD_LIBRARY_PATH", "").split(":") if part and part != lib]
    # An empty element would mean the working directory, so it is never passed on.
    return {**environ, "LD_LIBRARY_PATH": ":".join([lib, *rest])}


def library_folder(binary: str) -> str:
    """Return the `lib` folder beside the `bin` folder of a binary, or an empty text."""
    lib = os.path.join(os.path.dirname(os.path.dirname(binary)), "lib")
    return lib if os.path.isdir(lib) else ""


def spawn(
    binary: str,
    arguments: list[str],
    environ: dict[str, str],
    *,
    now: float,
    redirect: tuple[tuple[int, int], ...] = (),
    folder: str = "",
    lock: int = -1,
) -> Child:
    """Start a program in its own session with default signals.

    Streams, working directory and any inheritable descriptor (the node's lock) go to it; what Python opened
    besides is closed by the kernel at exec.

    Args:
        binary: Path of the program; also its first argument, as the Go tool has it.
        arguments: Its further arguments, untouched.
        environ: Its environment.
        now: Seconds since the epoch, kept as the start time.
        redirect: Pairs of (our descriptor, its descriptor) for helpers whose streams we read.
        folder: Working directory for a helper; empty: ours.
        lock: Descriptor of a lock that the program is to hold from now on; -1 for none.

    Raises:
        CosmovisorError: The kernel refuses to execute the file.
    """
    actions = [(os.POSIX_SPAWN_DUP2, ours, theirs) for ours, theirs in redirect]
    # The lock is made inheritable in the child alone: a program that another thread starts at the same moment
    # must not carry it on.
    theirs = fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, 3) if lock >= 0 else -1
    if theirs >= 0:
        actions.append((os.POSIX_SPAWN_DUP2, lock, theirs))
    argv = [binary, *arguments]
    if folder:
        # posix_spawn has no working directory, and ours is shared by all threads: the shell changes its own.
        argv = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', folder, *argv]
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            environ,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=_RESETTABLE,
        )
    except OSError as error:
        raise _not_executed(binary, error) from error
    finally:
        if theirs >= 0:
            os.close(theirs)
    return Child(pid, pidfd_of(pid), now)


def _not_executed(binary: str, error: OSError) -> CosmovisorError:
    return CosmovisorError(
        f"cannot start {binary}: {error.strerror}",
        "See that the file is an executable for this machine; `cosmovisor doctor` tells what is wrong.",
        path=binary,
    )


def pidfd_of(pid: int) -> int:
    """Return a descriptor of a process, or -1 where the kernel or the platform has none."""
    opener = getattr(os, "pidfd_open", None)
    if opener is None:
        return -1
    try:
        return int(opener(pid))
    except OSError:
        return -1


def replace_ourselves(binary: str, arguments: list[str], environ: dict[str, str]) -> None:
    """Become the daemon, for a command that ends by itself; returns only by raising.

    Raises:
        CosmovisorError: The kernel refuses to execute the file.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    # The interpreter ignores these two; an ignored signal would stay ignored after the exec.
    import _signal  # type: ignore[import-not-found]  # `signal` itself imports enum

    for name in ("SIGPIPE", "SIGXFSZ"):
        number = getattr(_signal, name, None)
        if number is not None:
            _signal.signal(number, _signal.SIG_DFL)
    try:
        os.execve(binary, [binary, *arguments], environ)  # noqa: S606
    except OSError as error:
        raise _not_executed(binary, error) from error


#: Exit statuses that were collected for a waiter by the reaper of a first process (see `reaper`).
COLLECTED: dict[int, int] = {}


def reap(pid: int) -> int | None:
    """Collect the end of a child that has ended.

    Returns:
        Its exit status, -n for signal n; None where it is not our child, so that nobody can know.
    """
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        found = COLLECTED.pop(pid, None)
        return None if found is None else os.waitstatus_to_exitcode(found)
    return os.waitstatus_to_exitcode(status)


def exit_status(code: int) -> int:
    """Turn an exit code (-n for signal n) into our own exit status: the daemon's own, or 128+n."""
    return 128 - code if code < 0 else code


def check_platform(platform: str) -> None:
    """Refuse to supervise where processes, sessions and locks are not those of Unix.

    Raises:
        CosmovisorError: The platform is Windows.
    """
    if platform in {"win32", "cygwin"}:
        raise CosmovisorError(
            "cannot run on Windows: no Cosmos SDK node is operated there and its processes have no sessions",
            "Use Linux, macOS, or Linux inside WSL 2.",
        )
