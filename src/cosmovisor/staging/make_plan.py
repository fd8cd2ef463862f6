"""`make-plan`: writes the list of binaries for a plan, with digests taken from the files themselves."""

from __future__ import annotations

import json
import os

from cosmovisor.model.errors import StagingError, UsageError
from cosmovisor.model.value import value
from cosmovisor.plan import info as plan_info
from cosmovisor.staging import address, platforms
from cosmovisor.staging.prove import sha256_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HOW = "Write PLATFORM=URL, or PLATFORM=FILE@URL where the file is here and will be published there."


@value
class Item:
    """One binary: its platform, where it will be, and the local file, if there is one."""

    key: str
    url: str
    file: str = ""


def items(words: Sequence[str]) -> tuple[Item, ...]:
    """Read the words of the command line.

    Raises:
        UsageError: One makes no sense, or a platform stands there twice.
    """
    found: dict[str, Item] = {}
    for word in words:
        key, equals, rest = word.partition("=")
        platform = platforms.parse(key)
        if not equals or not rest or (platform is None and key != platforms.ANY):
            raise UsageError(f"cannot read {word!r}: it does not begin with a platform and =", _HOW)
        name = platforms.ANY if platform is None else platform.key
        file, at, url = rest.rpartition("@http")
        item = Item(name, f"http{url}", file) if at and file and "://" not in file else Item(name, rest)
        if name in found:
            raise UsageError(f"the platform {name} stands there twice", "Name each once.")
        _look_at(item)
        found[name] = item
    if not found:
        raise UsageError("no binary is named", _HOW)
    return tuple(found.values())


def _look_at(item: Item) -> None:
    try:
        place = address.parse(item.url)
    except StagingError as error:
        raise UsageError(f"cannot use {item.url!r}: {error.cause}", _HOW) from None
    if place.scheme != "https":
        raise UsageError(
            f"cannot use {item.url!r}: operators' tools take https only", "Publish it with https."
        )
    if place.digest is not None or place.checksum_url:
        raise UsageError(f"{item.url!r} has a checksum already", "Leave it out; it is taken from the file.")
    if item.file and not os.path.isfile(item.file):
        raise UsageError(f"there is no file {item.file}", _HOW)


def make(found: Sequence[Item], digest_of_url: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """Make the list.

    Args:
        found: The binaries.
        digest_of_url: Fetches a URL and returns its sha256.
    """
    binaries = {}
    for item in found:
        digest = sha256_of(item.file) if item.file else digest_of_url(item.url)
        mark = "&" if "?" in item.url else "?"
        binaries[item.key] = f"{item.url}{mark}checksum=sha256:{digest}"
    document = {"binaries": binaries}
    if dict(plan_info.parse(json.dumps(document)).binaries) != binaries:
        raise StagingError("the list cannot be read back as it was written")
    return document
