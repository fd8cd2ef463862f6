"""The demo's database is a LevelDB to everyone else."""

from __future__ import annotations

import pytest

from cosmovisor.demo import leveldb


def test_what_is_written_is_read_again_after_a_close(tmp_path):
    store = leveldb.Database(str(tmp_path / "x.db"))
    store.put({b"a": b"1", b"b": b"2"})
    store.put({b"a": b"3"})
    store.close()
    assert leveldb.Database(str(tmp_path / "x.db")).values == {b"a": b"3", b"b": b"2"}


def test_leveldb_itself_reads_the_folder(tmp_path):
    plyvel = pytest.importorskip("plyvel")
    store = leveldb.Database(str(tmp_path / "x.db"))
    for number in range(2000):
        store.put({b"%d" % number: bytes([number % 251]) * (number % 97)})
    store.put({b"long": b"x" * 100_000})
    store.close()
    real = plyvel.DB(str(tmp_path / "x.db"))
    assert real.get(b"77") == bytes([77]) * 77
    assert real.get(b"long") == b"x" * 100_000
    real.close()


def test_a_record_cut_in_the_middle_is_ignored(tmp_path):
    store = leveldb.Database(str(tmp_path / "x.db"))
    store.put({b"a": b"1"})
    store.put({b"a": b"2", b"b": b"2"})
    store.close()
    log = next((tmp_path / "x.db").glob("*.log"))
    log.write_bytes(log.read_bytes()[:-3])
    assert leveldb.Database(str(tmp_path / "x.db")).values == {b"a": b"1"}


def test_a_second_process_is_refused_while_the_first_has_it_open(tmp_path):
    store = leveldb.Database(str(tmp_path / "x.db"))
    with pytest.raises(leveldb.DatabaseLockedError):
        leveldb.Database(str(tmp_path / "x.db"))
    store.close()
    leveldb.Database(str(tmp_path / "x.db"))
