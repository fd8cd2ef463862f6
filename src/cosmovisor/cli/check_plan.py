"""`cosmovisor check-plan`: what every operator's tool would do with a plan."""

from __future__ import annotations

import sys
import tempfile

import click

from cosmovisor.cli.common import Session, command

_LARGEST = 16 * 1024 * 1024


@command("check-plan")
@click.argument("plan")
@click.option("--daemon", metavar="NAME", help="File name of the daemon; DAEMON_NAME where it is not given.")
@click.option(
    "--platform", "wanted", multiple=True, metavar="OS/ARCH", help="A platform that must be served."
)
def check_plan(session: Session, plan: str, daemon: str | None, wanted: tuple[str, ...]) -> None:
    """Do with PLAN what every operator's tool would do, ours and the Go versions'.

    Every platform that it names is looked at.

    PLAN is a file with a plan, a proposal or plan info, such a text itself, or the URL of one; - reads
    standard input. The report can be pasted into the proposal. Ends with 0 if every tool gets a binary that
    can run.
    """
    from cosmovisor.model.errors import UsageError
    from cosmovisor.staging import check_plan as checking
    from cosmovisor.staging import platforms
    from cosmovisor.staging.network import Network

    name = daemon or session.environ.get("DAEMON_NAME", "")
    if not name or "/" in name:
        raise UsageError("the daemon's name is not known", "Name it: --daemon evmosd")
    for word in wanted:
        if platforms.parse(word) is None:
            raise UsageError(f"{word!r} is no platform", "Write it as linux/amd64.")
    text = _text(plan)
    with tempfile.TemporaryDirectory(prefix="check-plan-") as folder:
        report = checking.check(
            checking.read(text),
            name,
            folder,
            Network(),
            lambda line: click.echo(line, err=True),
            wanted=wanted,
        )
    document = {
        "name": report.plan.name,
        "height": report.plan.height,
        "good": report.good,
        "verdicts": {
            tool: {key: {"works": item.works, "reason": item.reason} for key, item in columns.items()}
            for tool, columns in report.verdicts.items()
        },
        "findings": [
            {"outcome": item.outcome, "platform": item.platform, "text": item.text}
            for item in report.findings
        ],
    }
    session.show(checking.markdown(report).rstrip("\n"), document)
    if not report.good:
        click.get_current_context().exit(1)


def _text(plan: str) -> str:
    from cosmovisor.model.errors import UsageError

    if plan == "-":
        data = sys.stdin.buffer.read(_LARGEST)
        return data.decode("utf-8", "replace")
    if plan.lstrip().startswith(("{", "'", '"')) or "://" in plan:
        return plan
    try:
        with open(plan, "rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(
            f"cannot read {plan}: {error.strerror}", "Name a file, a JSON text or a URL."
        ) from None


COMMAND = check_plan
