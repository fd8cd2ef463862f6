"""A backup costs what the file system makes it cost: what is immutable is shared, not copied."""

from __future__ import annotations

import os
import time

import pytest

pytestmark = pytest.mark.complaint(9)


def test_the_tables_of_a_large_database_are_shared_in_no_time(world):
    plyvel = pytest.importorskip("plyvel")
    world.genesis("v1")
    world.place("v2")
    world.init()
    store = plyvel.DB(str(world.data / "tx_index.db"), create_if_missing=True)
    for number in range(3000):
        store.put(b"%06d" % number, os.urandom(1024))
    store.compact_range()
    store.close()
    long_ago = time.time() - 3600
    tables = [path for path in (world.data / "tx_index.db").iterdir() if path.suffix == ".ldb"]
    for path in tables:
        os.utime(path, (long_ago, long_ago))
    world.run()
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    (backup,) = [path for path in world.home.iterdir() if path.name.startswith("data-backup-")]
    assert tables
    for path in tables:
        (kept,) = backup.rglob(path.name)
        assert kept.read_bytes() == path.read_bytes()
        assert kept.stat().st_ino == path.stat().st_ino or shares_blocks(backup)
    world.verify()


def shares_blocks(backup) -> bool:
    """On file systems that clone, each file is one of its own; the receipt says how it was made."""
    return any(
        "reflink" in path.read_text() for path in backup.rglob("*.jsonl") if path.stat().st_size < 1 << 20
    )
