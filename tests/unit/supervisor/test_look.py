from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from tests.unit.supervisor.conftest import Script

from cosmovisor.model.plan import Plan, Version
from cosmovisor.supervisor import birth, look
from cosmovisor.supervisor.context import Context


def test_no_plan_file_is_absent(context: Context) -> None:
    assert look.plan_file(context.plan_file, time.time()).kind == "absent"


def test_a_plan_file_is_read_with_the_identity_of_its_own_bytes(context: Context) -> None:
    path = Path(context.plan_file)
    path.write_text('{"name":"v2","height":10,"info":"i"}')
    seen = look.plan_file(str(path), time.time())
    assert (seen.kind, seen.plan, seen.writer) == ("plan", Plan("v2", 10, "i"), False)
    assert seen.identity is not None
    assert seen.identity.inode == path.stat().st_ino
    assert seen.identity.ctime_ns == path.stat().st_ctime_ns


@pytest.mark.parametrize("content", [b"", b'{"name":"v2"', b"[1]", b'{"name":"v2","height":"x"}'])
def test_whatever_is_no_plan_is_incomplete_and_says_why(context: Context, content: bytes) -> None:
    Path(context.plan_file).write_bytes(content)
    os.utime(context.plan_file, (1, 1))
    seen = look.plan_file(context.plan_file, time.time())
    assert seen.kind == "incomplete"
    assert seen.problem
    assert not seen.writer


@pytest.mark.needs("linux")
def test_a_file_in_somebodys_hands_has_a_writer(context: Context) -> None:
    Path(context.plan_file).write_bytes(b"{")
    os.utime(context.plan_file, (1, 1))
    with subprocess.Popen(
        ["sh", "-c", f"exec 5>>{context.plan_file}; echo; read x"], stdin=-1, stdout=-1
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        assert look.plan_file(context.plan_file, time.time()).writer
        writer.stdin.write(b"\n")


def test_a_torn_file_from_the_future_has_no_writer(context: Context) -> None:
    Path(context.plan_file).write_bytes(b"{")
    os.utime(context.plan_file, (5000.0, 5000.0))
    assert look.plan_file(context.plan_file, 5000.5).writer
    assert not look.plan_file(context.plan_file, 5002.0).writer
    assert not look.plan_file(context.plan_file, 2000.0).writer  # the clock was set back since


def test_a_fifo_in_the_place_of_the_plan_file_holds_nobody(context: Context) -> None:
    os.mkfifo(context.plan_file)
    assert look.plan_file(context.plan_file, time.time()).kind == "incomplete"


def test_data_that_was_replaced_is_other_data(context: Context, home: Path) -> None:
    (home / "data" / "blockstore.db").mkdir()
    first = look.data_identity(context.data)
    assert first is not None
    assert first.block_store is not None
    assert first.application is None
    assert look.data_identity(context.data) == first
    shutil.rmtree(home / "data" / "blockstore.db")
    (home / "other").mkdir()
    (home / "other").rename(home / "data" / "blockstore.db")
    second = look.data_identity(context.data)
    assert second is not None
    assert second.data == first.data
    assert second.block_store != first.block_store
    shutil.rmtree(home / "data")
    assert look.data_identity(context.data) is None


@pytest.mark.needs("linux")
def test_the_birth_time_is_the_one_that_stat_shows(home: Path) -> None:
    shown = subprocess.run(["stat", "-c", "%W", str(home)], capture_output=True, text=True, check=True).stdout
    assert birth.born_ns(str(home)) // 1_000_000_000 == int(shown)
    assert birth.born_ns(str(home / "missing")) == 0


def test_folders_are_seen_with_their_markers(context: Context, script: Script, home: Path) -> None:
    script("genesis", "exit 0")
    script("upgrades/v2", "exit 0")
    (home / "cosmovisor/upgrades/v2/upgrade-info.json").write_text('{"name":"v2","height":7}')
    (home / "cosmovisor/upgrades/v3").mkdir()
    (home / "cosmovisor/upgrades/v3/upgrade-info.json").write_text('{"binaries":{"linux/amd64":"https://x"}}')
    (home / "cosmovisor/upgrades/.hidden").mkdir()
    seen = {folder.version: (folder.usable, folder.marker) for folder in look.folders(context.layout)}
    assert seen == {
        Version("genesis", "genesis"): (True, None),
        Version("v2", "upgrades/v2"): (True, Plan("v2", 7)),
        Version("v3", "upgrades/v3"): (False, None),
    }


def test_twins_that_hold_the_same_daemon_have_the_same_digest(context: Context, script: Script) -> None:
    script("upgrades/V2", "exit 0")
    script("upgrades/v2", "exit 0")
    digests = {folder.digest for folder in look.folders(context.layout) if folder.usable}
    assert len(digests) == 1
    script("upgrades/v2", "exit 1")
    digests = {folder.digest for folder in look.folders(context.layout) if folder.usable}
    assert len(digests) == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"name":"","height":1}', '{"name":"a","height":true}', "null"]
)
def test_a_marker_that_names_no_plan_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "marker"
    path.write_text(text)
    assert look.marker(str(path)) is None


def test_a_marker_of_the_rewrite_has_its_height_as_text(tmp_path: Path) -> None:
    path = tmp_path / "marker"
    path.write_text('{"name":"v2","height":"12","info":"x"}')
    assert look.marker(str(path)) == Plan("v2", 12, "x")
