"""Lists of versions that others keep: the chain-registry's `chain.json` and `versions.json`, and folders."""

from __future__ import annotations

import json
import os

from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.staging import address
from cosmovisor.staging.address import ENDINGS, SourceError
from cosmovisor.staging.platforms import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cosmovisor.staging.sources import Documents

_LARGEST = 4 * 1024 * 1024
_MOST_VERSIONS = 1000


@value
class Entry:
    """One version of a registry.

    Attributes:
        name: Its name, mostly the plan's.
        height: Where it became active; 0 where the registry does not say.
        binaries: Platform key to URL.
        tag: The release that it is built from.
    """

    name: str
    height: int
    binaries: dict[str, str]
    tag: str = ""


def load(text: str, documents: Documents) -> tuple[Entry, ...]:
    """Read a registry: a folder with `versions.json` or `chain.json`, one of these files, or its URL.

    Raises:
        StagingError: It cannot be read, or is none.
    """
    if text.startswith(("http://", "https://")):
        content, _ = documents(address.parse(text, operator=True), True)
        return parse(content)
    path = text
    if os.path.isdir(path):
        names = [name for name in ("versions.json", "chain.json") if os.path.isfile(os.path.join(path, name))]
        if not names:
            raise SourceError("it holds neither versions.json nor chain.json")
        path = os.path.join(path, names[0])
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise SourceError(f"{path} is larger than {_LARGEST} bytes")
    return parse(data.decode("utf-8", "replace"))


def parse(text: str) -> tuple[Entry, ...]:
    """Read the text of a registry file; entries that make no sense are left out.

    Raises:
        SourceError: It is no registry file.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceError("it is not JSON") from None
    versions: Any = None
    if isinstance(document, dict):
        codebase = document.get("codebase")
        versions = document.get("versions") or (
            codebase.get("versions") if isinstance(codebase, dict) else None
        )
    if not isinstance(versions, list):
        raise SourceError("it has no list of versions")
    return tuple(entry for item in versions[:_MOST_VERSIONS] if (entry := _entry(item)) is not None)


def choose(entries: tuple[Entry, ...], plan: Plan) -> Entry | None:
    """Find the entry of a plan: by name, then by height; only one with binaries."""
    with_binaries = [entry for entry in entries if entry.binaries]
    by_name = [entry for entry in with_binaries if entry.name == plan.name]
    by_case = [entry for entry in with_binaries if entry.name.lower() == plan.name.lower()]
    by_height = [entry for entry in with_binaries if entry.height == plan.height > 0]
    for found in (by_name, by_case, by_height):
        if len(found) == 1:
            return found[0]
    return None


def in_folder(folder: str, name: str, daemon_name: str, platform: Platform) -> str:
    """Find a plan's file in a local folder; empty where there is none.

    Looked for, in this order: `NAME/bin/DAEMON`, `NAME/DAEMON`, `NAME.tar.gz` and the like, then files with
    the daemon's name, the plan's name and perhaps the platform, joined by `-` or `_`.
    """
    platform_words = (f"{platform.system}-{platform.machine}", f"{platform.system}_{platform.machine}")
    stems = [name, *(f"{daemon_name}{mark}{name}" for mark in "-_")]
    stems += [f"{stem}{mark}{words}" for stem in list(stems) for mark in "-_" for words in platform_words]
    candidates = [os.path.join(name, "bin", daemon_name), os.path.join(name, daemon_name)]
    candidates += [f"{stem}{suffix}" for stem in stems for suffix in ("", *ENDINGS)]
    for candidate in candidates:
        path = os.path.join(folder, candidate)
        if os.path.isfile(path):
            return path
    return ""


def _entry(item: Any) -> Entry | None:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str):
        return None
    binaries = item.get("binaries") or {}
    if not isinstance(binaries, dict):
        return None
    height = item.get("height", 0)
    tag = item.get("tag", "")
    return Entry(
        item["name"],
        height if isinstance(height, int) and not isinstance(height, bool) else 0,
        {str(key): link for key, link in binaries.items() if isinstance(link, str)},
        tag if isinstance(tag, str) else "",
    )
