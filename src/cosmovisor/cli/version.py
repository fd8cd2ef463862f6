"""`cosmovisor version`: our own, and the daemon's."""

from __future__ import annotations

import json
import subprocess
import sys

import click

from cosmovisor import __version__
from cosmovisor.cli.common import Session, command
from cosmovisor.config.load import require
from cosmovisor.model.errors import CosmovisorError

_PATIENCE = 60
_LONGEST = 1024 * 1024


@command("version", output_words=False)
@click.option("--cosmovisor-only", is_flag=True, help="Show the version of cosmovisor alone.")
@click.argument("words", nargs=-1, metavar="[ARGUMENTS FOR THE DAEMON'S version]")
def version(session: Session, cosmovisor_only: bool, words: tuple[str, ...]) -> int:
    """Show the version of cosmovisor, then what the daemon's own `version` says.

    The daemon is the binary that would run now; it is only asked, never supervised.
    """
    if session.as_json:
        found: dict[str, object] = {"cosmovisor_version": __version__}
        if not cosmovisor_only:
            found["app_version"] = _app_version(session)
        click.echo(json.dumps(found, separators=(",", ":")))
        return 0
    click.echo(f"cosmovisor version: {__version__}")
    if cosmovisor_only:
        return 0
    try:
        require(session.loaded)
    except CosmovisorError as error:
        error.cause = f"failed to run version command: {error.cause}"
        raise
    if sys.stdout:
        sys.stdout.flush()
    from cosmovisor.cli.starting import run_node

    return run_node(["version", *words], session.config_file)


def _app_version(session: Session) -> object:
    """Ask the right binary; a child of ours finds it exactly as `run` would."""
    require(session.loaded)
    option = [] if session.config_file is None else [f"--cosmovisor-config={session.config_file}"]
    arguments = [sys.executable, "-m", "cosmovisor", *option, "run"]
    arguments += ["version", "--long", "--output", "json"]
    try:
        answer = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise CosmovisorError(
            f"the daemon has not said its version within {_PATIENCE} s",
            "Ask it yourself: cosmovisor run version --long",
        ) from None
    # Daemons of older SDK versions print it on standard error.
    for text in (answer.stdout, answer.stderr):
        try:
            return json.loads(text[:_LONGEST])
        except ValueError:
            continue
    got = (answer.stdout or answer.stderr)[:200].decode("utf-8", "replace").strip()
    raise CosmovisorError(
        f"can't print version output, expected valid json from APP, got: {got!r}",
        "Ask it yourself: cosmovisor run version --long --output json",
    )


COMMAND = version
