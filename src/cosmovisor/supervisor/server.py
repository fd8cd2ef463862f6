"""The unix socket: JSON lines, owner only; bounded in clients, line length and unread output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from cosmovisor.model.errors import CosmovisorError, UsageError
from cosmovisor.storage import calls, light_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

#: A plan's info may be large; nothing else that is asked is.
_LINE = 1 << 20
_CLIENTS = 32
#: Bytes that a reader of the event stream may lag behind before it is dropped.
_LAG = 1 << 20


class Server:
    """Answers clients on a socket file.

    Args:
        path: The socket file; may be longer than the system's limit for addresses.
        answer: Answers one request.
    """

    def __init__(self, path: str, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._server: asyncio.AbstractServer | None = None
        self._streams: set[asyncio.StreamWriter] = set()
        self._clients = 0

    async def start(self) -> None:
        """Begin to listen; a socket file of an earlier supervisor is replaced (we hold its lock).

        Raises:
            OSError: The folder is not writable, or is no place for sockets.
        """
        sock = bind(self._path)
        self._server = await asyncio.start_unix_server(self._serve, sock=sock, limit=_LINE)

    def stop(self) -> None:
        """End listening and drop all clients."""
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(OSError):
                calls.unlink(self._path)
        for writer in list(self._streams):
            writer.close()

    def publish(self, event: dict[str, Any]) -> None:
        """Send an event to everybody who follows."""
        if not self._streams:
            return
        line = light_json.dumps(event).encode() + b"\n"
        for writer in list(self._streams):
            if writer.transport.get_write_buffer_size() > _LAG:
                self._streams.discard(writer)
                writer.transport.abort()
            else:
                writer.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients > _CLIENTS:
                await _send(writer, {"error": "too many clients", "next": "Close other clients first."})
                return
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    await _send(writer, {"error": "the request is too long", "next": ""})
                    return
                if not line:
                    return
                await self._one(line, writer)
        except (ConnectionError, OSError):
            return
        finally:
            self._clients -= 1
            self._streams.discard(writer)
            writer.close()

    async def _one(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            request = light_json.loads(line)
            if not isinstance(request, dict):
                raise UsageError("the request is not a JSON object")
            if request.get("ask") == "events":
                self._streams.add(writer)
                answer: dict[str, Any] = {"ok": True}
            else:
                answer = await self._answer(request)
        except CosmovisorError as error:
            answer = {"error": error.cause, "next": error.next_step}
        except (ValueError, RecursionError):
            answer = {"error": "the request is not JSON", "next": ""}
        await _send(writer, answer)


async def _send(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(light_json.dumps(answer).encode() + b"\n")
    await writer.drain()


def bind(path: str) -> socket.socket:
    """Bind a socket file that only its owner can reach.

    The address holds at most 107 bytes, so it is given relative to the open folder.

    Raises:
        OSError: As the system says.
    """
    folder, name = os.path.split(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            calls.unlink(path)
        before = os.umask(0o177)
        try:
            sock.bind(_short(directory, path, name))
        finally:
            os.umask(before)
        sock.listen(16)
        sock.setblocking(False)
    except BaseException:  # a wish to end too: the descriptor is given back whatever came
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


def _short(directory: int, path: str, name: str) -> str:
    """Return an address of a file in an open folder that fits whatever the folder's own length is."""
    link = f"/proc/self/fd/{directory}"
    return f"{link}/{name}" if os.path.isdir(link) else path
