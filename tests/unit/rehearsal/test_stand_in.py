"""Where the stand-in is played."""

from __future__ import annotations

import os
import tempfile
import types

from cosmovisor.config.settings import Settings
from cosmovisor.rehearsal import stand_in


def test_programs_must_run_where_the_stand_in_is_played(tmp_path, monkeypatch):
    """Many servers mount /tmp with noexec; the night itself does not care."""
    settings = Settings(daemon_home=str(tmp_path / "home"), daemon_name="testd")
    flags = {tempfile.gettempdir(): 0}
    monkeypatch.setattr(os, "statvfs", lambda path: types.SimpleNamespace(f_flag=flags[path]))
    assert stand_in._scratch(settings) == tempfile.gettempdir()
    flags[tempfile.gettempdir()] = os.ST_NOEXEC
    assert stand_in._scratch(settings) == str(tmp_path / "home")
