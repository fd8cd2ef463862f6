"""The live set is what the MANIFEST names; in doubt there is none."""

from __future__ import annotations

import os
import shutil

import plyvel
import pytest
from tests.support.databases import leveldb, rows

from cosmovisor.backup import goleveldb


def tables(folder) -> dict[int, int]:
    return {int(n[:-4]): os.path.getsize(folder / n) for n in os.listdir(folder) if n.endswith(".ldb")}


def fits(live: dict[int, int] | None, folder) -> bool:
    # A database that is closed during a compaction leaves a table that it never named; it is not alive.
    return bool(live) and live.items() <= tables(folder).items()


def test_the_live_tables_alone_are_the_whole_database(tmp_path):
    leveldb(tmp_path / "db", 8000)
    live = goleveldb.live_tables(str(tmp_path / "db"))
    assert len(live) > 1
    assert fits(live, tmp_path / "db")
    for number in tables(tmp_path / "db").keys() - live.keys():
        os.unlink(tmp_path / "db" / f"{number:06d}.ldb")
    assert len(rows(tmp_path / "db")) == 8000


def test_a_table_that_a_crash_left_over_is_not_alive(tmp_path):
    leveldb(tmp_path / "db", 8000)
    known = goleveldb.live_tables(str(tmp_path / "db"))
    (tmp_path / "db" / "999999.ldb").write_bytes(b"orphan")
    assert goleveldb.live_tables(str(tmp_path / "db")) == known


def test_compaction_changes_the_live_set(tmp_path):
    leveldb(tmp_path / "db", 8000)
    before = goleveldb.live_tables(str(tmp_path / "db"))
    database = plyvel.DB(str(tmp_path / "db"))
    database.compact_range()
    database.close()
    after = goleveldb.live_tables(str(tmp_path / "db"))
    assert fits(after, tmp_path / "db")
    assert before != after


def manifest(folder):
    return folder / (folder / "CURRENT").read_text().strip()


def test_a_torn_end_of_the_manifest_is_left_out(tmp_path):
    leveldb(tmp_path / "db", 4000)
    known = goleveldb.live_tables(str(tmp_path / "db"))
    with manifest(tmp_path / "db").open("ab") as file:
        file.write(b"\1\2\3\4\xff\x0f\1half")
    assert goleveldb.live_tables(str(tmp_path / "db")) == known


@pytest.mark.parametrize("content", [b"../x\n", b"OPTIONS-1\n", b"\xff", b"", b"MANIFEST-nothing\n"])
def test_a_strange_current_means_unknown(tmp_path, content):
    leveldb(tmp_path / "db", 100)
    (tmp_path / "db" / "CURRENT").write_bytes(content)
    assert goleveldb.live_tables(str(tmp_path / "db")) is None


def test_a_damaged_manifest_means_unknown_or_a_part_but_never_an_error(tmp_path):
    leveldb(tmp_path / "db", 4000)
    whole = manifest(tmp_path / "db").read_bytes()
    known = goleveldb.live_tables(str(tmp_path / "db"))
    assert known
    for place in range(7, len(whole), max(1, len(whole) // 200)):
        shutil.copytree(tmp_path / "db", tmp_path / "copy")
        manifest(tmp_path / "copy").write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :]
        )
        found = goleveldb.live_tables(str(tmp_path / "copy"))
        assert found is None or isinstance(found, dict)
        shutil.rmtree(tmp_path / "copy")


def test_a_huge_manifest_is_not_parsed(tmp_path, monkeypatch):
    leveldb(tmp_path / "db", 100)
    monkeypatch.setattr(goleveldb, "SIZE_LIMIT", 10)
    assert goleveldb.live_tables(str(tmp_path / "db")) is None
