from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.supervisor.conftest import Script

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import GENESIS_VERSION, Version
from cosmovisor.supervisor import active
from cosmovisor.supervisor.context import Context


def test_a_missing_link_is_missing(context: Context) -> None:
    assert active.link(context.layout).kind == "missing"


@pytest.mark.parametrize("style", ["relative", "absolute", "through another name"])
def test_a_link_leads_to_its_version_in_every_style(
    context: Context, script: Script, tmp_path: Path, style: str
) -> None:
    script("upgrades/v%2F2", "exit 0")
    root = context.layout.root
    if style == "through another name":
        os.symlink(context.layout.daemon_home, tmp_path / "other")
        root = str(tmp_path / "other" / "cosmovisor")
    target = "upgrades/v%2F2" if style == "relative" else f"{root}/upgrades/v%2F2"
    os.symlink(target, context.layout.current)
    link = active.link(context.layout)
    assert (link.kind, link.version, link.target) == ("version", Version("v/2", "upgrades/v%2F2"), target)


def test_genesis_dangling_and_foreign_links_are_told_apart(context: Context, script: Script) -> None:
    os.symlink("genesis", context.layout.current)
    assert active.link(context.layout).kind == "dangling"
    script("genesis", "exit 0")
    assert (active.link(context.layout).kind, active.link(context.layout).version) == (
        "genesis",
        GENESIS_VERSION,
    )
    os.unlink(context.layout.current)
    os.symlink("/usr", context.layout.current)
    assert active.link(context.layout).kind == "foreign"
    for nowhere in ("current", "/nowhere/at/all", "../elsewhere"):
        os.unlink(context.layout.current)
        os.symlink(nowhere, context.layout.current)
        assert active.link(context.layout).kind == "dangling"
    os.unlink(context.layout.current)
    os.mkdir(context.layout.current)
    assert active.link(context.layout).kind == "foreign"


@pytest.mark.parametrize("folder", ["genesis", "upgrades/v2"])
def test_a_link_to_the_daemons_file_leads_to_its_version(
    context: Context, script: Script, folder: str
) -> None:
    script(folder, "exit 0")
    os.symlink(f"{folder}/bin/{context.layout.daemon_name}", context.layout.current)
    link = active.link(context.layout)
    assert link.version is not None
    assert (link.kind, link.version.folder) == ("genesis" if folder == "genesis" else "version", folder)


def test_an_empty_daemon_is_not_usable(script: Script) -> None:
    path = script("genesis", "exit 0")
    assert active.is_usable(str(path))
    path.write_bytes(b"")
    assert not active.is_usable(str(path))


def test_missing_execute_bits_are_added_as_the_go_tool_does(script: Script) -> None:
    path = script("genesis", "exit 0")
    path.chmod(0o640)
    active.make_executable(str(path))
    assert path.stat().st_mode & 0o777 == 0o751
    with pytest.raises(CosmovisorError, match="not a regular file"):
        active.make_executable(str(path.parent))
    with pytest.raises(CosmovisorError, match="cannot use"):
        active.make_executable(str(path) + "-missing")
