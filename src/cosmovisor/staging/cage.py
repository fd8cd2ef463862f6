"""Runs one command of a new binary in a cage: no home, no network, few rights. A program of its own.

Started as `python -I -S cage.py SPEC`, so that nothing of ours is in the process: it takes what the kernel
gives, says on descriptor 3 what that was, and becomes the binary. Only the standard library is used here.

SPEC is JSON: `command` (list), `folder` (the version's folder, visible, read only), `readable` (further
folders to see), `scratch` (an empty folder of ours), `environment`, `cpu` (seconds), `memory` (bytes),
`public` (whether everyone can read the binary).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import json
import os
import platform
import resource
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
NOBODY = 65534
HOME = "/cage-home"
SYSTEM = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin", "/nix", "/gnu")
FILES = ("/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/ld-musl-aarch64.path", "/etc/localtime")
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
LANDLOCK = (444, 445, 446)
#: Calls that would lead out of the cage or make noise in the kernel; the answer is EPERM.
FORBIDDEN: dict[str, Any] = {
    "x86_64": {
        "arch": 0xC000003E,
        "calls": [101, 165, 166, 155, 161, 175, 246, 248, 249, 250, 272, 298, 308, 310, 311, 321, 323],
        "network": [42, 44, 46, 307],
    },
    "aarch64": {
        "arch": 0xC00000B7,
        "calls": [117, 40, 39, 41, 51, 105, 104, 217, 218, 219, 97, 241, 268, 270, 271, 280, 282],
        "network": [203, 206, 211, 269],
    },
}
#: The newer ones have the same number everywhere: io_uring, the new mount calls, pidfd.
FORBIDDEN_EVERYWHERE = [425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 438, 442]

libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Call a function of the C library; raise OSError where it fails."""
    if getattr(libc, name)(*arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)


def syscall(number: int, *arguments: object) -> int:
    """Make a system call; raise OSError where it fails."""
    answer: int = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(number))
    return answer


def limits(spec: dict[str, Any]) -> None:
    """Time, memory, files: nothing may grow."""
    for kind, most in (
        (resource.RLIMIT_CPU, spec["cpu"]),
        (resource.RLIMIT_DATA, spec["memory"]),
        (resource.RLIMIT_FSIZE, 16 << 20),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (limit, limit))


def spaces() -> list[str]:
    """New namespaces: with a user namespace where we have no rights of our own."""
    user, group = os.geteuid(), os.getegid()
    flags = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET
    try:
        call("unshare", flags)
    except OSError:
        call("unshare", flags | NEWUSER)
    else:
        return ["mount", "net", "pid"]
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    return ["user", "mount", "net", "pid"]


def loopback() -> None:
    """Bring up the new network's own loopback; nothing else is in there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    request = struct.pack("16sh22x", b"lo", 1)
    fcntl.ioctl(sock, 0x8914, request)
    sock.close()


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount something on something."""
    encoded = [item.encode() if item is not None else None for item in (source, target, kind)]
    call("mount", *encoded, ctypes.c_ulong(flags), data.encode() or None)


def bind(source: str, root: str) -> None:
    """Show a folder or file in the new root, read only."""
    target = root + source
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "a"):
            pass
    mount(source, target, None, MS_BIND | MS_REC)
    device = source.startswith("/dev/")
    mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | (0 if device else MS_NODEV))


def new_root(spec: dict[str, Any]) -> None:
    """A root that holds the system's libraries, the version's folder and an empty home; nothing else."""
    root = os.path.join(spec["scratch"], "root")
    os.mkdir(root)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("cage", root, "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=755")
    for path in SYSTEM:
        if os.path.islink(path):
            os.symlink(os.readlink(path), root + path)
        elif os.path.isdir(path):
            bind(path, root)
    for path in FILES + DEVICES:
        if os.path.exists(path):
            bind(path, root)
    for path in [spec["folder"], *spec["readable"]]:
        if os.path.isdir(path) and not os.path.exists(root + path):
            bind(path, root)
    os.mkdir(root + "/proc")
    with contextlib.suppress(OSError):  # In containers that cover parts of /proc; few programs miss it.
        mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for path in (HOME, "/tmp"):
        os.makedirs(root + path, exist_ok=True)
        os.chmod(root + path, 0o1777)
    os.chroot(root)
    os.chdir(HOME)


