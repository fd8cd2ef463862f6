"""`cosmovisor completion`: what a shell needs to complete our words."""

from __future__ import annotations

import click
from click import shell_completion

from cosmovisor.cli.common import CONTEXT
from cosmovisor.model.errors import UsageError

_VARIABLE = "_COSMOVISOR_COMPLETE"
_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", context_settings=CONTEXT)
@click.argument("shell", required=False, metavar="bash|zsh|fish")
@click.option("--no-descriptions", is_flag=True, hidden=True)
@click.pass_context
def completion(context: click.Context, shell: str | None, no_descriptions: bool) -> None:  # noqa: ARG001
    """Print completion for a shell; load it with `source <(cosmovisor completion bash)`."""
    if shell is None:
        click.echo(context.get_help())
        return
    if shell not in _SHELLS:
        raise UsageError(f"there is no completion for {shell[:40]!r}", f"Choose one of {', '.join(_SHELLS)}.")
    found = shell_completion.get_completion_class(shell)
    if found is None:
        raise UsageError(f"there is no completion for {shell!r}", "Update the click library.")
    maker = found(context.find_root().command, {}, "cosmovisor", _VARIABLE)
    # Not `source()`: for bash that runs the shell to ask its version.
    click.echo(maker.source_template % maker.source_vars())


COMMAND = completion
