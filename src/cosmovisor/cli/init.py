"""`cosmovisor init`: folders, first binary, link and config.toml."""

from __future__ import annotations

import os
import stat
import sys

import click

from cosmovisor.cli.common import Session, command
from cosmovisor.config import checks, file, layout, table
from cosmovisor.config.load import load
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import ConfigurationError, CosmovisorError
from cosmovisor.model.plan import GENESIS, GENESIS_VERSION
from cosmovisor.observe.log import Log
from cosmovisor.storage import copying, durable

_FOLDER_MODE = 0o750
_SECOND = 1_000_000_000


@command("init")
@click.argument("executable", metavar="PATH")
def init(session: Session, executable: str) -> None:
    """Make the folders and put the daemon at PATH into place as the first binary.

    DAEMON_NAME and DAEMON_HOME must be set. Nothing that is there is changed, so that it may be run again;
    config.toml is written anew only after a yes.
    """
    _check_executable(executable)
    loaded = load(session.environ, need_home=False)
    settings = loaded.settings
    problems = checks.names(settings)
    if problems:
        raise ConfigurationError(
            "\n".join(problem.line() for problem in problems),
            "Set both, for example in ~/.profile, and run init again.",
            problems=[problem.facts() for problem in problems],
        )
    log = Log.of(settings)
    for problem in loaded.problems:
        log.warning(f"{problem.line()}; the default goes into config.toml")
    place = layout.layout_of(settings)
    _place_genesis(log, place, os.path.abspath(executable))
    _link(log, place)
    _write_config(log, place, settings, session)


def _check_executable(path: str) -> None:
    if not path:
        raise CosmovisorError(
            "no <path to executable> provided", "Name the daemon: cosmovisor init /usr/bin/evmosd"
        )
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise CosmovisorError(
            f"executable file not found: {path}: no such file or directory", "Name the daemon's file."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CosmovisorError(
            f"could not stat executable: {path}: {reason}", "Name a file that you can read."
        ) from None
    if stat.S_ISDIR(found.st_mode):
        raise CosmovisorError(
            "invalid path to executable: must not be a directory", f"Name the file inside {path}."
        )


def _place_genesis(log: Log, place: layout.Layout, executable: str) -> None:
    binary = place.bin(GENESIS_VERSION)
    folder = os.path.dirname(binary)
    log.info("checking on the genesis/bin directory")
    if os.path.isdir(folder):
        log.info(f'the "{folder}" directory already exists')
    elif os.path.lexists(folder):
        raise CosmovisorError(
            f'the path "{folder}" already exists but is not a directory', "Move it away and run init again."
        )
    else:
        log.info(f'creating directory (and any parents): "{folder}"')
        durable.make_folder(folder, _FOLDER_MODE)
    log.info("checking on the genesis/bin executable")
    if os.path.lexists(binary):
        log.info(f'the "{binary}" file already exists')
    else:
        log.info(f'copying executable into place: "{binary}"')
        # As the Go tool: readable as the umask says, and executable for everybody.
        copying.copy_file(executable, binary, 0o666, replace=False)
    log.info(f'making sure "{binary}" is executable')
    found = os.stat(binary)
    if not stat.S_ISREG(found.st_mode):
        raise CosmovisorError(
            f"{os.path.basename(binary)} is not a regular file",
            f"Look at {binary}, move it away, run init again.",
        )
    if found.st_mode & 0o111 != 0o111:
        durable.set_mode(binary, stat.S_IMODE(found.st_mode) | 0o111)


def _link(log: Log, place: layout.Layout) -> None:
    log.info("checking on the current symlink and creating it if needed")
    if not os.path.lexists(place.current):
        durable.replace_link(place.current, GENESIS)
    elif not os.path.islink(place.current):
        raise CosmovisorError(
            f"symlink {GENESIS} {os.path.basename(place.current)}: file exists",
            f"{place.current} must be a link to a folder: move it away and run init again.",
        )
    binary = os.path.join(os.path.realpath(place.current), "bin", place.daemon_name)
    log.info(f'the current symlink points to: "{binary}"')
    if not os.path.exists(binary):
        log.warning("the current symlink leads to no binary", link=os.readlink(place.current))


def _write_config(log: Log, place: layout.Layout, settings: Settings, session: Session) -> None:
    path = place.config_file
    if os.path.lexists(path) and not _yes(
        f"file {path} already exists, do you want to overwrite it? [y/n]: "
    ):
        log.info("file already exists, not overriding")
    else:
        durable.write_file(path, file.write(_items(settings, session.environ)).encode(), 0o666)
    log.info(f"cosmovisor config.toml created at: {path}")


def _yes(question: str) -> bool:
    click.echo(question, nl=False)
    answer = sys.stdin.readline() if sys.stdin else ""
    return answer.strip() in {"y", "Y"}


def _items(settings: Settings, environ: dict[str, str]) -> dict[str, object]:
    """Take what the Go tool writes, in its order, and those of ours that somebody has set."""
    found: dict[str, object] = {}
    for variable in table.VARIABLES:
        held = getattr(settings, variable.key)
        if variable.ours and not environ.get(variable.name):
            continue
        if variable.kind == table.DURATION:
            held = round(held * _SECOND)
        elif variable.kind == table.LIST:
            held = ",".join(held)
        found[variable.key] = held
    return found


COMMAND = init
