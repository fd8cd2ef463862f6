"""Tells the operator: log lines, and the record of decisions that `cosmovisor explain` replays."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time

from cosmovisor.decide import commands
from cosmovisor.observe.log import Log
from cosmovisor.storage import codec, durable, light_json
from cosmovisor.supervisor.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of the record of decisions before its older half is dropped.
_RECORD = 4 << 20


#: Seconds until a decision is written into the record.
_LATER = 1.0


class Teller:
    """The supervisor's voice.

    Args:
        context: The home.
        log: Where lines go.
    """

    def __init__(self, context: Context, log: Log) -> None:
        self._path = context.layout.decisions_file
        self.log = log
        self._queue: list[bytes] = []
        self._file = threading.Lock()
        self._writing: asyncio.Task[None] | None = None
        self._defect = ""
        self._last: tuple[str, str] = ("", "")
        #: Called with each line, for the event stream of the socket.
        self.listeners: list[Callable[[dict[str, object]], None]] = []

    def say(self, command: commands.Say) -> None:
        """Tell what the machine wants told, and keep the facts of a decision."""
        fields: dict[str, object] = {"fix": command.fix} if command.fix else {}
        self.tell(command.level, command.text, **fields)
        if command.facts is not None and (command.row, command.text) != self._last:
            self._last = (command.row, command.text)
            record = {
                "at": time.time(),
                "row": command.row,
                "reason": command.text,
                "fix": command.fix,
                "facts": codec.encode(command.facts),
            }
            self._queue.append(light_json.dumps(record).encode())
            self._flush()

    def tell(self, level: str, text: str, **fields: object) -> None:
        """Write one line."""
        if level == "error":
            self.log.error(text, **fields)
            if self.log.fd < 0:
                # The log may be off; why nothing runs must be told all the same.
                fix = f"Next: {fields['fix']}\n" if fields.get("fix") else ""
                with contextlib.suppress(OSError):
                    os.write(2, f"Error: {text}\n{fix}".encode("utf-8", "replace"))
        elif level == "warn":
            self.log.warning(text, **fields)
        elif level == "info":
            self.log.info(text, **fields)
        for listener in list(self.listeners):
            listener({"event": "log", "at": time.time(), "level": level, "text": text})

    def defect(self, error: Exception) -> None:
        """Tell of a defect of our own, with its place: never a traceback in the log, once for each place."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        code = "" if place is None else f" ({place.tb_frame.f_code.co_qualname}, line {place.tb_lineno})"
        text = f"internal error, the node is not touched: {type(error).__name__}: {error}{code}"
        if text != self._defect:
            self._defect = text
            self.tell("error", text, fix="This is a defect of cosmovisor; please report it.")

    def _flush(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        # The record is for later reading; an upgrade must not wait for the disk because of it.
        await asyncio.sleep(_LATER)
        while self._queue:
            await asyncio.to_thread(self._append)

    def finish(self) -> None:
        """Write what is left; a cut of the power alone could still take it, and nobody waits for that."""
        if self._writing is not None:
            self._writing.cancel()
        self._append(flush=False)

    def _append(self, *, flush: bool = True) -> None:
        """Write what is queued: by a thread while we run, by the last step of our end."""
        with contextlib.suppress(OSError):
            with self._file:
                lines, self._queue = self._queue, []
                if lines:
                    _shorten(self._path)
                    durable.append_line(self._path, b"\n".join(lines), flush=False)
            if flush and lines:
                durable.sync_file(self._path)


def _shorten(path: str) -> None:
    """Drop the older half of a record that has become too long."""
    with contextlib.suppress(FileNotFoundError):
        if os.path.getsize(path) > _RECORD:
            with open(path, "rb") as file:
                file.seek(-_RECORD // 2, os.SEEK_END)
                file.readline()
                durable.write_file(path, file.read())
