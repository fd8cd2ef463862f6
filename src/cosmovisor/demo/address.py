"""An RPC address of one's own, so that many demo nodes run beside each other.

Linux answers on the whole of 127.0.0.0/8. A random address there with the usual port cannot collide with
another node's, and the port is outside the range from which the kernel takes ports for others, so that the
address is still free after a restart. Where only 127.0.0.1 answers, a free port is taken.
"""

from __future__ import annotations

import random
import socket

PORT = 26657


def choose() -> str:
    """Return a free address like `tcp://127.83.12.201:26657`."""
    dice = random.SystemRandom()
    for _ in range(20):
        host = f"127.{dice.randrange(1, 255)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        if _is_free(host, PORT):
            return f"tcp://{host}:{PORT}"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True
