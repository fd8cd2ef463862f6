"""Looks into a downloaded file, for this platform or another, without running or keeping anything."""

from __future__ import annotations

import os

from cosmovisor.model.errors import StagingError
from cosmovisor.model.value import replace, value
from cosmovisor.staging import elf, shape, unpack
from cosmovisor.staging.platforms import Platform
from cosmovisor.storage import durable

_MOST_NAMES = 40
_MACH = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


@value
class Inspected:
    """What a file turned out to be.

    Attributes:
        kind: `raw`, `gz`, `tar`, `zip`, … of the outermost layer; `tar` also for a compressed one.
        names: The files in it, in the order in which they are packed, bounded.
        first: The first file.
        count: How many files.
        daemon: Where the daemon is; empty where it was not found.
        libraries: Shared libraries that travel with it.
        program: `elf`, `script`, `mach-o`, `windows`, `archive`, `text`; empty where there is no daemon.
        machine: `amd64`, `arm64`, … for ELF.
        glibc: The newest glibc that it asks for; empty for static programs.
        problem: Why it cannot be used; empty where it can.
    """

    kind: str
    names: tuple[str, ...] = ()
    first: str = ""
    count: int = 0
    daemon: str = ""
    libraries: tuple[str, ...] = ()
    program: str = ""
    machine: str = ""
    glibc: str = ""
    problem: str = ""


def inspect(path: str, scratch: str, name: str, platform: Platform, *, raw: bool, folder: str) -> Inspected:
    """Look into a file as staging would, for a given platform.

    Args:
        path: The file.
        scratch: A folder of ours for unpacking; made and removed here.
        name: `DAEMON_NAME`.
        platform: What the file is said to be for.
        raw: True where the source forbids unpacking.
        folder: The folder that the source names inside the archive.
    """
    durable.remove_tree(scratch)
    found = Inspected("raw")
    try:
        tree = unpack.unpack(path, scratch, name, raw=raw)
        names = tuple(tree.files)
        found = Inspected(tree.kind, names[:_MOST_NAMES], names[0], len(names))
        daemon = tree.resolve(shape.locate(tree, name, platform, folder))
        libraries = tuple(item for item in names if ".so" in os.path.basename(item))
        return _program(os.path.join(tree.root, daemon), daemon, libraries, found, platform)
    except StagingError as error:
        return replace(found, problem=error.cause)
    finally:
        durable.remove_tree(scratch)


def _program(
    path: str, daemon: str, libraries: tuple[str, ...], found: Inspected, platform: Platform
) -> Inspected:
    with open(path, "rb") as file:
        head = file.read(8)
    program, machine, glibc, problem = "text", "", "", ""
    if head.startswith(elf.MAGIC):
        program = "elf"
        try:
            parsed = elf.parse(path)
            machine = parsed.machine
            versions = [each.version for each in parsed.versions if each.version.startswith("GLIBC_")]
            glibc = max(versions, key=_order, default="")
            if platform.system != "linux":
                problem = f"it is a program for Linux, not for {platform.key}"
            elif machine != platform.machine:
                problem = f"it is built for {machine}, not for {platform.machine}"
            elif not parsed.executable:
                problem = "it is an ELF file that cannot be executed"
        except elf.ElfError as error:
            problem = f"it is a damaged ELF file: {error}"
    elif head.startswith(b"#!"):
        program = "script"
    elif head[:4] in _MACH:
        program = "mach-o"
        problem = "" if platform.system == "darwin" else f"it is a program for macOS, not for {platform.key}"
    elif head.startswith(b"MZ"):
        program = "windows"
        problem = (
            "" if platform.system == "windows" else f"it is a program for Windows, not for {platform.key}"
        )
    else:
        problem = "it is neither a program nor a script"
    return replace(
        found,
        daemon=daemon,
        libraries=libraries,
        program=program,
        machine=machine,
        glibc=glibc,
        problem=problem,
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.rpartition("_")[2].split("."))
