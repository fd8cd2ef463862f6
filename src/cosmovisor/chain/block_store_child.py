"""The child that opens a clone of a goleveldb block store; arguments: STORE SCRATCH BYTES-OF-MEMORY."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile

from cosmovisor.chain.wal_record import varint
from cosmovisor.storage import calls, durable

#: Tables are immutable, so a link to one is as good as a copy; everything else is small and is copied.
TABLES = (".ldb", ".sst")
COPY_LIMIT = 256 << 20


def clone(store: str, target: str) -> None:
    """Fill `target` so that LevelDB can open it: links to tables, copies of manifest and short log."""
    copied = 0
    with os.scandir(store) as entries:
        for entry in entries:
            place = os.path.join(target, entry.name)
            if entry.name.endswith(TABLES):
                try:
                    calls.link(entry.path, place)
                except OSError:  # another file system, or a kernel that protects foreign files
                    calls.symlink(entry.path, place)
            elif entry.name.endswith(".log") or entry.name == "CURRENT" or entry.name.startswith("MANIFEST-"):
                copied += entry.stat().st_size
                if copied > COPY_LIMIT:
                    raise ValueError(f"its log and manifest have more than {COPY_LIMIT >> 20} MiB")
                shutil.copyfile(entry.path, place)


def state_height(data: bytes | None) -> int:
    """Return field 2 of `BlockStoreState {1: base, 2: height}`."""
    if data is None:
        raise ValueError("it holds no state record")
    at, height = 0, 0
    while at < len(data):
        key, at = varint(data, at, len(data))
        number, at = varint(data, at, len(data))
        if key not in (0x08, 0x10) or number < 0:
            raise ValueError("its state record has another form")
        if key == 0x10:
            height = number
    return height


def main() -> int:
    """Print the height as JSON."""
    import resource

    store, scratch, memory = sys.argv[1:4]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    target = tempfile.mkdtemp(prefix="block-store-", dir=scratch)
    try:
        import plyvel

        clone(store, target)
        database = plyvel.DB(target, create_if_missing=False, max_open_files=64)
        try:
            record = database.get(b"blockStore")
        finally:
            database.close()
        sys.stdout.write(json.dumps({"height": state_height(record)}))
    except Exception as error:  # what the library raises is not documented; its parent reads the text
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        durable.remove_tree(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
