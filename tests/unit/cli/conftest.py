"""A home in a folder of its own, and the command line in this process."""

from __future__ import annotations

import io
import os
import sys

import pytest

from cosmovisor.cli import main
from cosmovisor.config.table import VARIABLES


class Result:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    @property
    def errors(self):
        """Lines of the error text, without the next step."""
        return [line for line in self.err.split("\n") if line and not line.startswith("Next:")]


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """The variables of a home that is set up; nothing else of ours."""
    for name in list(os.environ):
        if name.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_", "SIMD_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    (home / "cosmovisor").mkdir(parents=True)
    (home / "data").mkdir()
    for name, value in (
        ("DAEMON_HOME", str(home)),
        ("DAEMON_NAME", "simd"),
        ("COSMOVISOR_COLOR_LOGS", "false"),
        ("COSMOVISOR_TIMEFORMAT_LOGS", ""),
    ):
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def home(tmp_path, environ):
    return tmp_path / "home"


@pytest.fixture
def binary(tmp_path):
    path = tmp_path / "newbin"
    path.write_text("#!/bin/sh\necho new\n")
    path.chmod(0o644)
    return path


@pytest.fixture
def call(environ, capfd, monkeypatch):
    """Run a command line here: status, standard output, error stream."""

    def run(*arguments, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        status = main.run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Result(status, out, err)

    return run


@pytest.fixture
def nothing_set(environ):
    for variable in VARIABLES:
        environ.delenv(variable.name, raising=False)
