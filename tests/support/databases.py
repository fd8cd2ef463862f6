"""Data folders like a real node's, small."""

from __future__ import annotations

import json
from pathlib import Path

import plyvel

from cosmovisor.backup import goleveldb


def leveldb(path: Path, keys: int = 3000) -> None:
    """A LevelDB database with several tables and a journal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = plyvel.DB(str(path), create_if_missing=True, write_buffer_size=64 << 10)
    for number in range(keys):
        database.put(b"key-%08d" % (number * 7919 % keys), b"%064d" % number)
    database.close()
    # A close in the middle of a compaction leaves tables that no MANIFEST names; the next open removes them.
    live = goleveldb.live_tables(str(path)) or {}
    for table in path.glob("*.ldb"):
        if int(table.stem) not in live:
            table.unlink()


def rows(path: Path) -> dict[bytes, bytes]:
    """Everything in a LevelDB database."""
    database = plyvel.DB(str(path))
    try:
        return dict(database)
    finally:
        database.close()


def node_home(home: Path, *, keys: int = 3000) -> Path:
    """A home with every kind of file that the rules of a backup name."""
    data = home / "data"
    leveldb(data / "application.db", keys)
    leveldb(data / "blockstore.db", keys // 10)
    files = {
        "priv_validator_state.json": json.dumps({"height": "41", "round": 0, "step": 3}).encode(),
        "upgrade-info.json": b'{"name":"v2","height":42}',
        "cs.wal/wal": b"head" * 100,
        "cs.wal/wal.000": b"older" * 100,
        "snapshots/41/3/0": b"chunk" * 1000,
        "state.db/000007.sst": b"sst" * 1000,
        "state.db/MANIFEST-000005": b"manifest",
        "state.db/OPTIONS-000009": b"options",
        "state.db/CURRENT": b"MANIFEST-000005\n",
        "state.db/LOCK": b"",
        "memiavl.db/snapshot-41/bank/kvs": b"kvs" * 500,
        "memiavl.db/snapshot-42-tmp/bank/kvs": b"kvs",
        "memiavl.db/wal/00000000000000000001": b"wal",
        "tree.sqlite": b"sqlite" * 100,
    }
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    (data / "memiavl.db" / "current").symlink_to("snapshot-41")
    code = home / "wasm" / "wasm" / "state" / "wasm" / ("ab" * 32)
    code.parent.mkdir(parents=True)
    code.write_bytes(b"\0asm" * 100)
    (home / "wasm" / "wasm" / "exclusive.lock").touch()
    (home / "config").mkdir()
    (home / "config" / "priv_validator_key.json").write_text("{}")
    return home
