"""`cosmovisor run …`: from the command line to the node's first instruction, then the loop."""

from __future__ import annotations

import os
import sys

from cosmovisor.config import load as configuration
from cosmovisor.model.errors import CosmovisorError, UsageError
from cosmovisor.model.plan import GENESIS_VERSION
from cosmovisor.supervisor import active, spawn, words
from cosmovisor.supervisor import context as contexts

#: `handover.VARIABLE`; the module itself is imported after a reload only.
_RELOADED = "COSMOVISOR_RELOADED"
TYPE_CHECKING = False
if TYPE_CHECKING:
    from cosmovisor.supervisor.context import Context


def run(args: list[str], environ: dict[str, str], config_file: str | None) -> int:
    """Run the daemon with these arguments: supervised, or become it for a word that ends by itself.

    Args:
        args: The daemon's arguments.
        environ: The environment.
        config_file: A configuration file named before the word `run`, or None.

    Returns:
        The exit status: the daemon's own, 128+n for a signal, or one of ours.

    Raises:
        CosmovisorError: Nothing was started, or nothing is left running.
    """
    spawn.check_platform(sys.platform)
    given = None
    if _RELOADED in environ:
        from cosmovisor.supervisor import handover

        given = handover.take(environ)
    args, named, problem = words.own_config_option(args)
    if problem:
        raise UsageError(problem)
    config_file = named or config_file
    loaded = configuration.load(environ, config_file, args=args)
    settings = configuration.require(loaded)
    context = contexts.build(settings, args, environ, config_file)
    if words.is_one_shot(args):
        _become(context)
    from cosmovisor.supervisor import launch

    return launch.supervise(context, loaded, given)


def _become(context: Context) -> None:
    """Become the active daemon; a question never changes anything on the disk."""
    what = active.obstacle(context.layout)
    if what:
        raise active.in_the_way(context.layout, what)
    link = active.link(context.layout)
    if link.kind in {"genesis", "version"} and link.version is not None:
        binary = context.layout.bin(link.version)
    elif link.kind == "foreign" and link.target:
        # The Go tool follows it, and a question does no harm.
        binary = os.path.join(context.layout.root, link.target, "bin", context.settings.daemon_name)
    elif active.is_usable(context.layout.bin(GENESIS_VERSION)) and link.kind == "missing":
        binary = context.layout.bin(GENESIS_VERSION)
    else:
        raise CosmovisorError(
            f"cannot find the active binary: {context.layout.current} is {link.kind}",
            "`cosmovisor doctor` tells what fits; `cosmovisor run start` repairs the link if it can.",
        )
    active.make_executable(binary)
    environ = spawn.environment(context.environ, spawn.library_folder(binary))
    spawn.replace_ourselves(binary, list(context.arguments), environ)
