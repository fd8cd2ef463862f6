"""The validator's sign-state: the highest height, round and step that this file knows a signature for.

Read only. A file that says height 0 has never signed and is no evidence; a missing, a malformed and a zeroed
file are different things, since the first two may hide a key that has signed.
"""

from __future__ import annotations

from cosmovisor.chain import answer, node_config
from cosmovisor.model.errors import ChainError
from cosmovisor.model.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["signed", "zeroed", "missing", "malformed"]

#: Bytes; a real file has about 500.
FILE_LIMIT = 1 << 16


@value
class SignState:
    """What a sign-state file says.

    Attributes:
        kind: `signed`, `zeroed` (height 0: never signed), `missing` or `malformed`.
        height: Height of the last signature.
        round: Its round.
        step: 1 proposal, 2 prevote, 3 precommit; 0 where nothing was signed.
        reason: Why the file is malformed; empty otherwise.
    """

    kind: Kind
    height: int = 0
    round: int = 0
    step: int = 0
    reason: str = ""

    @property
    def position(self) -> tuple[int, int, int]:
        """Height, round and step: compared in this order, as CometBFT does."""
        return self.height, self.round, self.step

    def is_below(self, other: SignState) -> bool:
        """Tell whether signing on with this file could contradict a signature that `other` knows of."""
        return self.position < other.position

    def text(self) -> str:
        """Say the position in words for the log."""
        if self.kind != "signed":
            return {"zeroed": "height 0 (never signed)"}.get(self.kind, self.kind)
        return f"height {self.height}, round {self.round}, step {self.step}"


def highest(*states: SignState) -> SignState:
    """Return the highest of some states."""
    return max(states, key=lambda state: state.position)


def parse(data: bytes) -> SignState:
    """Read the text of a sign-state file; anything that CometBFT would not read is `malformed`."""
    what = "the sign-state file"
    if not data.strip():
        return SignState("malformed", reason="the file is empty")
    try:
        state = answer.table(answer.parse(data, what), what)
        height = answer.height(state.get("height"), "height")
        numbers = []
        for name, limit in (("round", 1 << 31), ("step", 128)):
            number = state.get(name, 0)
            if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < limit:
                return SignState(
                    "malformed", reason=f"{name} is {str(number)[:40]!r}, not a small whole number"
                )
            numbers.append(number)
    except ChainError as error:
        return SignState("malformed", reason=error.cause)
    kind: Kind = "signed" if height or any(numbers) else "zeroed"
    return SignState(kind, height, numbers[0], numbers[1])


def load(path: str) -> SignState:
    """Read a sign-state file.

    Args:
        path: `data/priv_validator_state.json` of the node, or where its configuration puts it.

    Returns:
        The state; never raises. A file that exists but cannot be read is `malformed`, with the reason.
    """
    import os

    try:
        os.stat(path)
    except FileNotFoundError:
        return SignState("missing")
    except OSError as error:
        return SignState("malformed", reason=(error.strerror or "unreadable").lower())
    data = node_config.read_bounded(path, FILE_LIMIT)
    if data is None:
        return SignState("malformed", reason=f"not a readable file of at most {FILE_LIMIT} bytes")
    return parse(data)
