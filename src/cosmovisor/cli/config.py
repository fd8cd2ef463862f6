"""`cosmovisor config`: every setting, and with --explain where it comes from."""

from __future__ import annotations

import os
from typing import Any

import click

from cosmovisor.cli.common import Session, command
from cosmovisor.config import table, values
from cosmovisor.config.layout import layout_of
from cosmovisor.config.load import Loaded, require
from cosmovisor.config.time_words import GO_LAYOUTS
from cosmovisor.model.errors import EXIT_CONFIGURATION


@command("config")
@click.option("--explain", is_flag=True, help="Show where each value comes from, warnings, and the way back.")
@click.argument("ignored", nargs=-1, metavar="")
def config(session: Session, explain: bool, ignored: tuple[str, ...]) -> int:  # noqa: ARG001
    """Show the settings in force."""
    loaded = session.loaded
    if not explain:
        require(loaded)
        session.show(plain(loaded), document(loaded, session.environ))
        return 0
    session.show(explained(loaded, session.environ), document(loaded, session.environ))
    return EXIT_CONFIGURATION if loaded.problems else 0


def shown(variable: table.Variable, loaded: Loaded) -> str:
    """Write a value as the Go tool's `config` does."""
    held = getattr(loaded.settings, variable.key)
    if variable.kind == table.TIME_FORMAT:
        return GO_LAYOUTS.get(held, "")
    return values.shown(variable, held)


def derived(loaded: Loaded) -> dict[str, str]:
    """Return the paths that follow from the settings, under the Go tool's labels."""
    place = layout_of(loaded.settings)
    return {
        "Root Dir": place.root,
        "Upgrade Dir": place.upgrades,
        "Genesis Bin": os.path.join(place.genesis, "bin", place.daemon_name),
        "Monitored File": os.path.join(place.daemon_home, "data", "upgrade-info.json"),
        "Data Backup Dir": loaded.settings.daemon_data_backup_dir,
    }


def plain(loaded: Loaded) -> str:
    """Write the two blocks of the Go tool; variables of ours stand behind its own."""
    lines = ["Configurable Values:"]
    lines += [f"  {variable.name}: {shown(variable, loaded)}" for variable in table.VARIABLES]
    lines.append("Derived Values:")
    paths = derived(loaded)
    width = max(len(label) for label in paths)
    lines += [f"  {label.rjust(width)}: {path}" for label, path in paths.items()]
    return "\n".join([*lines, ""])


def explained(loaded: Loaded, environ: dict[str, str]) -> str:
    """Write each value with its origin, then everything that deserves attention."""
    rows = []
    for variable in table.VARIABLES:
        held = values.shown(variable, getattr(loaded.settings, variable.key)) or "(empty)"
        rows.append((variable.name, held, origin(loaded, variable.name)))
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"{name.ljust(wide[0])}  {held.ljust(wide[1])}  {where}" for name, held, where in rows]
    for title, texts in (
        ("Problems", [problem.line() for problem in loaded.problems]),
        ("Warnings", loaded.warnings),
        ("Where the Go tool would differ", loaded.differences),
    ):
        if texts:
            lines += ["", f"{title}:", *[f"  {text}" for text in texts]]
    line = library_line(loaded, environ)
    if line:
        lines += ["", "To run the active version with the Go tool, set:", f"  {line}"]
    return "\n".join(lines)


def origin(loaded: Loaded, name: str) -> str:
    """Say where a value comes from."""
    known = loaded.origins[name]
    if known == "file":
        return f"file {loaded.file}"
    return f"follows {known}" if known in table.BY_NAME else known


def library_line(loaded: Loaded, environ: dict[str, str]) -> str:
    """Return the variable that the Go tool needs for a version with shared libraries; empty if none."""
    if not loaded.settings.daemon_home:
        return ""
    libraries = os.path.join(os.path.realpath(layout_of(loaded.settings).current), "lib")
    if not os.path.isdir(libraries):
        return ""
    others = [part for part in environ.get("LD_LIBRARY_PATH", "").split(":") if part and part != libraries]
    return f"export LD_LIBRARY_PATH={':'.join([libraries, *others])}"


def document(loaded: Loaded, environ: dict[str, str]) -> dict[str, Any]:
    """Give everything as JSON: durations in seconds, sizes in bytes."""
    return {
        "values": {variable.name: getattr(loaded.settings, variable.key) for variable in table.VARIABLES},
        "origins": {variable.name: origin(loaded, variable.name) for variable in table.VARIABLES},
        "derived": derived(loaded),
        "file": loaded.file,
        "problems": [problem.facts() for problem in loaded.problems],
        "warnings": list(loaded.warnings),
        "differences": list(loaded.differences),
        "library_line": library_line(loaded, environ),
    }


COMMAND = config
