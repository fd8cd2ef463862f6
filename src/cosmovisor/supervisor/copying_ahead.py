"""Copies ahead of the backup what the node will never write again; a process of its own, at low priority."""

from __future__ import annotations

import os
import signal
import sys

from cosmovisor import backup
from cosmovisor.config import load
from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.staging import priority
from cosmovisor.storage import light_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(arguments: list[str]) -> int:
    """Read the plan from standard input, copy, and answer in JSON lines.

    Args:
        arguments: The node's home, and `--cosmovisor-config FILE` if the supervisor has one.
    """
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    question = light_json.loads(sys.stdin.buffer.readline())
    # Left behind by a supervisor that was killed, it would copy on beside the next one's backup.
    priority.end_with_parent(int(question.get("supervisor", 0)))
    plan = Plan(str(question["name"]), int(question["height"]), str(question["info"]))
    try:
        settings = load.require(load.load(os.environ, arguments[2] if len(arguments) > 2 else None))
        priority.lower(urgent=False)
        copied = backup.precopy(
            settings, arguments[0], plan, lambda: bool(ended), lambda text: _answer(progress=text)
        )
    except CosmovisorError as error:
        _answer(error=error.cause)
        return 1
    _answer(bytes=copied)
    return 0


def _answer(**answer: Any) -> None:
    sys.stdout.write(light_json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
