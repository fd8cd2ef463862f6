"""`cosmovisor adopt`: what the data says against folders, link and history."""

from __future__ import annotations

from typing import Any

import click

from cosmovisor.cli.common import Session, command


@command("adopt")
@click.option("--fix", is_flag=True, help="Do what is safe; the node must be down.")
@click.option("--use", default="", metavar="NAME", help="With --fix: make this version active.")
def adopt(session: Session, fix: bool, use: str) -> int:
    """Find out which version fits the data: after a snapshot, a moved home, a lost state document.

    Without --fix nothing is changed. With it the data is recorded, history rebuilt from folders and
    markers, and the link set to the version that fits, exactly as a start would do it.
    """
    from cosmovisor.care import adopt as care
    from cosmovisor.care import look
    from cosmovisor.model.errors import UsageError

    if use and not fix:
        raise UsageError("--use changes the link", "Add --fix.")
    view = look.take(session.settings, session.environ, session.config_file)
    done: tuple[str, ...] = ()
    if fix:
        adopted = care.fix(view, use)
        view, done = adopted.view, adopted.done
    facts = care.examine(view)
    decision = view.decision
    version = None if decision.version is None else decision.version.folder
    width = max(len(label) for label, _ in facts)
    lines = [f"{label.ljust(width)}  {text}" for label, text in facts]
    lines += [
        f"{'a start would'.ljust(width)}  {decision.do} {version or ''}".rstrip(),
        f"  {decision.reason}",
    ]
    if decision.next_step:
        lines.append(f"  → {decision.next_step}")
    then = view.outcome
    if (then.do, then.version) != (decision.do, decision.version):
        folder = "" if then.version is None else then.version.folder
        lines += [f"{'and then'.ljust(width)}  {then.do} {folder}".rstrip(), f"  {then.reason}"]
        lines += [f"  → {then.next_step}"] if then.next_step else []
    if fix:
        lines += ["", *([f"Done: {text}." for text in done] or ["Nothing had to be done."])]
    document: dict[str, Any] = {
        "facts": dict(facts),
        "fits": [one.folder for one in view.facts.fits],
        "decision": {"do": decision.do, "row": decision.row, "reason": decision.reason, "version": version},
        "next": decision.next_step,
        "then": {
            "do": then.do,
            "row": then.row,
            "reason": then.reason,
            "version": None if then.version is None else then.version.folder,
        },
        "done": list(done),
    }
    session.show("\n".join(lines), document)
    return 1 if decision.do == "refuse" else 0


COMMAND = adopt
