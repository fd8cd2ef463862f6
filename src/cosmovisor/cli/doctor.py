"""`cosmovisor doctor`: everything that can be checked, with the fix."""

from __future__ import annotations

from cosmovisor.cli.common import Session, command


@command("doctor")
def doctor(session: Session) -> int:
    """Check configuration, folders, binaries, processes, heights, space and backup.

    ✓ is in order, • is worth knowing, ✗ must be repaired: then the exit status is 1.
    """
    from cosmovisor.care import doctor as care
    from cosmovisor.model.value import fields

    findings = care.examine(session.loaded, session.environ, session.config_file)
    wrong = [finding for finding in findings if finding.outcome == "wrong"]
    lines = [finding.line() for finding in findings]
    lines.append(f"\n{len(wrong)} to repair." if wrong else "\nNothing to repair.")
    found = [{name: getattr(finding, name) for name in fields(finding)} for finding in findings]
    session.show("\n".join(lines), {"ok": not wrong, "findings": found})
    return 1 if wrong else 0


COMMAND = doctor
