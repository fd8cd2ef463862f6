"""A home whose heights are what the test says."""

from __future__ import annotations

import json
import os

import pytest

from cosmovisor.care import look
from cosmovisor.config.load import load
from cosmovisor.model.heights import UNKNOWN, Evidence
from cosmovisor.supervisor import heights


class Home:
    def __init__(self, path, monkeypatch):
        self.path = path
        self.root = path / "cosmovisor"
        self.root.mkdir(parents=True)
        (path / "data").mkdir()
        self.environ = {"DAEMON_HOME": str(path), "DAEMON_NAME": "simd", "PATH": os.environ["PATH"]}
        self.b = self.a = UNKNOWN
        monkeypatch.setattr(heights.Heights, "at_rest", lambda _self, thorough: heights.Found(self.b, self.a))

    def at(self, b=None, a=None):
        """Let the stopped node be known to stand at these heights."""
        self.b = UNKNOWN if b is None else Evidence(b, "exact", "block store", 1.0)
        self.a = UNKNOWN if a is None else Evidence(a, "exact", "block store", 1.0)
        return self

    def binary(self, folder="genesis", text="#!/bin/sh\n"):
        place = self.root / folder / "bin" / "simd"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(0o755)
        return place

    def upgrade(self, name, height):
        self.binary(f"upgrades/{name}")
        (self.root / f"upgrades/{name}/upgrade-info.json").write_text(
            json.dumps({"name": name, "height": height})
        )

    def link(self, target):
        (self.root / "current").unlink(missing_ok=True)
        (self.root / "current").symlink_to(target)

    def current(self):
        return os.readlink(self.root / "current")

    def plan(self, name, height, info=""):
        (self.path / "data/upgrade-info.json").write_text(
            json.dumps({"name": name, "height": height, "info": info})
        )

    def loaded(self):
        return load(self.environ)

    def view(self):
        return look.take(self.loaded().settings, self.environ)


@pytest.fixture
def home(tmp_path, monkeypatch):
    return Home(tmp_path / "home", monkeypatch)
