"""A backup is whole or not there; it is taken by the cheapest way that is safe; the sign-state cannot slip back."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from pathlib import Path

import plyvel
import pytest
from tests.support.databases import rows
from tests.support.nights import PLAN, Night, tree
from tests.support.recorder import ERRORS, failing, recording

from cosmovisor import backup
from cosmovisor.backup import build, engine_locks, manifest, methods, places, taking
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import BackupReceipt, BackupWaived
from cosmovisor.storage import calls


@pytest.fixture
def night(tmp_path) -> Night:
    return Night(tmp_path)


@pytest.fixture(params=["copy", "link", "any"])
def method(request, monkeypatch) -> str:
    """Each way that this machine can do, and the way it would choose."""
    if request.param != "any":
        monkeypatch.setattr(methods, "choose", lambda sample, folder: request.param)
    return request.param


def test_a_backup_holds_everything_but_the_sign_state_at_its_place(night, method):
    receipt = night.take()
    assert isinstance(receipt, BackupReceipt)
    expected = tree(night.home / "data")
    sign_state = expected.pop("priv_validator_state.json")
    assert tree(Path(receipt.path, "data")) == expected
    assert tree(Path(receipt.path, "wasm")) == tree(night.home / "wasm")
    assert hashlib.sha256(Path(receipt.path, manifest.SIGN_STATE).read_bytes()).hexdigest() == sign_state
    assert sorted(os.listdir(receipt.path)) == [manifest.FILE, "data", manifest.SIGN_STATE, "wasm"]
    assert os.listdir(night.base) == [os.path.basename(receipt.path)]
    assert receipt.size == manifest.read(receipt.path).size > 0
    assert manifest.problems(receipt.path, manifest.read(receipt.path)) == []


def test_the_folder_is_named_as_go_names_it_plus_name_and_height(night):
    receipt = night.take(Plan("v1.2/Ä", 42))
    name = os.path.basename(receipt.path)
    assert name.startswith("data-backup-2")
    assert name.endswith("-v1.2%2F%C3%84-42")
    assert "-0" not in name


def test_tables_are_shared_and_everything_else_is_not(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "link")
    receipt = night.take()
    for item in manifest.read(receipt.path).items:
        same = os.path.samefile(
            os.path.join(receipt.path, item.source, item.path), night.home / item.source / item.path
        )
        assert same == (item.method == "link") == (item.kind == "table")


def test_the_next_run_of_the_node_does_not_reach_the_backup(night, method):
    expected = rows(shutil.copytree(night.home / "data" / "application.db", night.base.parent / "before"))
    receipt = night.take()
    for round_ in range(3):
        database = plyvel.DB(str(night.home / "data" / "application.db"), write_buffer_size=64 << 10)
        for number in range(2000):
            database.put(b"key-%08d" % number, b"new %d %060d" % (round_, number))
        database.close()
    copy = shutil.copytree(Path(receipt.path, "data", "application.db"), night.base.parent / "after")
    assert rows(copy) == expected
    assert manifest.problems(receipt.path, manifest.read(receipt.path)) == []


def test_modes_and_times_are_kept(night, method):
    path = night.home / "data" / "tree.sqlite"
    path.chmod(0o640)
    os.utime(path, ns=(1_600_000_000_123_456_789,) * 2)
    (night.home / "data" / "memiavl.db").chmod(0o711)
    receipt = night.take()
    copy = Path(receipt.path, "data", "tree.sqlite").stat()
    assert (copy.st_mode & 0o777, copy.st_mtime_ns) == (0o640, 1_600_000_000_123_456_789)
    assert Path(receipt.path, "data", "memiavl.db").stat().st_mode & 0o777 == 0o711


def test_no_backup_is_taken_where_the_operator_has_switched_it_off(night):
    assert night.take(cosmovisor_backup="off") == BackupWaived("COSMOVISOR_BACKUP=off")
    assert night.take(cosmovisor_backup="off", unsafe_skip_backup=True) == BackupWaived("UNSAFE_SKIP_BACKUP")
    assert os.listdir(night.base) == []


def test_best_effort_goes_on_without_one_and_says_why(night, monkeypatch):
    monkeypatch.setattr(taking, "free_space", lambda folder: 1)
    waived = night.take(cosmovisor_backup="best-effort")
    assert isinstance(waived, BackupWaived)
    assert "not enough space" in waived.by
    assert "not enough space" in night.said[-1]


def test_too_little_space_is_said_before_anything_is_written(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "copy")
    monkeypatch.setattr(taking, "free_space", lambda folder: taking.RESERVE + 10_000)
    with pytest.raises(BackupError, match="not enough space") as raised:
        night.take()
    assert "DAEMON_DATA_BACKUP_DIR" in raised.value.next_step
    assert raised.value.facts["free"] == taking.RESERVE + 10_000
    assert os.listdir(night.base) == []


def test_a_missing_backup_folder_and_missing_data_are_said(night):
    with pytest.raises(BackupError, match="not a folder") as raised:
        night.take(daemon_data_backup_dir=f"{night.base}/missing")
    assert raised.value.next_step
    shutil.rmtree(night.home / "data")
    with pytest.raises(BackupError, match="no data to back up"):
        night.take()


@pytest.mark.parametrize("place", ["data/backups", "data", "data/application.db"])
def test_a_backup_folder_below_the_data_never_gets_into_the_backup(night, place):
    base = night.home / place
    base.mkdir(exist_ok=True)
    for height in (1, 2):
        receipt = night.take(Plan("v2", height), daemon_data_backup_dir=str(base))
        assert not [path for path in tree(Path(receipt.path)) if "data-backup" in path]
    if place == "data/application.db":
        return  # the whole database is then the place of backups; `doctor` warns of such a place
    assert "data/application.db" in tree(Path(receipt.path))


def test_an_open_database_is_not_backed_up(night):
    database = plyvel.DB(str(night.home / "data" / "application.db"))
    with pytest.raises(BackupError, match=r"application.db is still open in another program") as raised:
        holder = os.open(night.home / "data" / "application.db" / "LOCK", os.O_RDWR)
        fcntl.flock(holder, fcntl.LOCK_EX)
        night.take()
    os.close(holder)
    database.close()
    assert "lsof" in raised.value.next_step
    assert os.listdir(night.base) == []


def test_databases_are_locked_while_the_backup_is_taken(night, monkeypatch):
    lock = str(night.home / "data" / "application.db" / "LOCK")
    seen = []
    real = build.Builder.build

    def watched(self, **given):
        fd = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            seen.append("locked")
        os.close(fd)
        return real(self, **given)

    monkeypatch.setattr(build.Builder, "build", watched)
    night.take()
    assert seen == ["locked"]
    with engine_locks.Held() as held:
        held.take([lock])


def test_a_cancelled_backup_is_not_visible_and_goes_on_at_the_next_call(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "copy")
    monkeypatch.setattr(build, "_WORKERS", 1)
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 12

    with pytest.raises(methods.CancelledError):
        night.take(cancelled=cancelled)
    (partial,) = os.listdir(night.base)
    assert partial.startswith(".data-backup-v2-42.")
    kept = [path for path in tree(night.base / partial) if path.endswith(".ldb")]
    assert kept
    copied = []
    real = methods.copy
    monkeypatch.setattr(
        methods, "copy", lambda source, *rest, **given: copied.append(source) or real(source, *rest, **given)
    )
    receipt = night.take()
    assert manifest.problems(receipt.path, manifest.read(receipt.path)) == []
    assert not {os.path.basename(path) for path in kept} & {
        os.path.basename(path) for path in copied if "application.db" in path
    }
    assert len(os.listdir(night.base)) == 1


def test_even_best_effort_is_cancelled(night):
    with pytest.raises(methods.CancelledError):
        night.take(cancelled=lambda: True, cosmovisor_backup="best-effort")


def test_what_was_copied_ahead_is_not_copied_again_and_what_changed_is(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "copy")
    ahead = backup.precopy(night.settings(), str(night.home), PLAN, lambda: False, night.said.append)
    assert ahead > 0
    (partial,) = os.listdir(night.base)
    assert partial.startswith(".")
    database = plyvel.DB(str(night.home / "data" / "application.db"))
    database.put(b"later", b"1")
    database.compact_range()
    database.close()
    copied = []
    real = methods.copy
    monkeypatch.setattr(
        methods, "copy", lambda source, *rest, **given: copied.append(source) or real(source, *rest, **given)
    )
    receipt = night.take()
    assert str(night.home / "data" / "snapshots/41/3/0") not in copied
    assert str(night.home / "data" / "tree.sqlite") in copied
    expected = tree(night.home / "data")
    expected.pop("priv_validator_state.json")
    assert tree(Path(receipt.path, "data")) == expected


def test_nothing_is_copied_ahead_where_files_can_be_shared(night, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "link")
    assert backup.precopy(night.settings(), str(night.home), PLAN, lambda: False, night.said.append) == 0
    assert os.listdir(night.base) == []


def test_a_cut_between_backup_and_journal_leads_to_the_same_backup(night, method):
    first = night.take()
    assert night.take().path == first.path
    (night.home / "data" / "tree.sqlite").write_bytes(b"another")
    third = night.take()
    assert third.path == f"{first.path}-2"


def test_only_so_many_backups_are_kept_and_only_ours(night):
    go = night.base / "data-backup-2024-9-4"
    go.mkdir()
    other = Night(night.base.parent / "other")
    other.base = night.base
    theirs = other.take(Plan("v2", 1))
    paths = []
    for height in range(1, 5):
        (night.home / "data" / "tree.sqlite").write_bytes(b"%d" % height)
        paths.append(night.take(Plan("v2", height), cosmovisor_backup_keep=2).path)
    assert {path for path in paths if os.path.exists(path)} == set(paths[2:])
    assert go.exists()
    assert os.path.exists(theirs.path)
    assert "COSMOVISOR_BACKUP_KEEP" in night.said[-1]


def test_leftovers_of_this_node_are_removed_and_those_of_others_are_not(night):
    mine = places.partial_name(str(night.base), str(night.home), Plan("v1", 7))
    theirs = places.partial_name(str(night.base), "/other", Plan("v1", 7))
    doomed = f"{night.base}/.data-backup-2024-9-4-v1-7.123-4.partial"
    for path in (mine, theirs, doomed):
        os.makedirs(f"{path}/data")
    night.take()
    assert not os.path.exists(mine)
    assert not os.path.exists(doomed)
    assert os.path.exists(theirs)


def test_the_manifest_is_the_last_file_and_everything_written_is_flushed_before_the_rename(night, method):
    with recording() as seen:
        receipt = night.take()
    names = seen.names()
    last = max(at for at, (name, args) in enumerate(seen.made) if name == "create")
    assert seen.made[last][1][0].endswith(manifest.FILE)
    final = max(at for at, (name, args) in enumerate(seen.made) if name == "replace")
    assert seen.made[final][1] == (places.partial_name(str(night.base), str(night.home), PLAN), receipt.path)
    assert names[final:] == ["replace", "open_read", "fsync"]
    written = {
        args[0]
        for name, args in seen.made
        if name == "create" and "/." in args[0] and ".probe" not in args[0]
    }
    flushed = {args[0] for name, args in seen.made[:final] if name == "open_read"}
    if "sync_file_system" not in names:
        assert {
            path for path in written if not path.endswith(("LOCK", ".lock", ".ldb", ".sst"))
        } <= flushed | {
            path for path in written if path.endswith(tuple(item.path for item in tables(receipt)))
        }


def tables(receipt):
    return [item for item in manifest.read(receipt.path).items if item.kind == "table"]


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize("way", ["copy", "link"])
def test_each_call_that_fails_is_explained_and_leaves_nothing_half(tmp_path, monkeypatch, way, number):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: way)
    monkeypatch.setattr(build, "_WORKERS", 1)
    night = Night(tmp_path / "w", keys=60)
    with recording() as seen:
        night.take()
    shutil.rmtree(night.base)
    night.base.mkdir()
    picked = range(ERRORS.index(number), len(seen.made), len(ERRORS))
    for index in picked:
        with failing(index, number) as failed:
            try:
                receipt = night.take()
            except BackupError as error:
                assert error.next_step
                assert os.strerror(number) in error.cause or "still open" in error.cause
                assert not [name for name in os.listdir(night.base) if name.startswith(".")], failed.made[
                    index
                ]
                receipt = night.take()
        assert manifest.problems(receipt.path, manifest.read(receipt.path)) == []
        assert os.listdir(night.base) == [os.path.basename(receipt.path)]
        for name in os.listdir(night.base):
            shutil.rmtree(night.base / name)


def test_a_file_that_cannot_be_read_is_named(night, monkeypatch):
    real = calls.open_read

    def open_read(path, flags=0):
        if path.endswith("tree.sqlite"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags)

    monkeypatch.setattr(calls, "open_read", open_read)
    with pytest.raises(BackupError, match=r"tree\.sqlite: Permission denied") as raised:
        night.take()
    assert "ls -ld" in raised.value.next_step
    assert os.listdir(night.base) == []


def test_progress_is_told_about_once_a_second(night, monkeypatch):
    clock = iter(range(100_000))
    monkeypatch.setattr(build.time, "monotonic", lambda: float(next(clock)))
    night.take()
    assert "files" in night.said[0]
    assert " of " in night.said[0]


def test_a_forecast_names_the_method_the_bytes_and_the_space_and_leaves_nothing(night, method):
    found = backup.forecast(night.settings(), str(night.home))
    assert found.method in {"reflink", "link", "copy"}
    assert found.fits
    assert found.seconds > 0
    assert found.size == taking.look(night.settings(), str(night.home))[1][0].survey.size() + len(
        b"\0asm" * 100
    )
    if method == "copy":
        assert found.bytes == found.size
    if method == "link":
        assert 0 < found.bytes < found.size
    assert os.listdir(night.base) == []
    assert backup.forecast(night.settings(cosmovisor_backup="off"), str(night.home)).method == "off"


def test_a_forecast_says_when_the_backup_will_not_fit(night, monkeypatch):
    monkeypatch.setattr(taking, "free_space", lambda folder: 1)
    assert not backup.forecast(night.settings(), str(night.home)).fits
