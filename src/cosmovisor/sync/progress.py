"""Where a sync stands: numbers out of the supervisor's snapshots, as a line, a bar or JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from cosmovisor.scout import eta
from cosmovisor.sync.plan import SyncPlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Sights kept for the speed, and the seconds between two of them.
_SIGHTS, _APART = 90, 2.0
#: Characters of the bar, and of the one in a narrow terminal.
_WIDE, _NARROW = 24, 12


class Progress:
    """Collects sights of the height.

    Args:
        plan: The upgrades.
        start: The height at which this sync began.

    Attributes:
        height: The newest height.
        goal: The height to reach: the last upgrade, or the chain's tip where that is known.
        version: The version that runs.
        phase: What the supervisor is doing.
        waiting: What it waits for.
    """

    def __init__(self, plan: SyncPlan, start: int = 0) -> None:
        self._plan = plan
        self.height = start
        self.application = 0
        self.goal = max([start, *(step.height for step in plan.steps)])
        self.version = ""
        self.phase = ""
        self.waiting = ""
        self._sights: deque[eta.Mark] = deque(maxlen=_SIGHTS)

    @property
    def done(self) -> int:
        """Upgrades that the data has behind it."""
        return sum(step.height <= self.application or step.height < self.height for step in self._plan.steps)

    def take(self, snapshot: Mapping[str, Any], now: float) -> None:
        """Take the numbers out of a snapshot."""
        heights = snapshot.get("heights") or {}
        node = snapshot.get("node") or {}
        link = snapshot.get("link") or {}
        self.version = str(node.get("version") or link.get("version") or self.version)
        self.phase = str(snapshot.get("phase") or "")
        self.waiting = str(snapshot.get("waiting") or "")
        self.application = max(self.application, _height(heights.get("application")))
        self.see(_height(heights.get("block")), now)

    def see(self, height: int, now: float) -> None:
        """Take a height that was just seen."""
        if height <= self.height and self._sights:
            return
        self.height = max(self.height, height)
        if not self._sights or now - self._sights[-1].time >= _APART:
            self._sights.append(eta.Mark(self.height, now))

    def estimate(self, now: float) -> eta.Eta | None:
        """Return when the goal is reached at the speed of the last minutes."""
        newest = eta.Mark(self.height, now)
        return eta.estimate([*self._sights, newest], self.goal, now, syncing=True)

    def text(self, now: float) -> str:
        """Say it in one line."""
        parts = [self._at(), self._upgrades(), *self._running()]
        guess = self.estimate(now)
        if guess is not None:
            earliest, latest = eta.duration(guess.earliest - now), eta.duration(guess.latest - now)
            left = f"{eta.duration(guess.at - now)} left ({earliest} to {latest})"
            parts += [f"{1 / guess.interval:,.1f} blocks/s", left]
        return ", ".join([*parts, *self._awaited()])

    def bar(self, now: float, width: int = 200) -> str:
        """Return the line with a bar in front, shorter than a terminal's width.

        What does not fit is left out from the end, so a narrow line begins with the time left.
        """
        part = min(self.height / self.goal, 1.0) if self.goal else 1.0
        whole = f"{_bar(part, _WIDE)} {self.text(now)}"
        if len(whole) < width:
            return whole
        guess = self.estimate(now)
        left = [f"{eta.duration(guess.at - now)} left"] if guess is not None else []
        parts = [*left, self._upgrades(), *self._awaited(), *self._running(), self._at()]
        line = f"{_bar(part, _NARROW)} {parts.pop(0)}"
        for each in parts:
            if len(line) + len(each) + 2 < width:
                line += f", {each}"
        return line[: width - 1]

    def _at(self) -> str:
        return f"height {self.height:,} of {self.goal:,}"

    def _upgrades(self) -> str:
        return f"upgrade {self.done} of {len(self._plan.steps)}"

    def _running(self) -> list[str]:
        return [f"running {self.version}"] if self.version else []

    def _awaited(self) -> list[str]:
        return [f"waiting: {self.waiting[:120]}"] if self.waiting else []

    def document(self, now: float) -> dict[str, object]:
        """Return it for JSON."""
        guess = self.estimate(now)
        return {
            "at": now,
            "height": self.height,
            "goal": self.goal,
            "upgrades_done": self.done,
            "upgrades": len(self._plan.steps),
            "version": self.version,
            "phase": self.phase,
            "waiting": self.waiting,
            "eta": guess.document() if guess else None,
        }


def _bar(part: float, characters: int) -> str:
    full = int(part * characters)
    return f"[{'#' * full}{'-' * (characters - full)}] {part:4.0%}"


def _height(evidence: object) -> int:
    found = evidence.get("height") if isinstance(evidence, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else 0
