"""Names of platforms: this machine's, and the ones that published plans use for it."""

from __future__ import annotations

import os
import re
import sys

from cosmovisor.model.value import value

_MACHINES = {
    "x86_64": "amd64",
    "amd64": "amd64",
    "x64": "amd64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i386": "386",
    "i686": "386",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "macos": "darwin", "windows": "windows", "win32": "windows"}
ANY = "any"
#: What the Go versions that check the whole map ask of every key; not anchored, as there.
GO_KEY = re.compile(r"[a-zA-Z0-9]+/[a-zA-Z0-9]+")


@value
class Platform:
    """An operating system and a processor, in Go's words."""

    system: str
    machine: str

    @property
    def key(self) -> str:
        """The key of a `binaries` object: `linux/amd64`."""
        return f"{self.system}/{self.machine}"


def this_platform() -> Platform:
    """Return the platform that this process runs on."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    machine = os.uname().machine
    return Platform(system, _MACHINES.get(machine, machine))


def parse(key: str) -> Platform | None:
    """Read a key of a `binaries` object, also in the words of `uname`; None where it is no platform.

    Published plans use `linux/x86_64` and `linux/aarch64`, the original guide among them; the Go tool finds
    neither.
    """
    system, slash, machine = key.strip().lower().partition("/")
    if not slash or system not in _SYSTEMS or machine not in _MACHINES:
        return None
    return Platform(_SYSTEMS[system], _MACHINES[machine])


def choose(binaries: dict[str, str], platform: Platform) -> str | None:
    """Choose the key for a platform: the exact one, then one in other words, then `any`."""
    if platform.key in binaries:
        return platform.key
    for key in binaries:
        if parse(key) == platform:
            return key
    return ANY if ANY in binaries else None


def nearest(binaries: dict[str, str], platform: Platform) -> str:
    """Name the key that its author may have meant for a platform; empty where none is near."""
    for key in binaries:
        words = set(re.split(r"[^a-z0-9_]+", key.lower()))
        systems = {_SYSTEMS[word] for word in words if word in _SYSTEMS}
        machines = {_MACHINES[word] for word in words if word in _MACHINES}
        if platform.system in systems and platform.machine in machines:
            return key
    return ""
