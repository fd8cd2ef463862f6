"""The way back: nothing is lost, nothing is half-done, and the sign-state never goes back with the data."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import plyvel
import pytest
from tests.support.databases import rows
from tests.support.nights import Night, tree
from tests.support.recorder import ERRORS, failing, recording

from cosmovisor.backup import manifest, taking
from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls, locks


@pytest.fixture
def night(tmp_path) -> Night:
    return Night(tmp_path)


def sign(night: Night, height: int, where: str = "") -> None:
    text = json.dumps({"height": str(height), "round": 0, "step": 3})
    Path(where or night.home / "data" / "priv_validator_state.json").write_text(text)


def signed(night: Night) -> int:
    return int(json.loads((night.home / "data" / "priv_validator_state.json").read_text())["height"])


def go_on(night: Night) -> None:
    """The node runs on after the backup: other data, other code, more signatures."""
    database = plyvel.DB(str(night.home / "data" / "application.db"))
    database.put(b"later", b"1")
    database.close()
    (night.home / "data" / "extra").write_bytes(b"new")
    (night.home / "wasm" / "wasm" / "state" / "wasm" / ("cd" * 32)).write_bytes(b"code")
    sign(night, 99)


def test_data_and_code_are_as_they_were_and_the_sign_state_is_as_it_is(night):
    before = {name: tree(night.home / name) for name in ("data", "wasm")}
    backed_up = tree(night.base)
    receipt = night.take()
    backed_up = tree(Path(receipt.path))
    go_on(night)
    after = {name: tree(night.home / name) for name in ("data", "wasm")}
    done = night.restore(receipt.path)
    now = tree(night.home / "data")
    assert signed(night) == 99
    state = "priv_validator_state.json"
    assert {**now, state: 0} == {**before["data"], state: 0}
    assert tree(night.home / "wasm") == before["wasm"]
    assert {name: tree(Path(path)) for name, path in done.aside.items()} == after
    assert any("height 99" in note for note in done.notes)
    assert tree(Path(receipt.path)) == backed_up
    assert len(rows(night.home / "data" / "application.db")) == 1500


def test_the_node_that_runs_on_restored_data_does_not_reach_the_backup(night):
    receipt = night.take()
    night.restore(receipt.path)
    database = plyvel.DB(str(night.home / "data" / "application.db"))
    for number in range(3000):
        database.put(b"key-%08d" % number, b"%090d" % number)
    database.close()
    assert manifest.problems(receipt.path, manifest.read(receipt.path)) == []
    for item in manifest.read(receipt.path).items:
        here = night.home / item.source / item.path
        if item.kind == "table" and here.exists():
            assert not os.path.samefile(here, os.path.join(receipt.path, item.source, item.path))


def test_a_backup_that_knows_more_signatures_raises_the_sign_state(night):
    sign(night, 80)
    receipt = night.take()
    sign(night, 0)
    night.restore(receipt.path)
    assert signed(night) == 80


@pytest.mark.parametrize("content", [None, b"", b"{broken"])
def test_where_nobody_knows_what_was_signed_nothing_is_restored(night, content):
    receipt = night.take()
    path = night.home / "data" / "priv_validator_state.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    before = tree(night.home)
    with pytest.raises(BackupError, match="cannot tell what this key has signed") as raised:
        night.restore(receipt.path)
    assert manifest.SIGN_STATE in raised.value.next_step
    assert {k: v for k, v in tree(night.home).items() if not k.endswith(".lock")} == {
        k: v for k, v in before.items() if not k.endswith(".lock")
    }


def test_a_node_without_a_key_is_restored_without_one(night):
    (night.home / "data" / "priv_validator_state.json").unlink()
    receipt = night.take()
    night.restore(receipt.path)
    assert not (night.home / "data" / "priv_validator_state.json").exists()


@pytest.mark.parametrize("which", ["supervisor_lock", "node_lock"])
def test_nothing_is_restored_under_a_running_supervisor_or_node(night, which):
    receipt = night.take()
    with locks.hold(getattr(night.layout, which)), pytest.raises(locks.LockHeld) as raised:
        night.restore(receipt.path)
    assert raised.value.next_step


def test_nothing_is_restored_under_an_open_database(night):
    receipt = night.take()
    database = plyvel.DB(str(night.home / "data" / "application.db"))
    holder = os.open(night.home / "data" / "blockstore.db" / "LOCK", os.O_RDWR)
    calls.lock(holder, 2)
    with pytest.raises(BackupError, match="still open"):
        night.restore(receipt.path)
    os.close(holder)
    database.close()


def test_a_damaged_backup_is_refused_and_every_damage_is_named(night):
    receipt = night.take()
    data = Path(receipt.path, "data")
    (data / "tree.sqlite").write_bytes(b"SQLITE" * 100)
    (data / "cs.wal" / "wal").unlink()
    with (data / "snapshots" / "41" / "3" / "0").open("r+b") as file:
        file.truncate(10)
    (data / "memiavl.db" / "current").unlink()
    os.symlink("elsewhere", data / "memiavl.db" / "current")
    before = tree(night.home / "data")
    with pytest.raises(BackupError, match="is damaged") as raised:
        night.restore(receipt.path)
    for text in (
        "tree.sqlite has another",
        "cs.wal/wal is missing",
        "0 has 10 bytes",
        "current points elsewhere",
    ):
        assert text in raised.value.cause
    assert tree(night.home / "data") == before


@pytest.mark.parametrize("cut", [0, 1, 40, 4000, -2])
def test_a_cut_or_changed_manifest_is_known_as_such(night, cut):
    receipt = night.take()
    path = Path(receipt.path, manifest.FILE)
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    with pytest.raises(BackupError, match="damaged"):
        manifest.read(receipt.path)
    path.write_bytes(data.replace(b'"data"', b'"date"', 1))
    with pytest.raises(BackupError, match="damaged"):
        manifest.read(receipt.path)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a//b", "a/../../b"])
def test_a_manifest_that_leads_out_of_the_backup_is_refused(night, path):
    receipt = night.take()
    known = manifest.read(receipt.path)
    evil = manifest.Item("data", path, "file", "copy", 1, 0, 0o600, 0, 0)
    given = {**vars(known), "items": (*known.items, evil)}
    os.unlink(Path(receipt.path, manifest.FILE))
    manifest.write(receipt.path, manifest.Manifest(**given))
    with pytest.raises(BackupError, match="damaged"):
        manifest.read(receipt.path)


def test_a_folder_that_is_no_backup_is_refused(night):
    with pytest.raises(BackupError, match="no backup of this program") as raised:
        night.restore(str(night.home))
    assert "backup list" in raised.value.next_step


def test_the_data_may_lie_elsewhere_behind_a_link(night):
    elsewhere = night.base.parent / "big-disk"
    elsewhere.mkdir()
    shutil.move(night.home / "data", elsewhere / "data")
    (night.home / "data").symlink_to(elsewhere / "data")
    receipt = night.take()
    before = tree(elsewhere / "data")
    (elsewhere / "data" / "extra").write_bytes(b"")
    night.restore(receipt.path)
    assert (night.home / "data").is_symlink()
    assert tree(elsewhere / "data") == before


def test_data_that_is_gone_altogether_comes_back(night):
    (night.home / "data" / "priv_validator_state.json").unlink()
    receipt = night.take()
    before = tree(night.home / "data")
    shutil.rmtree(night.home / "data")
    assert night.restore(receipt.path).aside.keys() == {"wasm"}
    assert tree(night.home / "data") == before


def test_too_little_space_is_said_before_anything_is_exchanged(night, monkeypatch):
    receipt = night.take()
    go_on(night)
    monkeypatch.setattr(taking, "free_space", lambda folder: 10)
    monkeypatch.setattr("cosmovisor.backup.methods.choose", lambda sample, folder: "copy")
    before = tree(night.home / "data")
    with pytest.raises(BackupError, match="not enough space"):
        night.restore(receipt.path)
    assert tree(night.home / "data") == before
    assert sorted(os.listdir(night.home)) == ["config", "cosmovisor", "data", "wasm"]


@pytest.mark.parametrize("number", ERRORS)
def test_each_call_that_fails_leaves_the_old_or_the_restored_data_and_the_old_is_never_lost(tmp_path, number):
    night = Night(tmp_path, keys=60)
    receipt = night.take()
    go_on(night)
    now = tree(night.home / "data")
    with recording() as seen:
        night.restore(receipt.path)
    restored = tree(night.home / "data")
    for index in range(ERRORS.index(number), len(seen.made), len(ERRORS)):
        home = tmp_path / "again"
        shutil.copytree(night.home, home, symlinks=True)
        for name in ("data", "wasm"):
            shutil.rmtree(home / name)
            (aside,) = home.glob(f"{name}-before-restore-*")
            aside.rename(home / name)
        night.home, kept = home, night.home
        night.layout = type(night.layout)(str(home), "evmosd")
        with failing(index, number) as failed:
            try:
                night.restore(receipt.path)
            except (BackupError, OSError, locks.StateError) as error:
                assert getattr(error, "next_step", ""), failed.made[index]
        assert tree(home / "data") in (now, restored), failed.made[index]
        assert any(tree(path) == now for path in [home / "data", *home.glob("data-before-restore-*")])
        assert signed(night) == 99
        night.home = kept
        shutil.rmtree(home)
    assert errno.errorcode[number]
