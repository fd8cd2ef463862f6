"""The consensus write-ahead log `data/cs.wal/wal` in CometBFT's format."""

from __future__ import annotations

import os
import time

from cosmovisor.demo import wire


class WriteAheadLog:
    """The log, open for appending; a new file begins with the end of height 0."""

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.file = os.open(
            os.path.join(folder, "wal"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        if os.fstat(self.file).st_size == 0:
            self.end_height(0)

    def _record(self, body: bytes) -> None:
        now = time.time_ns()
        timed = wire.message(1, wire.timestamp(now // 10**9, now % 10**9)) + wire.message(2, body)
        os.write(self.file, wire.crc32c(timed).to_bytes(4, "big") + len(timed).to_bytes(4, "big") + timed)

    def round_step(self, height: int, step: str) -> None:
        """Note a new step of the round."""
        self._record(wire.message(1, wire.field(1, height) + wire.field(3, step)))

    def block_part(self, height: int, block: bytes) -> None:
        """Note the proposal (stands for the message with its block part)."""
        self._record(
            wire.message(2, wire.message(1, wire.message(3, wire.field(1, height) + wire.message(3, block))))
        )

    def end_height(self, height: int) -> None:
        """Note that a block is saved and about to be applied."""
        self._record(wire.message(4, wire.field(1, height)))

    def close(self) -> None:
        """Close the file."""
        os.close(self.file)
