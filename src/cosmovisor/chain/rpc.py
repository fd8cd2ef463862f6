"""The node's CometBFT RPC: three questions, blocking and bounded; answers are checked before they leave."""

from __future__ import annotations

from cosmovisor.chain import answer, http
from cosmovisor.model.errors import ChainError
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class NotServedError(ChainError):
    """The node works but knows no such query: its version has another one, or the module is not there."""


@value
class NodeStatus:
    """What `/status` says.

    Attributes:
        height: Height of the block store.
        catching_up: True while the node is in block or state sync.
        node_id: The node's p2p id, 40 hex digits as the node writes them.
        chain_id: The chain's id.
        latest_block_time: Time of the latest block in seconds since the epoch; 0.0 where unknown.
        version: CometBFT's version.
        validator: Consensus address of the node's key, upper-case hex.
        power: Voting power of that key; 0 for a node that does not validate.
        earliest: The oldest block that the node still has; 1 where it does not say.
    """

    height: int
    catching_up: bool
    node_id: str
    chain_id: str
    latest_block_time: float
    version: str
    validator: str = ""
    power: int = 0
    earliest: int = 1


@value
class AppInfo:
    """What `/abci_info` says: height and version of the application."""

    height: int
    version: str


def parse_status(result: Any, what: str = "status", *, named: bool = True) -> NodeStatus:
    """Check the result of `status`, in the spelling of the RPC or in the older one of the command line.

    Args:
        result: What was answered.
        what: Who answered, for errors.
        named: Whether the answer must say which chain it speaks of. The command of a daemon that is no
            CometBFT node may tell its height alone; the Go tool looks at nothing else either.

    Raises:
        ChainError: A field that is needed is missing or of another kind.
    """
    node = answer.take(result, "node_info")
    if node is None and isinstance(answer.take(result, "NodeInfo"), dict):
        names = ("NodeInfo", "SyncInfo", "ValidatorInfo")
        result = dict(zip(("node_info", "sync_info", "validator_info"), map(result.get, names), strict=True))
        lower = result["validator_info"]
        if isinstance(lower, dict):
            result["validator_info"] = {
                "address": lower.get("Address"),
                "voting_power": lower.get("VotingPower"),
            }
    if not named and answer.take(result, "node_info") is None and isinstance(result, dict):
        result = {**result, "node_info": {}}
    node = answer.table(result, what, "node_info")
    sync = answer.table(result, what, "sync_info")
    validator = answer.take(result, "validator_info")
    chain_id = answer.text(node.get("network"))
    catching_up = sync.get("catching_up")
    if not named and catching_up is None:
        catching_up = False
    if (named and not chain_id) or not isinstance(catching_up, bool):
        raise ChainError(f"cannot use the answer of {what}: no chain id or no catching_up")
    return NodeStatus(
        height=answer.height(sync.get("latest_block_height"), f"latest_block_height of {what}"),
        catching_up=catching_up,
        node_id=answer.text(node.get("id")),
        chain_id=chain_id,
        latest_block_time=answer.moment(sync.get("latest_block_time")),
        version=answer.text(node.get("version")),
        validator=answer.text(answer.take(validator, "address")).upper(),
        power=_number(answer.take(validator, "voting_power"), 0),
        earliest=_number(sync.get("earliest_block_height"), 1),
    )


def _number(source: Any, otherwise: int) -> int:
    """Return a number that nothing depends on."""
    try:
        return answer.height(source, "number", missing=otherwise)
    except ChainError:
        return otherwise


def parse_query(result: Any, path: str, what: str) -> bytes:
    """Check the result of `abci_query`; return its value.

    Raises:
        NotServedError: The application has no such query.
        ChainError: Another error of the application, or an answer of another kind.
    """
    import base64
    import binascii

    response = answer.table(result, what, "response")
    code = response.get("code", 0)
    if not isinstance(code, int) or isinstance(code, bool):
        raise ChainError(f"cannot use the answer of {what} to {path}: code is not a number")
    if code:
        log = answer.text(response.get("log"), 1 << 20)[:200]
        # Code 6 of codespace "sdk" is "unknown request": no module routes this path.
        missing = (
            code == 6 and response.get("codespace") in ("sdk", "", None)
        ) or "unknown query path" in log
        kind = NotServedError if missing else ChainError
        raise kind(f"cannot query {path} at {what}: code {code}: {log}", code=code)
    encoded = response.get("value")
    if encoded is None:
        return b""
    if not isinstance(encoded, str):
        raise ChainError(f"cannot use the answer of {what} to {path}: value is not a text")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ChainError(f"cannot use the answer of {what} to {path}: value is not base64") from error


