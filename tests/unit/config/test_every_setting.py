"""Every setting of the table is read by the code that does what its help says; none only looks as if it did."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

import cosmovisor
from cosmovisor.config.settings import Settings
from cosmovisor.config.table import VARIABLES

SOURCE = Path(cosmovisor.__file__).parent
#: Where settings are defined, read from text and shown: that is no use of them.
_DEFINED = SOURCE / "config"
#: What stands for another one before anybody looks: the value that the rest of the code reads instead.
_INSTEAD = {"unsafe_skip_backup": "cosmovisor_backup"}


@functools.cache
def read_anywhere() -> dict[str, set[str]]:
    """Return, by attribute, the modules that read it."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        if _DEFINED in path.parents and path.name != "layout.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.attr, set()).add(str(path.relative_to(SOURCE)))
    return found


@pytest.mark.parametrize("key", [variable.key for variable in VARIABLES])
def test_a_setting_has_a_reader(key: str) -> None:
    assert hasattr(Settings("/h", "d"), key)
    assert read_anywhere().get(key), f"nothing reads {key}"
    if key in _INSTEAD:
        assert read_anywhere().get(_INSTEAD[key])


def test_a_setting_that_nobody_reads_is_found_out() -> None:
    assert not read_anywhere().get("cosmovisor_setting_of_nobody")


def test_every_field_of_the_settings_stands_in_the_table() -> None:
    fields = {
        name for name in Settings.__annotations__ if name.startswith(("daemon_", "cosmovisor_", "unsafe_"))
    }
    assert fields == {variable.key for variable in VARIABLES}
