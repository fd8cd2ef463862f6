"""What the Go versions of the tool would do with a plan, by the rules that were measured on them."""

from __future__ import annotations

from cosmovisor.model.value import value
from cosmovisor.staging import platforms
from cosmovisor.staging.address import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.staging.inspect import Inspected
    from cosmovisor.staging.platforms import Platform

#: 1.5 to 1.7.0 check and fetch every entry of the list before they choose one.
VERSIONS = ("1.0 to 1.4", "1.5 to 1.7.0", "1.7.1")
_ALL_CHECKED = "1.5 to 1.7.0"
_TARS = {"tar", "tar.gz", "tar.bz2", "tar.xz", "tar.zst"}


@value
class Listed:
    """One entry of a list of binaries, with what was found behind it.

    Attributes:
        key: The platform as the list has it.
        address: Where it points; None where that is no usable source.
        inspected: What is there; None where it could not be had.
        problem: Why it could not be had; empty otherwise.
        looked: False where a rule of ours kept us from fetching it, so that nothing is known of it.
    """

    key: str
    address: Address | None
    inspected: Inspected | None
    problem: str = ""
    looked: bool = True


@value
class Verdict:
    """Whether a tool gets the plan's binary for a platform: yes, no, or not known; and why."""

    works: bool | None
    reason: str


def view(
    version: str, listed: tuple[Listed, ...], platform: Platform, daemon: str, unreadable: str
) -> Verdict:
    """Say what a Go version would do on a platform, with downloads allowed and nothing placed by hand.

    Args:
        version: One of `VERSIONS`.
        listed: Every entry of the list.
        platform: The operator's platform.
        daemon: `DAEMON_NAME`.
        unreadable: Why the Go tool cannot read the list at all; empty where it can.
    """
    if unreadable:
        return Verdict(False, unreadable)
    by_key = {entry.key: entry for entry in listed}
    if version == _ALL_CHECKED:
        for entry in listed:
            if entry.key != platforms.ANY and not platforms.GO_KEY.search(entry.key):
                return Verdict(False, f"refuses the whole list for the key {entry.key!r}")
        for entry in listed:
            if entry.looked and _lost(entry):
                return Verdict(False, f"fetches every entry, and {entry.key} fails: {_lost(entry)}")
    own = by_key.get(platform.key) or by_key.get(platforms.ANY)
    if own is None:
        return Verdict(False, f"looks for {platform.key!r} and 'any' only")
    if not own.looked:
        return Verdict(None, own.problem)
    lost = _lost(own)
    if lost:
        return Verdict(False, lost)
    if own.inspected is None or own.address is None:
        return Verdict(None, "not looked at")
    return _shape(own.address, own.inspected, daemon)


def _lost(entry: Listed) -> str:
    return entry.problem if entry.inspected is None else ""


def _shape(address: Address, found: Inspected, daemon: str) -> Verdict:
    """The download library decides by the ending of the URL, not by what the file is."""
    ending = "" if address.raw else address.archive
    if not ending:
        if found.kind != "raw":
            return Verdict(False, "its URL has no ending of an archive: the archive is taken for the program")
        return _runs(found)
    if ending in {"zst", "tar.zst"}:
        return Verdict(None, "only newer builds unpack zst")
    if (ending in _TARS) != (found.kind == "tar") or (ending == "zip") != (found.kind == "zip"):
        return Verdict(False, f"its URL ends as {ending}, and it is none")
    if ending not in _TARS and ending != "zip":
        return _runs(found)
    if address.folder:
        inside = {name.removeprefix(f"{address.folder}/") for name in found.names}
        if f"bin/{daemon}" in inside or daemon in inside:
            return _runs(found)
        return Verdict(False, f"finds neither bin/{daemon} nor {daemon} in {address.folder}")
    if found.count == 1 or f"bin/{daemon}" in found.names:
        return _runs(found)
    if daemon in found.names and (ending == "zip" or found.first == daemon):
        return _runs(found)
    if ending in _TARS and found.first == found.daemon:
        return _runs(found)  # By accident: whatever file stands first becomes the program.
    if ending in _TARS:
        return Verdict(False, f"takes the first file, {found.first!r}, for the program")
    return Verdict(False, f"finds neither bin/{daemon} nor {daemon} at the root")


def _runs(found: Inspected) -> Verdict:
    if found.problem:
        return Verdict(False, f"installs it unseen, and it cannot run: {found.problem}")
    if found.libraries:
        return Verdict(True, "needs LD_LIBRARY_PATH set by hand for the libraries in the archive")
    return Verdict(True, "works")
