"""The command line: finds the command, runs it, turns every error into a text and a status."""

from __future__ import annotations

import sys
from typing import Any

import click

from cosmovisor import __version__
from cosmovisor.cli import boundary
from cosmovisor.cli.catalog import COMMANDS
from cosmovisor.cli.common import CONTEXT
from cosmovisor.config.warnings import closest
from cosmovisor.model.errors import CosmovisorError, UsageError

PROGRAM = "cosmovisor"
DOCUMENTATION = "https://docs.cosmos.network/main/build/tooling/cosmovisor"

INTRODUCTION = """\
cosmovisor keeps a Cosmos SDK node on the right binary: it runs the daemon, learns of upgrades
ahead, and at the upgrade height stops, backs up, switches and starts again.

It is set up by environment variables (or cosmovisor/config.toml). Two are needed: DAEMON_NAME,
the file name of the daemon, and DAEMON_HOME, the folder that holds cosmovisor/ with the binaries.
"""

WINDOWS = CosmovisorError(
    "cosmovisor does not run on Windows: it needs the signals, links and locks of Linux or macOS",
    "Use Windows Subsystem for Linux (WSL 2).",
)


class Root(click.Group):
    """The group of all commands; each is imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None where there is none of this name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        import importlib

        found = importlib.import_module(entry.module).COMMAND
        if not isinstance(found, click.Command):
            raise TypeError(f"{entry.module}.COMMAND is not a command")
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word, or say what was meant."""
        word = args[0]
        if word not in COMMANDS and not word.startswith("-"):
            raise unknown(word)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the overview by sections, without importing any command."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        width = max(len(name) for name in COMMANDS)
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), summary) for name, summary in rows])


def unknown(word: str) -> UsageError:
    """Make the error for a word that is no command."""
    meant = closest(word, COMMANDS)
    hint = f"Did you mean this?\n\t{meant}\n" if meant else ""
    return UsageError(
        f'unknown command "{word[:80]}" for "{PROGRAM}"',
        f"{hint}Run '{PROGRAM} --help' for usage.",
        meant=meant,
    )


@click.group(cls=Root, name=PROGRAM, help=INTRODUCTION, invoke_without_command=True, context_settings=CONTEXT)
@click.option(
    "-c", "--cosmovisor-config", metavar="FILE", help="Configuration file; the environment wins over it."
)
@click.version_option(__version__, "--version", message=f"{PROGRAM} version: %(version)s")
@click.pass_context
def root(context: click.Context, /, **_: Any) -> None:
    """Show the overview where no command is given."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


root.epilog = f"The Go tool's documentation holds for this one too: {DOCUMENTATION}"


def run(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    as_json = boundary.wants_json(arguments)
    if sys.platform == "win32":
        return boundary.report(WINDOWS, as_json=as_json)
    try:
        answer = root.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
        if sys.stdout:
            # A full disk or a reader that has left shows here, and not after the last word.
            sys.stdout.flush()
    except click.exceptions.Abort:
        return boundary.report(KeyboardInterrupt())
    except click.exceptions.NoArgsIsHelpError as error:
        return boundary.report(_without_a_word(error), as_json=as_json)
    except click.UsageError as error:
        return boundary.report(_usage(error), as_json=as_json)
    except click.ClickException as error:
        return boundary.report(CosmovisorError(error.format_message()), as_json=as_json)
    except (Exception, KeyboardInterrupt) as error:  # the last boundary: a text and a status, no traceback
        return boundary.report(error, as_json=as_json)
    return answer if isinstance(answer, int) else 0


def _without_a_word(error: click.exceptions.NoArgsIsHelpError) -> UsageError:
    """Name what a group of commands can do, where its name stands alone."""
    group = error.ctx.command
    words = group.list_commands(error.ctx) if isinstance(group, click.Group) else []
    where = error.ctx.command_path
    choice = ", ".join([f"'{where} {word}'" for word in words])
    return UsageError(f"'{where}' needs one more word", f"Choose: {choice}; --help tells more.")


def _usage(error: click.UsageError) -> UsageError:
    message = error.format_message().rstrip(".")
    where = error.ctx.command_path if error.ctx else PROGRAM
    return UsageError(message[:1].lower() + message[1:], f"Run '{where} --help' for usage.")
