"""What every command shares: `-c`, `-o`, and a session that finds the settings when they are asked for."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import Any

import click

from cosmovisor.config.layout import Layout, layout_of, node_home
from cosmovisor.config.load import Loaded, load, require
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import UsageError
from cosmovisor.observe.log import Log

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Session:
    """One run of one command.

    Attributes:
        environ: The environment.
        config_file: The file of `--cosmovisor-config`, or None.
        as_json: True with `-o json`.
    """

    def __init__(self, config_file: str | None, output: str) -> None:
        self.environ = dict(os.environ)
        self.config_file = config_file
        self.output = output
        self.as_json = output == "json"

    @functools.cached_property
    def loaded(self) -> Loaded:
        """Settings with problems, warnings and origins."""
        return load(self.environ, self.config_file)

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings; every problem is an error here.

        Raises:
            ConfigurationError: With all problems.
        """
        return require(self.loaded)

    @functools.cached_property
    def layout(self) -> Layout:
        """The folder tree."""
        return layout_of(self.settings)

    @functools.cached_property
    def log(self) -> Log:
        """The log that the settings ask for."""
        return Log.of(self.loaded.settings)

    @property
    def node_home(self) -> str:
        """The node's home, as far as the environment tells."""
        return node_home([], self.environ, self.settings)

    def warn(self) -> None:
        """Say the warnings of the configuration in the log."""
        for warning in self.loaded.warnings:
            self.log.warning(warning)

    def show(self, text: str, document: object) -> None:
        """Print an answer: the text, or with `-o json` the document."""
        click.echo(json.dumps(document, indent=2, default=str) if self.as_json else text)


def command(
    name: str, *, output_words: bool = True, **settings: Any
) -> Callable[[Callable[..., Any]], click.Command]:
    """Declare a command; its function gets the session first, then its own arguments.

    Args:
        name: As typed.
        output_words: False to take any word for `-o` (as the Go tool's `version` does).
        **settings: For `click.command`.
    """

    def declare(function: Callable[..., Any]) -> click.Command:
        def call(cosmovisor_config: str | None, output: str | None, **given: Any) -> Any:
            root = click.get_current_context().find_root().params
            word = output or "text"
            if output_words and word not in {"text", "json"}:
                raise UsageError(f"the output {word!r} is unknown", "Choose -o text or -o json.")
            session = Session(cosmovisor_config or root.get("cosmovisor_config") or None, word)
            return function(session, **given)

        wrapped: Callable[..., Any] = functools.update_wrapper(call, function)
        context = CONTEXT | settings.pop("context_settings", {})
        decorate: Any = click.command(name, context_settings=context, **settings)
        made: click.Command = decorate(config_option(output_option(wrapped)))
        return made

    return declare


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-c FILE`."""
    return click.option(
        "-c", "--cosmovisor-config", metavar="FILE", help="Configuration file; the environment wins over it."
    )(function)


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-o text|json`."""
    return click.option("-o", "--output", metavar="text|json", help="How to show the answer.")(function)
