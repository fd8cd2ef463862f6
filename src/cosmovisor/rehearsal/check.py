"""One thing that was checked, and what it means for the night."""

from __future__ import annotations

from cosmovisor.model.value import value


@value
class Check:
    """An outcome.

    Attributes:
        outcome: `ok`, `warning`, or `failed`: the night would fail.
        subject: What was checked, in one or two words.
        text: What was found.
        fix: What the operator can do; empty where nothing is needed.
    """

    outcome: str
    subject: str
    text: str
    fix: str = ""

    def line(self) -> str:
        """Say it in one line for the terminal."""
        mark = {"ok": "✓", "warning": "•", "failed": "✗"}[self.outcome]
        return f"{mark} {self.subject}: {self.text}" + (f"\n    {self.fix}" if self.fix else "")


def ok(subject: str, text: str) -> Check:
    """Say that something is in order."""
    return Check("ok", subject, text)


def warning(subject: str, text: str, fix: str = "") -> Check:
    """Say what is worth knowing."""
    return Check("warning", subject, text, fix)


def failed(subject: str, text: str, fix: str = "") -> Check:
    """Say what makes the night fail."""
    return Check("failed", subject, text, fix)
