"""The block store of a demo node: `data/blockstore.db`, a LevelDB with CometBFT's height record."""

from __future__ import annotations

import json
import os

from cosmovisor.demo import wire
from cosmovisor.demo.leveldb import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]

KEPT = 400


class BlockStore:
    """Saved blocks by height; a saved block need not be applied yet."""

    def __init__(self, home: str, first: int) -> None:
        self.database = Database(os.path.join(home, "data", "blockstore.db"))
        self.blocks: dict[int, Json] = {}
        for key, content in self.database.values.items():
            if key.startswith(b"H:"):
                self.blocks[int(key[2:])] = json.loads(content)
        record = dict(wire.fields(self.database.values.get(b"blockStore", b"")))
        self.base, self.height = int(record.get(1) or first), int(record.get(2) or first - 1)

    def save(self, height: int, block: Json) -> None:
        """Save a block: from here on the store has this height."""
        self.height = height
        self.blocks[height] = block
        if height - KEPT in self.blocks:
            del self.blocks[height - KEPT]
            self.database.forget(b"H:%d" % (height - KEPT))
            self.base = height - KEPT + 1
        record = wire.field(1, self.base) + wire.field(2, height)
        self.database.put({b"H:%d" % height: json.dumps(block).encode(), b"blockStore": record})

    def close(self) -> None:
        """Close the database."""
        self.database.close()
