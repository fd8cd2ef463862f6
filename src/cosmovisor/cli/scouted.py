"""What the scout has told, as lines of `status`: when the height is expected, and what is being voted on."""

from __future__ import annotations

import time
from typing import Any

#: Proposals and events that are shown, and letters of a text from the chain.
_PROPOSALS, _EVENTS, _TEXT = 5, 3, 80


def expected(found: dict[str, Any], plan: dict[str, Any], now: float) -> list[str]:
    """Say when the height of a plan is expected; nothing where the scout speaks of another height.

    Args:
        found: The snapshot.
        plan: The plan in it.
        now: Seconds since the epoch.
    """
    guess = _told(found, "eta")
    try:
        if guess is None or guess["height"] != plan["height"]:
            return []
        at, earliest, latest = float(guess["at"]), float(guess["earliest"]), float(guess["latest"])
        left, interval = int(guess["left"]), float(guess["interval"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return []
    if at <= now:
        return [f"expected at any moment ({left} blocks left when a block was last seen)"]
    between = f"between {_clock(earliest)} and {_clock(latest)}"
    text = f"expected in {_span(at, now)}, at {_clock(at)} ({between}; {left} blocks of {interval:.2f} s)"
    return [text + (", by the speed of catching up" if guess.get("syncing") else "")]


def proposals(found: dict[str, Any], now: float) -> list[str]:
    """Say what is being voted on that would schedule or cancel an upgrade."""
    listed = (found.get("scout") or {}).get("proposals")
    lines: list[str] = []
    for one in (listed if isinstance(listed, list) else [])[:_PROPOSALS]:
        if isinstance(one, dict):
            lines += _proposal(one, now)
    return lines


def events(found: dict[str, Any]) -> list[str]:
    """Say what the scout has noticed last."""
    listed = (_told(found, "note") or {}).get("events")
    return [
        f"{_clock(one['at'])}  {_clean(one.get('text'), 2 * _TEXT)}"
        for one in (listed if isinstance(listed, list) else [])[-_EVENTS:]
        if isinstance(one, dict) and isinstance(one.get("at"), int | float)
    ]


def problems(found: dict[str, Any]) -> list[str]:
    """Say which nodes do not answer the scout or are not believed."""
    listed = (_told(found, "note") or {}).get("problems")
    return [f"✗ {_clean(text, 3 * _TEXT)}" for text in (listed if isinstance(listed, dict) else {}).values()]


def _proposal(one: dict[str, Any], now: float) -> list[str]:
    listed = one.get("plans")
    plans = [plan for plan in (listed if isinstance(listed, list) else []) if isinstance(plan, dict)]
    named = [f"{_clean(plan.get('name'))} at height {_clean(plan.get('height'))}" for plan in plans]
    what = ", ".join(named) or ("cancels the scheduled upgrade" if one.get("cancels") else "")
    end = one.get("voting_end")
    until = f", voting ends in {_span(end, now)}" if isinstance(end, int | float) and end > now else ""
    title = f" ({_clean(one.get('title'))})" if one.get("title") else ""
    lines = [f"{_clean(one.get('id'))}{title}: {what}{until}{_tally(one.get('tally'))}"]
    return [*lines, *(f"  binary: {_clean(plan['binary'], 200)}" for plan in plans if plan.get("binary"))]


def _tally(tally: object) -> str:
    """Shares of the votes so far."""
    names = {"yes": "yes", "no": "no", "no_with_veto": "veto", "abstain": "abstain"}
    try:
        counts = {word: int(tally[key]) for key, word in names.items()}  # type: ignore[index]
        total = sum(counts.values())
        shares = {word: 100 * count / total for word, count in counts.items()} if total > 0 else {}
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""
    return "; " + (", ".join(f"{word} {share:.1f} %" for word, share in shares.items()) or "no votes yet")


def _told(found: dict[str, Any], key: str) -> dict[str, Any] | None:
    value = (found.get("scout") or {}).get(key)
    return value if isinstance(value, dict) else None


def _clean(text: object, limit: int = _TEXT) -> str:
    """Make words of the chain fit to be shown."""
    return "".join(each if each.isprintable() else "?" for each in str(text))[:limit]


def _span(at: float, now: float) -> str:
    from cosmovisor.scout.eta import duration

    try:
        return duration(at - now)
    except (OverflowError, ValueError):
        return "a time out of reach"


def _clock(at: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return "a time out of reach"
