"""What a check has found."""

from __future__ import annotations

from cosmovisor.model.value import value


@value
class Finding:
    """One line of `doctor`.

    Attributes:
        check: Its name.
        outcome: `ok`, `note` (worth knowing) or `wrong`.
        text: What was found.
        fix: What to do; empty where nothing is needed.
    """

    check: str
    outcome: str
    text: str
    fix: str = ""

    def line(self) -> str:
        """Write it for the terminal."""
        mark = {"ok": "✓", "note": "•", "wrong": "✗"}[self.outcome]
        text = f"{mark} {self.check}: {self.text}"
        return f"{text}\n    → {self.fix}" if self.fix else text


def good(check: str, text: str) -> Finding:
    """Make a finding that is in order."""
    return Finding(check, "ok", text)


def note(check: str, text: str, fix: str = "") -> Finding:
    """Make a finding that is worth knowing."""
    return Finding(check, "note", text, fix)


def bad(check: str, text: str, fix: str) -> Finding:
    """Make a finding that must be repaired."""
    return Finding(check, "wrong", text, fix)