def request(method: str, params: dict[str, Any]) -> bytes:
    """Return the body of a JSON-RPC request."""
    import json

    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return json.dumps(body, separators=(",", ":")).encode()


def query_params(path: str, data: bytes) -> dict[str, Any]:
    """Return the parameters of `abci_query` for the latest height."""
    return {"path": path, "data": data.hex(), "height": "0", "prove": False}


def result_of(data: bytes, what: str) -> Any:
    """Return the result of a JSON-RPC answer.

    Raises:
        ChainError: Not JSON-RPC, or the node's own error.
    """
    whole = answer.parse(data, what)
    if not isinstance(whole, dict):
        raise ChainError(f"cannot use the answer of {what}: not an object")
    error = whole.get("error")
    if error is not None:
        message = f"{answer.take(error, 'message') or ''} {answer.take(error, 'data') or ''}".strip()
        raise ChainError(f"cannot use the answer of {what}: {message[:200] or 'an error without a message'}")
    if "result" not in whole:
        raise ChainError(f"cannot use the answer of {what}: no result")
    return whole["result"]


class Rpc:
    """The RPC of one node.

    One instance belongs to one life of one node: it remembers the chain, the node and the heights that it has
    seen, and refuses an answer of another chain, of another node, or with a height that went backwards, since
    another program may have taken the port.

    Args:
        address: `tcp://host:port`, `http(s)://…`, `unix:///path` or `host:port`.
        timeout: Seconds for one whole exchange.
        chain_id: Chain that must answer; empty takes the first that does.
        node_id: Node that must answer; empty takes the first that does.
    """

    def __init__(self, address: str, timeout: float = 5.0, *, chain_id: str = "", node_id: str = "") -> None:
        self.address = address
        #: The address without what may be secret in it.
        self.name = http.shown(address)
        self.timeout = timeout
        self._expected = (chain_id, node_id)
        self.forget()

    def forget(self) -> None:
        """Begin anew, as for a node that was started again (a rollback may have lowered its heights)."""
        self._chain_id, self._node_id = self._expected
        self._block = self._app = 0

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """Return the result of any method.

        Raises:
            ChainError: No usable answer within the limits.
        """
        data = http.exchange(self.address, request(method, params or {}), self.timeout)
        return result_of(data, self.name)

    def status(self) -> NodeStatus:
        """Ask for the height of the block store and who the node is.

        Raises:
            ChainError: No usable answer, another chain or node, or a height lower than one seen before.
        """
        status = parse_status(self.call("status"), self.name)
        for kind, expected, found in (
            ("chain", self._chain_id, status.chain_id),
            ("node", self._node_id, status.node_id),
        ):
            # The chain is always named; a program that does not name its node can only be known by its chain.
            if expected and found and found.lower() != expected.lower():
                raise ChainError(
                    f"cannot believe {self.name}: {kind} {found[:80]!r} answers there, not {expected!r}",
                    "Check the RPC address (rpc.laddr in config.toml): another node uses this port.",
                    mismatch=kind,
                )
        if status.height < self._block:
            raise ChainError(
                f"cannot believe {self.name}: height {status.height} after {self._block} of the same node"
            )
        self._chain_id, self._node_id = status.chain_id, status.node_id or self._node_id
        self._block = status.height
        return status

    def abci_info(self) -> AppInfo:
        """Ask for height and version of the application.

        Raises:
            ChainError: No usable answer, or a height lower than one seen before.
        """
        response = answer.table(self.call("abci_info"), self.name, "response")
        height = answer.height(
            response.get("last_block_height"), f"last_block_height of {self.name}", missing=0
        )
        if height < self._app:
            raise ChainError(f"cannot believe {self.name}: application height {height} after {self._app}")
        self._app = height
        return AppInfo(height, answer.text(response.get("version")))

    def abci_query(self, path: str, data: bytes = b"") -> bytes:
        """Ask the application at its latest height.

        Args:
            path: A gRPC method, such as `/cosmos.upgrade.v1beta1.Query/CurrentPlan`.
            data: The encoded request message.

        Raises:
            NotServedError: The application has no such query.
            ChainError: No usable answer.
        """
        return parse_query(self.call("abci_query", query_params(path, data)), path, self.name)
