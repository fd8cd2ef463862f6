"""Environment over file over default: one answer with every problem, warning and origin."""

from __future__ import annotations

import os

from cosmovisor.config import values
from cosmovisor.config.checks import Problem, places
from cosmovisor.config.settings import Settings
from cosmovisor.config.table import BY_KEY, TIME_FORMAT, VARIABLES
from cosmovisor.config.warnings import closest, contradictions, misspelt
from cosmovisor.model.errors import ConfigurationError
from cosmovisor.model.value import replace, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cosmovisor.config.table import Variable

    Items = dict[str, object]


@value
class Loaded:
    """What was found.

    Attributes:
        settings: What is in force; a variable with a problem has its default (or is empty) here.
        problems: Everything that must be repaired; `require` turns them into an error.
        warnings: What is loud but does not stop: sentences.
        origins: Per variable: `environment`, `file`, `default`, or the variable that it follows.
        file: The configuration file that was read; None where there is none.
        ignored: Problems of a file that nobody named: a start goes on with the defaults, a reload does not.
        differences: Each setting for which the Go tool would have used another value, as a sentence.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    origins: dict[str, str]
    file: str | None
    differences: tuple[str, ...] = ()
    ignored: tuple[Problem, ...] = ()


def load(
    environ: Mapping[str, str],
    config_file: str | None = None,
    *,
    need_home: bool = True,
    args: Sequence[str] = (),
) -> Loaded:
    """Find out every setting.

    Args:
        environ: The environment.
        config_file: A file that the operator named: then errors in it count. Without one the file at
            `DAEMON_HOME/cosmovisor/config.toml` is read if it is there, and errors in it are warnings.
        need_home: False for commands that work without a home: then nothing about folders is checked.
        args: The node's arguments, to warn where its `--home` is not `DAEMON_HOME`.
    """
    work = _Work(environ, config_file)
    work.read_file()
    found = {variable.key: work.one(variable) for variable in VARIABLES}
    home, origins = found["daemon_home"], work.origins
    if not found["daemon_data_backup_dir"]:
        found["daemon_data_backup_dir"] = home
        origins["DAEMON_DATA_BACKUP_DIR"] = "DAEMON_HOME"
    if environ.get("NO_COLOR") and origins["COSMOVISOR_COLOR_LOGS"] == "default":
        found["cosmovisor_color_logs"] = False
        origins["COSMOVISOR_COLOR_LOGS"] = "NO_COLOR"
    asked_backup = found["cosmovisor_backup"]
    if found["unsafe_skip_backup"]:
        found["cosmovisor_backup"] = "off"
    settings = Settings(**found)
    work.warnings += contradictions(settings, origins)
    if found["unsafe_skip_backup"] and asked_backup != "off":
        origins["COSMOVISOR_BACKUP"] = "UNSAFE_SKIP_BACKUP"
    work.warnings += misspelt(environ)
    if need_home:
        work.problems += [
            replace(problem, origin=work.path)
            if problem.origin and origins[problem.variable] == "file"
            else problem
            for problem in places(settings)
        ]
        if args:
            work.warnings += _other_home(args, environ, settings)
    return Loaded(
        settings,
        tuple(work.problems),
        tuple(work.warnings),
        origins,
        work.path if work.items is not None else None,
        tuple(work.differences(found)),
        tuple(work.ignored),
    )


def require(loaded: Loaded) -> Settings:
    """Return the settings, or say everything that is wrong with them.

    Raises:
        ConfigurationError: Its cause has one line for each problem.
    """
    if loaded.problems:
        raise ConfigurationError(
            "\n".join([problem.line() for problem in loaded.problems]),
            "Correct the environment or the file; `cosmovisor config --explain` shows every value.",
            problems=[problem.facts() for problem in loaded.problems],
        )
    return loaded.settings


class _Work:
    """The steps of one `load`, with what they collect."""

    def __init__(self, environ: Mapping[str, str], config_file: str | None) -> None:
        self.environ = environ
        self.named = bool(config_file)
        home = environ.get("DAEMON_HOME", "")
        self.path = config_file or (
            os.path.join(home, "cosmovisor", "config.toml") if os.path.isabs(home) else ""
        )
        self.items: Items | None = None
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.ignored: list[Problem] = []
        self.origins: dict[str, str] = {}

    def read_file(self) -> None:
        if not self.path or (not self.named and not os.path.lexists(self.path)):
            return
        from cosmovisor.config.file import FileError, read

        try:
            items = read(self.path)
        except FileError as error:
            self.wrong(Problem("", str(error), self.path, "", "TOML as `cosmovisor init` writes it"))
            return
        for key, item in items.items():
            if key in BY_KEY:
                continue
            if isinstance(item, dict):
                self.warnings.append(f"the section [{key}] of {self.path} is not read")
                continue
            meant = closest(key, BY_KEY)
            hint = f"; did you mean {meant}?" if meant else ""
            self.warnings.append(f"the key {key[:60]!r} of {self.path} is not read by anybody{hint}")
        self.items = items

    def wrong(self, problem: Problem) -> None:
        """Record a problem of the file: an error if the operator named it, else a loud warning."""
        if self.named:
            self.problems.append(problem)
        else:
            self.ignored.append(problem)
            self.warnings.append(f"{problem.line()}; the default is used")

    def one(self, variable: Variable) -> Any:
        """Find the value of one variable."""
        name = variable.name
        text = self.environ.get(name)
        in_file = self.items is not None and variable.key in self.items
        # An empty variable counts as not set, as in the Go tool; for the time it means "no time" there,
        # unless the operator named a file that has the key.
        if text or (text is not None and variable.kind == TIME_FORMAT and not (self.named and in_file)):
            self.origins[name] = "environment"
            try:
                found = values.from_text(variable, text, as_in_file=self.named)
            except ValueError as error:
                self.problems.append(_problem(variable, "environment", text, error))
            else:
                if text.strip() != text:
                    self.warnings.append(f"the value of {name} begins or ends with a blank: {text[:80]!r}")
                return found
        elif in_file and self.items is not None:
            item = self.items[variable.key]
            try:
                found = values.from_file(variable, item)
            except ValueError as error:
                self.wrong(_problem(variable, self.path, str(item), error))
            else:
                if found is not None:
                    self.origins[name] = "file"
                    return found
        self.origins.setdefault(name, "default")
        return default(variable)

    def differences(self, found: Mapping[str, Any]) -> list[str]:
        """Say where the Go tool, started the same way, would have used another value."""
        if self.items is None:
            return []
        said = []
        for variable in VARIABLES:
            if variable.ours:
                continue
            held = values.shown(variable, found[variable.key])
            if self.named:
                item = self.items.get(variable.key)
                if variable.key in self.items and (item != 0 or isinstance(item, bool)):
                    continue
                go = variable.go_zero
                why = "is missing from" if variable.key not in self.items else "is 0 in"
                reason = f"{variable.key} {why} {self.path}"
            else:
                if self.origins[variable.name] != "file":
                    continue
                go = values.shown(variable, default(variable)) if variable.default else variable.go_zero
                if variable.key == "daemon_data_backup_dir":
                    go = self.environ.get("DAEMON_HOME", "")
                reason = f"it reads {self.path} only where it is named"
            if held != go:
                said.append(f"{variable.name} is {held!r}; the Go tool would use {go!r}: {reason}")
        return said


def default(variable: Variable) -> Any:
    """Return the default of a variable as `Settings` holds it."""
    if variable.default:
        return values.from_text(variable, variable.default)
    return {"duration": 0.0, "list": ()}.get(variable.kind, "")


def _problem(variable: Variable, origin: str, text: str, error: ValueError) -> Problem:
    return Problem(variable.name, str(error), origin, text, values.expected(variable), variable.example)


def _other_home(args: Sequence[str], environ: Mapping[str, str], settings: Settings) -> list[str]:
    from cosmovisor.config.layout import node_home

    home = node_home(args, environ, settings)
    if not settings.daemon_home or os.path.realpath(home) == os.path.realpath(settings.daemon_home):
        return []
    text = (
        f"the node's home {home} is not DAEMON_HOME {settings.daemon_home}: data and plan file are "
        f"looked for in the first, binaries in the second (the Go tool would never see the upgrade)"
    )
    return [text]
