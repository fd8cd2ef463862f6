"""Would the dynamic loader find every library, in a version that fits? Answered without running anything.

Follows ld.so(8): `DT_RPATH`, `LD_LIBRARY_PATH` (the version's `lib/` stands first in it), `DT_RUNPATH`, the
cache, the default folders; for musl the path file beside its loader. Where the loader is neither glibc's nor
musl's in a known place (Nix, Guix), its default folders are unknown, and a library that is not found is an
opinion, not a proof.
"""

from __future__ import annotations

import os
import struct

from cosmovisor.model.receipts import Proof
from cosmovisor.model.value import value
from cosmovisor.staging import elf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CACHE = "/etc/ld.so.cache"
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_LARGEST_CACHE = 64 << 20
_TRIPLETS = {
    "amd64": ("x86_64-linux-gnu", "lib64"),
    "arm64": ("aarch64-linux-gnu", "lib64"),
    "riscv64": ("riscv64-linux-gnu", "lib64"),
    "i386": ("i386-linux-gnu", "lib32"),
    "arm": ("arm-linux-gnueabihf", "lib"),
}
_MOST_LIBRARIES = 500


@value
class Search:
    """Where libraries are looked for.

    Attributes:
        first: Folders before all others: the version's `lib/`, then the node's `LD_LIBRARY_PATH`.
        cache: Names in the loader's cache, with their files.
        last: The default folders.
        certain: False where the loader's own folders are unknown.
    """

    first: tuple[str, ...]
    cache: dict[str, tuple[str, ...]]
    last: tuple[str, ...]
    certain: bool


def check(path: str, program: elf.Elf, folders: Iterable[str]) -> list[Proof]:
    """Look for every library that a program needs, and for the symbol versions that it asks of them.

    Args:
        path: The program.
        program: Its headers.
        folders: `LD_LIBRARY_PATH` as the node will have it.
    """
    if not program.interpreter:
        text = "it is a static program and needs no libraries" if not program.needed else ""
        return [Proof("libraries", "ok", text or "it names no loader")]
    search = search_for(program, tuple(folder for folder in folders if folder))
    found: dict[str, str] = {}
    parsed: dict[str, elf.Elf] = {}
    missing: list[tuple[str, str]] = []
    todo = [(path, program)]
    while todo and len(parsed) < _MOST_LIBRARIES:
        origin, item = todo.pop()
        for name in item.needed:
            if name in found:
                continue
            place = find(name, origin, item, program, search)
            if place is None:
                missing.append((name, os.path.basename(origin)))
                found[name] = ""
                continue
            found[name] = place
            parsed[name] = elf.parse(place)
            todo.append((place, parsed[name]))
    proofs = [_missing(name, by, search.certain) for name, by in missing]
    proofs += _versions(path, program, parsed)
    if not proofs:
        proofs.append(Proof("libraries", "ok", f"all {len(parsed)} libraries are there"))
    return proofs


def search_for(program: elf.Elf, folders: tuple[str, ...]) -> Search:
    """Work out where the loader of a program looks.

    Args:
        program: Its headers; the interpreter tells which loader.
        folders: `LD_LIBRARY_PATH`.
    """
    name = os.path.basename(program.interpreter)
    if name.startswith("ld-musl-"):
        file = os.path.join("/etc", f"{name.removesuffix('.so.1')}.path")
        last: tuple[str, ...] = ("/lib", "/usr/local/lib", "/usr/lib")
        try:
            with open(file, encoding="utf-8", errors="replace") as lines:
                last = tuple(lines.read(65536).replace("\n", ":").split(":"))
        except OSError:
            pass
        return Search(folders, {}, tuple(folder for folder in last if folder), certain=True)
    triplet, wide = _TRIPLETS.get(program.machine, ("", "lib64"))
    places = [f"/lib/{triplet}", f"/usr/lib/{triplet}"] if triplet else []
    places += [f"/{wide}", f"/usr/{wide}", "/lib", "/usr/lib"]
    certain = name.startswith("ld-linux") and os.path.dirname(program.interpreter) in {
        "/lib",
        "/lib64",
        f"/lib/{triplet}",
    }
    return Search(folders, read_cache(_CACHE), tuple(places), certain)


