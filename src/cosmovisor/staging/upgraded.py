"""What the nodes that have upgraded already run: their `abci_info.version` beside the new binary's own word.

Asked are the operator's other nodes (`COSMOVISOR_EXTRA_RPC`) and, where some node may be past the height, the
peers of our own node that offer their RPC to the public. Each is believed only if its chain id is ours and
its application has executed the upgrade height; a version is a word, never a digest.
"""

from __future__ import annotations

import time

from cosmovisor.chain import answer
from cosmovisor.chain.rpc import Rpc
from cosmovisor.model.errors import ChainError
from cosmovisor.model.receipts import Opinion
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cosmovisor.staging.prepare import Surroundings

#: Nodes of the operator and peers that are asked, seconds for one answer, and seconds for all.
_EXTRA, _PEERS, _SECONDS, _TOTAL = 8, 6, 3.0, 15.0


@value
class Around:
    """Whom to ask.

    Attributes:
        chain_id: Our chain; nobody is asked where it is not known.
        own: RPC address of our own node; empty where it has none.
        extra: The operator's other nodes.
        refusal: Says why an address is not public; empty where it is.
    """

    chain_id: str
    own: str
    extra: Sequence[str]
    refusal: Callable[[str], str]


def around(surroundings: Surroundings, node_home: str) -> Around:
    """Find out whom to ask, from the files of a node's home."""
    from cosmovisor.chain import address, keys
    from cosmovisor.staging.network import refusal_of

    settings, environ = surroundings.settings, surroundings.environ
    network = surroundings.network
    return Around(
        keys.chain_id((), environ, settings.daemon_name, node_home),
        address.rpc_address((), environ, settings.daemon_name, node_home),
        settings.cosmovisor_extra_rpc,
        refusal_of if network is None else network.refusal,
    )


def ask(around: Around, height: int, says: str) -> Opinion | None:
    """Compare a binary's version with what nodes past a height run.

    Args:
        around: Whom to ask.
        height: Height of the plan; a node whose application is there has upgraded.
        says: What the binary's `version` has answered.

    Returns:
        None where no node is past the height, as it should be before it.
    """
    if not around.chain_id or height <= 0:
        return None
    deadline = time.monotonic() + _TOTAL
    found: dict[str, str] = {}
    ahead = False
    for address in around.extra[:_EXTRA]:
        past, version = _version(address, around.chain_id, height, deadline)
        ahead = ahead or past
        if version:
            found[address] = version
    if ahead or _is_behind(around, deadline):
        for address in _peers(around, deadline):
            if address not in around.extra:
                version = _version(address, around.chain_id, height, deadline)[1]
                if version:
                    found[address] = version
    return _opinion(found, says) if found else None


def _version(address: str, chain_id: str, height: int, deadline: float) -> tuple[bool, str]:
    """Return whether a node is past the height, and its version; one that cannot be believed is neither."""
    left = deadline - time.monotonic()
    if left <= 0:
        return False, ""
    node = Rpc(address, min(_SECONDS, left), chain_id=chain_id)
    try:
        if node.status().height < height:
            return False, ""
        info = node.abci_info()
    except ChainError:
        return False, ""
    return True, _plain(info.version) if info.height >= height else ""


def _is_behind(around: Around, deadline: float) -> bool:
    """Whether our own node catches up, so that its peers may be past the height."""
    left = deadline - time.monotonic()
    if not around.own or left <= 0:
        return False
    try:
        return Rpc(around.own, min(_SECONDS, left), chain_id=around.chain_id).status().catching_up
    except ChainError:
        return False


def _peers(around: Around, deadline: float) -> list[str]:
    """Return RPC addresses of peers that listen for everybody, at the address that they connect from."""
    left = deadline - time.monotonic()
    if not around.own or left <= 0:
        return []
    try:
        peers = answer.take(Rpc(around.own, min(_SECONDS, left)).call("net_info"), "peers")
    except ChainError:
        return []
    found: list[str] = []
    for peer in peers if isinstance(peers, list) else []:
        found += [address for address in _offered(peer, around) if address not in found]
        if len(found) >= _PEERS:
            break
    return found[:_PEERS]


def _offered(peer: object, around: Around) -> Iterator[str]:
    import ipaddress

    node = answer.take(peer, "node_info")
    place = answer.text(answer.take(answer.take(node, "other"), "rpc_address"))
    host = answer.text(answer.take(peer, "remote_ip"))
    bound, _, port = place.rpartition("://")[2].rpartition(":")
    try:
        address = ipaddress.ip_address(host)
        private = ipaddress.ip_address(bound.strip("[]") or "0.0.0.0").is_loopback  # noqa: S104  read, not bound
    except ValueError:
        return
    if private or around.refusal(str(address)) or answer.take(node, "network") != around.chain_id:
        return
    if port.isascii() and port.isdigit() and 0 < int(port[:9]) < 65536:
        yield f"tcp://[{address}]:{port}" if address.version == 6 else f"tcp://{address}:{port}"


def _opinion(found: dict[str, str], says: str) -> Opinion:
    from cosmovisor.chain import http

    names = [http.shown(address) for address in found]
    source = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    versions = sorted(set(found.values()), key=lambda each: (-list(found.values()).count(each), each))
    counted = ", ".join(f"{each[:60]!r} ({list(found.values()).count(each)})" for each in versions[:4])
    running = f"nodes past the height run version {counted}"
    own = _plain(says)
    if not own:
        return Opinion("peers", source, "silent", f"{running}; what this binary says is not known")
    if any(_same(each, own) for each in versions):
        agree = sum(_same(each, own) for each in found.values())
        if agree * 2 > len(found):
            text = (
                f"{agree} of {len(found)} nodes past the height run version {own[:60]!r}, as this binary is"
            )
            return Opinion("peers", source, "agrees", text)
    return Opinion("peers", source, "contradicts", f"{running}; this binary says {own[:60]!r}")


def _plain(version: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in version.strip())[:200]


def _same(one: str, other: str) -> bool:
    return one.lower().removeprefix("v") == other.lower().removeprefix("v")
