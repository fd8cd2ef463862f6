"""The block store's height through a clone, in a child; other engines are named."""

from __future__ import annotations

import pathlib
import shutil

import pytest

from cosmovisor.chain import block_store, block_store_child
from cosmovisor.model.errors import ChainError
from cosmovisor.model.heights import UNKNOWN

HALT = pathlib.Path(__file__).parents[2] / "data" / "halt"


def tree(folder: pathlib.Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path):
    def make(name: str) -> pathlib.Path:
        shutil.copytree(HALT / name, tmp_path / "data")
        (tmp_path / "scratch").mkdir()
        return tmp_path / "data" / "blockstore.db"

    return make


@pytest.mark.parametrize("name", ["block-sync", "consensus"])
def test_the_height_of_a_real_store_at_the_halt(store, tmp_path, name):
    pytest.importorskip("plyvel")
    before = tree(store(name))
    found = block_store.height(str(tmp_path / "data"), str(tmp_path / "scratch"), time_limit=60)
    assert (found.height, found.strength, found.source) == (24, "exact", "block store")
    assert tree(tmp_path / "data" / "blockstore.db") == before
    assert list((tmp_path / "scratch").iterdir()) == []


def test_tables_are_linked_and_never_changed(store, tmp_path):
    plyvel = pytest.importorskip("plyvel")
    place = store("consensus")
    shutil.rmtree(place)
    database = plyvel.DB(str(place), create_if_missing=True)
    for number in range(300):
        database.put(b"k%d" % number, bytes(2000))
    database.put(b"blockStore", b"\x08\x01\x10\xac\x02")
    database.compact_range()
    database.close()
    assert any(path.suffix == ".ldb" for path in place.iterdir())
    before = tree(place)
    assert block_store.height(str(tmp_path / "data"), str(tmp_path / "scratch"), time_limit=60).height == 300
    assert tree(place) == before


def test_a_corrupt_store_is_an_error_and_leaves_nothing(store, tmp_path):
    pytest.importorskip("plyvel")
    place = store("consensus")
    for path in place.iterdir():
        path.write_bytes(b"\xff" * 200)
    with pytest.raises(ChainError, match="cannot read the block store"):
        block_store.height(str(tmp_path / "data"), str(tmp_path / "scratch"), time_limit=60)
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("files", "engine"),
    [
        ({"OPTIONS-000003": b"[Version]\n  pebble_version=0.1\n", "000004.sst": b""}, "pebbledb"),
        ({"OPTIONS-000003": b"[Version]\n  rocksdb_version=6\n"}, "rocksdb"),
        ({"000001.vlog": b"", "MANIFEST": b""}, "badgerdb"),
        ({"000001.sst": b""}, "rocksdb"),
        ({"CURRENT": b"x", "000001.log": b""}, "goleveldb"),
        ({"x": b""}, "unknown"),
    ],
)
def test_engines_are_told_by_their_files(tmp_path, files, engine):
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert block_store.engine(str(tmp_path)) == engine


def test_another_engine_is_named(tmp_path):
    (tmp_path / "blockstore.db").write_bytes(b"bolt")
    with pytest.raises(ChainError, match="boltdb"):
        block_store.height(str(tmp_path), str(tmp_path))


def test_a_missing_store_is_unknown(tmp_path):
    assert block_store.height(str(tmp_path), str(tmp_path)) == UNKNOWN


@pytest.mark.parametrize("data", [None, b"\xff", b"\x10", b"\x1a\x00"])
def test_a_state_record_of_another_form_is_refused(data):
    with pytest.raises(ValueError):
        block_store_child.state_height(data)