def find(name: str, origin: str, item: elf.Elf, program: elf.Elf, search: Search) -> str | None:
    """Find one library as the loader would; None where it would not.

    Args:
        name: As the file names it; with a slash it is a path.
        origin: The file that needs it.
        item: That file's headers.
        program: The program's headers: its `DT_RPATH` counts for its libraries too.
        search: Where to look.
    """
    if "/" in name:
        return name if _fits(name, program) else None
    rpath = [] if item.runpath else [*item.rpath, *(() if item is program else program.rpath)]
    for folder in [*rpath, *search.first, *item.runpath]:
        place = os.path.join(_expanded(folder, origin), name)
        if _fits(place, program):
            return place
    for place in search.cache.get(name, ()):
        if _fits(place, program):
            return place
    for folder in search.last:
        place = os.path.join(folder, name)
        if _fits(place, program):
            return place
    return None


def read_cache(path: str) -> dict[str, tuple[str, ...]]:
    """Read the loader's cache (its new format, since glibc 2.2); empty where there is none."""
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST_CACHE)
    except OSError:
        return {}
    start = data.find(_CACHE_MAGIC)
    if start < 0 or len(data) < start + 48:
        return {}
    (count,) = struct.unpack_from("=I", data, start + 20)
    found: dict[str, tuple[str, ...]] = {}
    for number in range(min(count, 100_000)):
        at = start + 48 + 24 * number
        if at + 24 > len(data):
            break
        _, key, item = struct.unpack_from("=iII", data, at)
        name, place = _text(data, start + key), _text(data, start + item)
        if name and place:
            found[name] = (*found.get(name, ()), place)
    return found


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at, at + 4096)
    return os.fsdecode(data[at:end]) if 0 <= at < len(data) and end >= 0 else ""


def _expanded(folder: str, origin: str) -> str:
    place = os.path.dirname(os.path.realpath(origin))
    return folder.replace("$ORIGIN", place).replace("${ORIGIN}", place)


def _fits(path: str, program: elf.Elf) -> bool:
    """A file of another machine is skipped by the loader, as if it were not there."""
    try:
        library = elf.parse(path)
    except (OSError, elf.ElfError):
        return False
    return library.machine == program.machine and library.bits == program.bits


def _missing(name: str, by: str, certain: bool) -> Proof:
    fix = f"Put {name} into lib/ beside bin/, or install the package that has it."
    if certain:
        return Proof("libraries", "blocking", f"the library {name}, needed by {by}, is missing", fix)
    return Proof(
        "libraries",
        "warning",
        f"the library {name}, needed by {by}, was not found; where its loader looks is not known",
        fix,
    )


def _versions(path: str, program: elf.Elf, parsed: dict[str, elf.Elf]) -> list[Proof]:
    proofs = []
    for origin, item in [(os.path.basename(path), program), *parsed.items()]:
        lacking: dict[str, list[str]] = {}
        for need in item.versions:
            library = parsed.get(need.library)
            if library is None or need.weak or not library.defines or need.version in library.defines:
                continue
            lacking.setdefault(need.library, []).append(need.version)
        for name, versions in lacking.items():
            newest = max(versions, key=_order)
            alike = [each for each in parsed[name].defines if _is_like(each, newest)]
            has = max(alike, key=_order, default="")
            own = f", this machine has {has}" if has else ""
            proofs.append(
                Proof(
                    "library-versions",
                    "blocking",
                    f"{origin} needs {newest} of {name}{own}",
                    "Use a build for an older system, or upgrade the operating system.",
                )
            )
    return proofs


def _is_like(one: str, other: str) -> bool:
    return (
        one.split("_", maxsplit=1)[0] == other.split("_", maxsplit=1)[0]
        and one.rpartition("_")[2][:1].isdigit()
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in version.rpartition("_")[2].split("."))
