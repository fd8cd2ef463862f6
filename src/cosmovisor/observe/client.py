"""Asks a running supervisor over its socket: JSON lines, bounded in size and time.

Questions are `{"ask": "status"}` and the like; wishes are `{"do": "recheck"}`, answered by `{"ok": true}` or
`{"error": cause, "next": what to do}`. An entry of the schedule travels as
`{"do": "schedule", "entry": ...}` and `{"do": "unschedule", "plan": ...}`, both in the form of the state
document (`storage.codec`).
"""

from __future__ import annotations

import os
import socket
import time

from cosmovisor.model.errors import StateError
from cosmovisor.storage import light_json, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: An answer is one line; a snapshot is far smaller.
LARGEST = 4 * 1024 * 1024
#: The longest address of a unix socket on Linux and macOS, with its end.
_LONGEST_ADDRESS = 100
#: Seconds that a supervisor may take from its lock to its socket, and between two tries.
_STARTING, _PAUSE = 5.0, 0.05


def connect(path: str, timeout: float) -> socket.socket:
    """Connect to a unix socket, also where its path is longer than an address may be.

    Args:
        path: The socket.
        timeout: Seconds for this and for each later operation.

    Raises:
        OSError: As the system says; `FileNotFoundError`, `ConnectionRefusedError`: nobody listens.
    """
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(timeout)
        if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
            client.connect(path)
            return client
        folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            client.connect(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        finally:
            os.close(folder)
    except BaseException:  # a wish to end too: the descriptor is given back whatever came
        client.close()
        raise
    return client


def ask(path: str, message: dict[str, object], timeout: float = 10.0) -> dict[str, Any]:
    """Send one message and return the one answer.

    Raises:
        StateError: Nobody listens, the answer does not come, or it is an error: then with its own next step.
    """
    try:
        with _patiently(path, timeout) as client:
            client.sendall(light_json.dumps(message).encode() + b"\n")
            data = _line(client)
    except (FileNotFoundError, ConnectionRefusedError):
        raise StateError(
            f"no supervisor listens on {path}", "Start it: cosmovisor run start, or start its service."
        ) from None
    except TimeoutError:
        raise StateError(
            f"the supervisor on {path} has not answered within {timeout:g} s",
            "Try again; if it stays silent look at its log.",
        ) from None
    except OSError as error:
        raise StateError(
            f"cannot talk to the supervisor on {path}: {error.strerror or error}",
            "Run this as the user who runs the supervisor.",
        ) from None
    try:
        answer = light_json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise StateError(f"the supervisor on {path} gave no answer that can be read", "Look at its log.")
    if "error" in answer:
        raise StateError(str(answer["error"]), str(answer.get("next", "")))
    return answer


def _patiently(path: str, timeout: float) -> socket.socket:
    """Connect; while somebody holds the lock of the supervisor, it is about to listen."""
    lock = os.path.join(os.path.dirname(path), "supervisor.lock")
    end = time.monotonic() + min(timeout, _STARTING)
    while True:
        try:
            return connect(path, timeout)
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() >= end or not os.path.exists(lock) or not locks.is_held(lock):
                raise
        time.sleep(_PAUSE)


def _line(client: socket.socket) -> bytes:
    parts = []
    size = 0
    while True:
        part = client.recv(65536)
        parts.append(part)
        size += len(part)
        if not part or b"\n" in part:
            return b"".join(parts).partition(b"\n")[0]
        if size > LARGEST:
            return b""
