"""Only what the next run never writes again is shared; the rest is copied; nothing leads out or round in circles."""

from __future__ import annotations

import os
import shutil
import socket

import pytest
from tests.support.databases import node_home

from cosmovisor.backup import goleveldb
from cosmovisor.backup.survey import survey
from cosmovisor.model.errors import BackupError


def kinds(root, leave_out=lambda _: False) -> dict[str, str]:
    return {entry.path: entry.kind for entry in survey(str(root), leave_out).entries}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, str]:
    home = node_home(tmp_path_factory.mktemp("home"))
    return {**kinds(home / "data"), **{f"wasm:{k}": v for k, v in kinds(home / "wasm").items()}}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("cs.wal/wal", "file"),
        ("cs.wal/wal.000", "table"),
        ("snapshots/41/3/0", "table"),
        ("state.db/000007.sst", "table"),
        ("state.db/MANIFEST-000005", "file"),
        ("state.db/CURRENT", "file"),
        ("state.db/LOCK", "lock"),
        ("application.db/LOCK", "lock"),
        ("application.db/LOG", "file"),
        ("application.db/CURRENT", "file"),
        ("memiavl.db/snapshot-41/bank/kvs", "table"),
        ("memiavl.db/snapshot-42-tmp/bank/kvs", "file"),
        ("memiavl.db/wal/00000000000000000001", "file"),
        ("memiavl.db/current", "link"),
        ("memiavl.db", "folder"),
        ("tree.sqlite", "file"),
        ("upgrade-info.json", "file"),
        ("wasm:wasm/state/wasm/" + "ab" * 32, "table"),
        ("wasm:wasm/exclusive.lock", "lock"),
    ],
)
def test_the_rule_of_each_engine(found, path, kind):
    assert found[path] == kind


def test_tables_of_goleveldb_are_shared_and_journals_are_not(found):
    inside = {path: kind for path, kind in found.items() if path.startswith("application.db/")}
    assert "table" in {kind for path, kind in inside.items() if path.endswith(".ldb")}
    assert {kind for path, kind in inside.items() if path.endswith(".log") or "MANIFEST" in path} == {"file"}


def test_a_table_that_the_manifest_does_not_name_or_that_has_another_size_is_copied(tmp_path):
    home = node_home(tmp_path)
    folder = home / "data" / "application.db"
    first = min(f"{number:06d}.ldb" for number in goleveldb.live_tables(str(folder)) or ())
    with (folder / first).open("ab") as file:
        file.write(b"x")
    (folder / "999999.ldb").write_bytes(b"orphan")
    found = kinds(home / "data")
    assert found[f"application.db/{first}"] == found["application.db/999999.ldb"] == "file"


def test_folders_come_before_what_is_in_them(tmp_path):
    home = node_home(tmp_path)
    seen: set[str] = {""}
    for entry in survey(str(home / "data"), lambda _: False).entries:
        assert os.path.dirname(entry.path) in seen
        if entry.kind == "folder":
            seen.add(entry.path)


def test_a_database_that_lies_elsewhere_behind_a_link_is_part_of_the_data(tmp_path):
    home = node_home(tmp_path / "home")
    shutil.move(home / "data" / "application.db", tmp_path / "fast")
    (home / "data" / "application.db").symlink_to(tmp_path / "fast")
    found = kinds(home / "data")
    assert found["application.db"] == "folder"
    assert "table" in {kind for path, kind in found.items() if path.startswith("application.db/")}


def test_a_link_that_leads_upwards_is_refused(tmp_path):
    home = node_home(tmp_path / "home")
    (home / "data" / "loop").symlink_to(tmp_path)
    with pytest.raises(BackupError, match="leads back into itself") as raised:
        survey(str(home / "data"), lambda _: False)
    assert raised.value.next_step


def test_a_dangling_link_is_kept_as_a_link(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    (entry,) = survey(str(tmp_path), lambda _: False).entries
    assert (entry.kind, entry.target) == ("link", "nowhere")


def test_a_socket_is_left_out_and_said(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(tmp_path)
        try:
            server.bind("s")
        finally:
            os.chdir(here)
        found = survey(str(tmp_path), lambda _: False)
    assert found.entries == ()
    assert "neither file, folder nor link" in found.left_out[0]


def test_what_vanishes_under_a_living_node_is_no_failure(tmp_path, monkeypatch):
    node_home(tmp_path)
    real = os.lstat

    def lstat(path, **given):
        if path.endswith((".ldb", "cs.wal")):
            raise FileNotFoundError(2, "gone", path)
        return real(path, **given)

    monkeypatch.setattr("cosmovisor.backup.survey.os.lstat", lstat)
    assert survey(str(tmp_path / "data"), lambda _: False, live=True).entries
    with pytest.raises(BackupError):
        survey(str(tmp_path / "data"), lambda _: False)
