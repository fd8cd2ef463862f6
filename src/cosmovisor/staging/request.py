"""The order that the supervisor or the scout gives to a staging process, and its answers: JSON lines."""

from __future__ import annotations

import json

from cosmovisor.model.errors import PlanError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import value
from cosmovisor.plan import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, TextIO

    from cosmovisor.staging.record import Record

#: A plan's info is part of a transaction; 10 MB of it is an attack.
LARGEST = 16 * 1024 * 1024
_FLAGS = ("urgent", "execute", "cancelled", "recheck", "download", "operator")


@value
class Request:
    """What to stage.

    Attributes:
        plan: The plan.
        urgent: True at the height: no low priority, no probes.
        execute: True where the plan is scheduled; the binary of a proposal in voting is never run.
        cancelled: True where the plan is gone: what was fetched for it is taken out again.
        recheck: True where everything is to be proven again in full, the digest above all.
        download: True where the operator asks by hand: then downloads are allowed whatever the setting says.
        operator: True where the operator names the binary of a plan of this name: whatever the chain's own
            info says later, the proof stays good.
        node_home: The node's home, where the parent knows it; empty leaves it to the environment.
        parent: Process id of who asks, whose end ends this too; 0 where it was not told.
    """

    plan: Plan
    urgent: bool = False
    execute: bool = True
    cancelled: bool = False
    recheck: bool = False
    download: bool = False
    operator: bool = False
    node_home: str = ""
    parent: int = 0


def read(stream: BinaryIO) -> Request:
    """Read a request: one JSON object with `name`, `height`, `info`, and the flags.

    Raises:
        PlanError: It is not one, or its name can never be a folder.
    """
    data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise PlanError(f"the plan is larger than {LARGEST} bytes", "No binary is fetched for such a plan.")
    try:
        document = json.loads(data)
        name, height, info = document["name"], document["height"], document.get("info", "")
        flags = {word: document[word] for word in _FLAGS if word in document}
        node_home, parent = document.get("node_home", ""), document.get("parent", 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise PlanError("the plan on standard input is not a JSON object with name and height") from None
    texts, numbers = (name, info, node_home), (height, parent)
    good = all(isinstance(one, str) for one in texts) and all(type(one) is int for one in numbers)
    if not good or not all(isinstance(flag, bool) for flag in flags.values()):
        raise PlanError("the plan on standard input has a member of the wrong type")
    return Request(Plan(names.check(name), height, info), **flags, node_home=node_home, parent=parent)


class Answers:
    """Writes the JSON lines that the parent reads."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def progress(self, text: str) -> None:
        """Say what is being done."""
        self._line({"event": "progress", "text": text})

    def staged(self, record: Record, committed: bool) -> None:
        """Say that the binary is there: in its place (`committed`), or kept until the plan is scheduled."""
        from cosmovisor.model import confidence

        stated = confidence.of(record.trust, record.opinions)
        self._line(
            {
                "event": "staged",
                "path": record.path,
                "sha256": record.sha256,
                "source": record.source,
                "trust": record.trust,
                "confidence": {"level": stated.level, "text": stated.text},
                "committed": committed,
                "warnings": [proof.text for proof in record.proofs if proof.outcome == "warning"],
            }
        )

    def failed(self, reason: str, fix: str, retry_after: float | None) -> None:
        """Say why there is no binary, and when it makes sense to try again (seconds; None: not by itself)."""
        self._line({"event": "failed", "reason": reason, "fix": fix, "retry_after": retry_after})

    def done(self, text: str) -> None:
        """Say that there was nothing to stage."""
        self._line({"event": "done", "text": text})

    def _line(self, document: dict[str, object]) -> None:
        self.stream.write(json.dumps(document, ensure_ascii=True) + "\n")
        self.stream.flush()
