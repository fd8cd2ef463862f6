"""Heights of this home: from the living node, or from what a stopped one has left on the disk."""

from __future__ import annotations

import os
import time

from cosmovisor.model.errors import ChainError
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.chain.rpc import NodeStatus, Rpc

#: Seconds for one RPC answer, and for one answer of the daemon's own `status`.
_RPC_TIMEOUT = 2.0
_STATUS_TIMEOUT = 10.0
#: Seconds between two runs of the daemon's `status`: so many times what one costs, within these bounds.
_STATUS_SHARE, _STATUS_LEAST, _STATUS_MOST = 20.0, 0.3, 10.0
#: Entries of the data folder that are looked at for the newest change.
_LOOKS = 20_000


@value
class Found:
    """What the sources said, all at the same moment.

    Attributes:
        b: Block-store height.
        a: Application height.
        tried: True if every source was asked and none has given an exact height.
        chain_id: The chain of the node that answered; empty where none did.
    """

    b: Evidence = UNKNOWN
    a: Evidence = UNKNOWN
    tried: bool = False
    chain_id: str = ""


class Heights:
    """The sources of heights; remembers what one life of the node teaches.

    Args:
        context: The home.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._started_at = self._ended_at = 0.0
        self._binary = ""
        #: The last heights that any source gave, for those who look at `status`.
        self.last: tuple[Evidence, Evidence] = (UNKNOWN, UNKNOWN)
        self._arguments: tuple[str, ...] = context.arguments
        self._rpc: Rpc | None = None
        self._identity: tuple[str, str] | None = None
        self._asked_status = (0.0, 0.0, UNKNOWN)
        self._wal: tuple[object, Evidence] = (None, UNKNOWN)
        self._remembered: dict[int, float] = {}
        #: The last record of a log that lies above the block store: until another follows it tells nothing.
        self._foreign: tuple[int, float] | None = None

    def begin(self, binary: str, arguments: tuple[str, ...], started_at: float) -> None:
        """A node was started: another life, other memories."""
        self._binary, self._arguments = binary, arguments
        self._started_at, self._ended_at = started_at, 0.0
        self._rpc, self._asked_status = None, (0.0, 0.0, UNKNOWN)
        self._remembered = {}

    def end(self, ended_at: float) -> None:
        """The node has ended."""
        self._ended_at = ended_at
        self._wal = (None, UNKNOWN)

    def at_rest(self, *, thorough: bool) -> Found:
        """Read what a stopped node has left: the write-ahead log, and if asked to the block store.

        A block is in the store before its record is in the log. A log that ends above the store was there
        before the databases were brought in, and is evidence of other data.
        """
        if is_untouched(self._context.data):
            return Found(Evidence(0, "exact", "untouched data", time.time()))
        b = self._write_ahead_log()
        if thorough and b.strength != "exact":
            store = self._block_store()
            if store.strength == "exact":
                self._foreign = (b.height, b.at) if b.height > store.height else None
                b = store
        return Found(b, UNKNOWN, tried=b.strength == "unknown")

    def living(self, *, wanted: bool, chain_id: str, node_id: str) -> Found:
        """Ask the living node.

        Args:
            wanted: A plan is about: where RPC is silent the slower sources are asked too.
            chain_id: The chain that is remembered; the node's genesis goes first; empty: any.
            node_id: The node that is remembered; its node key goes first; empty: any.
        """
        chain_id, node_id = self._expected(chain_id, node_id)
        found = self._keep(self._ask_rpc(chain_id, node_id))
        if found.b.strength == "exact" or not wanted or self._ended_at:
            return found  # The end of the node is asked about by itself, and must not wait for slow sources.
        b = self._ask_status(chain_id, node_id)
        if b.strength == "unknown":
            b = self._write_ahead_log()
        return self._keep(Found(b, found.a, tried=b.strength != "exact"))

    def _expected(self, chain_id: str, node_id: str) -> tuple[str, str]:
        """Return who must answer: as the node's own files tell, else as remembered.

        Without this the first that answers would be believed, whoever has taken the port, and the chain id of
        data that was there before a new genesis would keep the node from ever being believed.
        """
        if self._identity is None:
            from cosmovisor.chain import keys

            context = self._context
            self._identity = keys.identity(
                self._arguments, context.environ, context.settings.daemon_name, context.node_home
            )
        return self._identity[0] or chain_id, self._identity[1] or node_id

    def refresh(self, chain_id: str, node_id: str) -> None:
        """Ask the living node's RPC for the sake of `last`."""
        self._keep(self._ask_rpc(chain_id, node_id))

    def _keep(self, found: Found) -> Found:
        kept = tuple(
            new if new.strength != "unknown" else old
            for new, old in zip((found.b, found.a), self.last, strict=True)
        )
        self.last = (kept[0], kept[1])
        return found

    def record_times(self, plans: tuple[Plan, ...]) -> tuple[tuple[int, float], ...]:
        """Return (height, time) of the log's last record and of those for H-2, H-1, H of each plan."""
        last = self._write_ahead_log()
        if last.strength == "unknown":
            return ()
        times = {last.height: last.at}
        for plan in plans:
            # Far from the height nothing is looked up: each look reads files of many megabytes.
            if plan.height - 2 <= last.height <= plan.height + 100:
                times.update(self._times(range(plan.height - 2, plan.height + 1), last.height))
        return tuple(sorted((height, at) for height, at in times.items() if at))

    def _times(self, wanted: range, last: int) -> dict[int, float]:
        from cosmovisor.chain import wal

        folder = os.path.join(self._context.data, "cs.wal")
        missing = [height for height in wanted if height < last and height not in self._remembered]
        if missing:
            self._remembered.update(wal.times_of(folder, missing))
        return {height: self._remembered[height] for height in wanted if height in self._remembered}

    def _ask_rpc(self, chain_id: str, node_id: str) -> Found:
        from cosmovisor.chain import address, rpc

        now = time.time()
        if self._rpc is None:
            context = self._context
            where = address.rpc_address(
                self._arguments, context.environ, context.settings.daemon_name, context.node_home
            )
            if not where:
                return Found()
            self._rpc = rpc.Rpc(where, _RPC_TIMEOUT, chain_id=chain_id, node_id=node_id)
        try:
            status = self._rpc.status()
        except ChainError:
            return Found()
        try:
            a = Evidence(self._rpc.abci_info().height, "exact", "rpc", now)
        except ChainError:
            a = UNKNOWN
        if not status.height:
            return Found(UNKNOWN, a, chain_id=status.chain_id)
        return Found(Evidence(status.height, "exact", "rpc", now), a, chain_id=status.chain_id)

    def _ask_status(self, chain_id: str, node_id: str) -> Evidence:
        """Run the daemon's own `status`, not too often: an answer counts until the next one."""
        at, cost, last = self._asked_status
        pause = min(_STATUS_MOST, max(_STATUS_LEAST, cost * _STATUS_SHARE))
        if not self._binary or (at and time.monotonic() - at - cost < pause):
            return last
        from cosmovisor.chain import daemon_status

        context, began, found = self._context, time.monotonic(), UNKNOWN
        try:
            status: NodeStatus = daemon_status.ask(
                self._binary, context.node_home, _STATUS_TIMEOUT, environ=context.environ, node_id=node_id
            )
            same_chain = not (chain_id and status.chain_id) or status.chain_id == chain_id
            if status.height and same_chain:
                found = Evidence(status.height, "exact", "daemon status", time.time())
        except ChainError:
            found = UNKNOWN
        self._asked_status = (began, time.monotonic() - began, found)
        return found

    def _write_ahead_log(self) -> Evidence:
        folder = os.path.join(self._context.data, "cs.wal")
        state = _stamp(folder)
        if state is None:
            return UNKNOWN
        if self._wal[0] != state:
            from cosmovisor.chain import wal

            self._wal = (state, wal.evidence(folder, self._started_at, self._ended_at))
        found = self._wal[1]
        return UNKNOWN if (found.height, found.at) == self._foreign else found

    def _block_store(self) -> Evidence:
        from cosmovisor.chain import block_store

        try:
            return block_store.height(self._context.data, self._context.layout.root)
        except ChainError:
            return UNKNOWN  # Another engine, or its library is not installed: `doctor` says so.


def _stamp(folder: str) -> object:
    """Return something that changes whenever the log does, or None where there is none."""
    try:
        status = os.stat(os.path.join(folder, "wal"))
        return (status.st_ino, status.st_size, status.st_mtime_ns, os.stat(folder).st_mtime_ns)
    except OSError:
        return None


def is_untouched(data: str) -> bool:
    """Tell whether no node has ever run on this data: `init` leaves nothing there but a zeroed sign-state."""
    try:
        return set(os.listdir(data)) <= {"priv_validator_state.json"}
    except OSError:
        return False


def newest_change(data: str) -> float | None:
    """Return the newest change below a data folder and in its databases, seconds since the epoch."""
    newest, left = 0.0, _LOOKS
    pending = [(data, 0)]
    while pending and left > 0:
        folder, depth = pending.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        break
                    try:
                        status = entry.stat(follow_symlinks=False)
                        is_folder = entry.is_dir(follow_symlinks=False)
                    except OSError:
                        continue
                    newest = max(newest, status.st_mtime)
                    if is_folder and depth < 1:
                        pending.append((entry.path, depth + 1))
        except OSError:
            continue
    return newest or None