def landlock(spec: dict[str, Any], home: str) -> None:
    """Where the kernel has landlock: reading of the system and the version's folder, writing of the home."""
    version = syscall(LANDLOCK[0], None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    everything = (1 << 13) - 1
    everything |= (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    everything |= 1 << 15 if version >= 5 else 0
    rules = struct.pack("QQQ", everything, 2 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall(LANDLOCK[0], rules, ctypes.c_size_t(size), ctypes.c_uint32(0))
    read = 1 | 4 | 8
    shown = [(path, read) for path in (*SYSTEM, *FILES, "/proc/self", *spec["readable"], spec["folder"])]
    shown += [(home, everything), *((path, 2 | 4) for path in DEVICES)]
    for path, rights in shown:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        file_rights = everything if os.path.isdir(path) else 1 | 2 | 4 | (1 << 14 if version >= 3 else 0)
        syscall(LANDLOCK[1], ruleset, 1, struct.pack("=Qi", rights & everything & file_rights, fd), 0)
        os.close(fd)
    syscall(LANDLOCK[2], ruleset, 0)
    os.close(ruleset)


def seccomp(apart: bool) -> None:
    """No tracing, no mounts, no namespaces, and where the network is not apart no sending: EPERM.

    Listening stays allowed: programs of the Cosmos SDK open a port of their own machine as they start.
    """
    own = FORBIDDEN[platform.machine()]
    calls = [*own["calls"], *FORBIDDEN_EVERYWHERE, *([] if apart else own["network"])]
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, own["arch"]), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    program.append((0x35, len(calls) + 1, 0, 0x40000000))
    for place, number in enumerate(calls):
        program.append((0x15, len(calls) - place, 0, number))
    program += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050001)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    call("prctl", PR_SET_SECCOMP, 2, filter_, 0, 0)


def drop(spec: dict[str, Any], in_user_space: bool) -> None:
    """Give up every right; as root, become nobody where the binary can be read by everyone."""
    for number in range(64):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    if os.geteuid() == 0 and not in_user_space and spec["public"]:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)


def part() -> None:
    """Go on in a child and pass its end on: the first process of a namespace is not a place for a program."""
    child = os.fork()
    if child:
        os.close(3)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(code if code >= 0 else 128 - code)
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def main() -> None:
    """Build the cage, say what it is made of, and become the binary."""
    spec = json.loads(sys.argv[1])
    made, lacking = [], []
    libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
    limits(spec)
    home = spec["scratch"]
    try:
        made += spaces()
        part()
        loopback()
        new_root(spec)
        part()
        home = HOME
    except OSError as error:
        lacking.append(f"namespaces: {error}")
        if os.geteuid() == 0 and spec["public"]:
            os.chown(home, NOBODY, NOBODY)
        made = [name for name in made if name != "mount"]
        os.chdir(home)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for name, step in (
        ("landlock", functools.partial(landlock, spec, home)),
        ("rights", functools.partial(drop, spec, "user" in made)),
        ("seccomp", functools.partial(seccomp, "net" in made)),
    ):
        try:
            step()
            made.append(name)
        except (OSError, KeyError) as error:
            lacking.append(f"{name}: {error}")
    os.write(3, json.dumps({"made": made, "lacking": lacking}).encode())
    os.close(3)
    environment = dict(spec["environment"], HOME=home, TMPDIR=home, PWD=home)
    try:
        os.execve(spec["command"][0], spec["command"], environment)
    except OSError as error:
        sys.stderr.write(f"cannot execute: {error}\n")
        os._exit(126)


if __name__ == "__main__":
    main()
