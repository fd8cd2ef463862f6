"""Find the daemon in what was unpacked, and lay everything out as a version's folder."""

from __future__ import annotations

import os
import posixpath
import re

from cosmovisor.model.value import value
from cosmovisor.staging import elf
from cosmovisor.staging.bounds import ArchiveError
from cosmovisor.staging.platforms import Platform
from cosmovisor.storage import calls, durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.staging.tree import Tree

_LIBRARY = re.compile(r"^[^/]+\.so(\.[0-9]+)*$")
_SHOWN = 12


@value
class Shape:
    """What was found.

    Attributes:
        daemon: Its path in the version's folder: `bin/<name>`.
        sha256: Its digest.
        was: Its path in the archive.
        notes: What the operator should know, sentences.
    """

    daemon: str
    sha256: str
    was: str
    notes: tuple[str, ...] = ()


def locate(tree: Tree, name: str, platform: Platform, folder: str = "") -> str:
    """Find the daemon: `bin/<name>`, at the root, one folder down, or the only program there is.

    Args:
        tree: What was unpacked.
        name: `DAEMON_NAME`.
        platform: What it must run on, where the choice is open.
        folder: The folder of the archive that the source names; empty for all of it.

    Raises:
        ArchiveError: It is not there, or there is more than one.
    """
    prefix = f"{folder}/" if folder else ""
    every = [path for path in (*tree.files, *tree.links) if path.startswith(prefix)]
    if folder and not every:
        raise ArchiveError(f"the archive has no folder {folder!r}, which its source names")
    for fixed in (f"{prefix}bin/{name}", f"{prefix}{name}"):
        if fixed in every and tree.resolve(fixed) in tree.files:
            return fixed
    for inner in (f"bin/{name}", name):
        down = [path for path in every if path[len(prefix) :].partition("/")[2] == inner]
        down = [path for path in down if tree.resolve(path) in tree.files]
        if len(down) == 1:
            return down[0]
        if down:
            return _one(tree, down, name, platform)
    files = [path for path in every if path in tree.files]
    if len(files) == 1:
        return files[0]
    programs = [path for path in files if _is_program(os.path.join(tree.root, path))]
    named = [path for path in programs if posixpath.basename(path).startswith(name)]
    return _one(tree, named or programs, name, platform)


def arrange(tree: Tree, name: str, platform: Platform, final: str, folder: str = "") -> Shape:
    """Lay out a version's folder from what was unpacked.

    Everything is kept where it was below the daemon's root; the daemon goes to `bin/<name>`, shared libraries
    beside it or at the root go to `lib/`.

    Args:
        tree: What was unpacked.
        name: `DAEMON_NAME`.
        platform: What it must run on, where the choice is open.
        final: The new folder; must not exist, on the same file system as the tree.
        folder: See `locate`.

    Raises:
        ArchiveError: The daemon cannot be found.
    """
    found = locate(tree, name, platform, folder)
    digest = tree.files[tree.resolve(found)].sha256
    base = folder or _base(tree, found)
    root = os.path.join(tree.root, base) if base else tree.root
    inside = found[len(base) + 1 :] if base else found
    notes = []
    if base and not folder:
        notes.append(f"its folder {base!r} was taken for the top")
    calls.replace(root, final)
    target = os.path.join(final, "bin", name)
    libraries = _libraries(final, posixpath.dirname(inside))
    if inside != f"bin/{name}":
        _make(os.path.join(final, "bin"))
        if os.path.lexists(target):
            raise ArchiveError(f"the archive has both {inside!r} and 'bin/{name}'")
        # A relative link would no longer point to its file from another folder.
        calls.replace(os.path.realpath(os.path.join(final, inside)), target)
        if os.path.islink(os.path.join(final, inside)):
            calls.unlink(os.path.join(final, inside))
        notes.append(f"it was found as {inside!r}")
    for library in libraries:
        _make(os.path.join(final, "lib"))
        place = os.path.join(final, "lib", posixpath.basename(library))
        if not os.path.lexists(place):
            calls.replace(os.path.realpath(os.path.join(final, library)), place)
            notes.append(f"{library!r} was put into lib/")
    _seal(final)
    calls.chmod(target, 0o755)
    return Shape(f"bin/{name}", digest, found, tuple(notes))


def _base(tree: Tree, found: str) -> str:
    """The folder that becomes the version's folder: what stands before `bin/`, or the single top folder."""
    parent = posixpath.dirname(found)
    if posixpath.basename(parent) == "bin":
        return posixpath.dirname(parent)
    tops = {path.partition("/")[0] for path in tree.names.kinds}
    top = found.partition("/")[0]
    return top if len(tops) == 1 and "/" in found and posixpath.dirname(found) == top else ""


def _one(tree: Tree, candidates: list[str], name: str, platform: Platform) -> str:
    if len(candidates) > 1:
        fitting = [path for path in candidates if _machine(os.path.join(tree.root, path)) == platform.machine]
        candidates = fitting if len(fitting) == 1 else candidates
    if len(candidates) == 1:
        return candidates[0]
    names = sorted(tree.files)
    shown = ", ".join(repr(each) for each in names[:_SHOWN])
    shown += f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    what = f"{len(candidates)} programs, none of them" if candidates else "no program, and nothing"
    raise ArchiveError(
        f"the archive holds {what} named {name!r}: {shown}",
        "Is DAEMON_NAME right? Otherwise put the binary into place by hand.",
    )


def _is_program(path: str) -> bool:
    """An executable ELF file (no shared library); scripts are too common to be guessed."""
    try:
        parsed = elf.parse(path)
    except (elf.ElfError, OSError):
        return False
    return parsed.executable and not _LIBRARY.match(os.path.basename(path))


def _machine(path: str) -> str:
    try:
        return elf.parse(path).machine
    except (elf.ElfError, OSError):
        return ""


def _libraries(final: str, beside: str) -> list[str]:
    """Shared libraries at the root, in `bin/`, or beside the daemon."""
    found = []
    for folder in dict.fromkeys(("", "bin", beside)):
        place = os.path.join(final, folder) if folder else final
        if not os.path.isdir(place):
            continue
        for name in sorted(os.listdir(place)):
            path = os.path.join(place, name)
            if _LIBRARY.match(name) and os.path.isfile(path) and _machine(path):
                found.append(posixpath.join(folder, name))
    return found


def _make(path: str) -> None:
    if not os.path.isdir(path):
        calls.mkdir(path, 0o755)


def _seal(final: str) -> None:
    """Links that moving has broken are taken out: nothing that dangles goes into place."""
    for folder, folders, files in os.walk(final):
        for name in [*folders, *files]:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.exists(path):
                durable.remove_file(path)
