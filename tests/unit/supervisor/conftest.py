"""A home on disk with small shell scripts as daemons."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cosmovisor.config.settings import Settings
from cosmovisor.supervisor import context as contexts

Script = Callable[[str, str], Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    root = tmp_path / "home"
    (root / "data").mkdir(parents=True)
    (root / "cosmovisor" / "genesis" / "bin").mkdir(parents=True)
    return root


@pytest.fixture
def script(home: Path) -> Script:
    def make(folder: str, body: str) -> Path:
        path = home / "cosmovisor" / folder / "bin" / "daemon"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def context(home: Path) -> contexts.Context:
    return make_context(home)


def make_context(home: Path, *arguments: str, **settings: object) -> contexts.Context:
    given = Settings(str(home), "daemon", **settings)  # type: ignore[arg-type]
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("DAEMON", "COSMOVISOR"))
    }
    environ |= {"DAEMON_HOME": str(home), "DAEMON_NAME": "daemon"}
    return contexts.build(given, list(arguments) or ["start"], environ, None)
