"""Tells systemd and the process list how things stand."""

from __future__ import annotations

import contextlib
import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

#: systemd refuses longer messages, and nobody reads them.
_LIMIT = 1000


#: The watchdog hears of us so many times within its limit.
_PINGS = 3


class Notify:
    """Messages to the service manager; does nothing where there is none.

    Args:
        environ: Our environment; the node must not get the manager's socket as its own, but it is the node's
            environment as well and passes through untouched.
    """

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        self._status = ""
        self._title = ""

    def ready(self) -> None:
        """The node's program runs."""
        self._send("READY=1")

    def stopping(self) -> None:
        """We are about to end."""
        self._send("STOPPING=1")

    def reloading(self, monotonic_us: int) -> None:
        """A reload begins."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def extend(self, seconds: float) -> None:
        """A long step goes on: do not take us for hung."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def keep_alive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the manager's watchdog, where one is set for us, that the loop runs."""
        word, pid = self._environ.get("WATCHDOG_USEC", ""), self._environ.get("WATCHDOG_PID", "")
        if word.isascii() and word.isdigit() and int(word) > 0 and pid in {"", str(os.getpid())}:
            self._send("WATCHDOG=1")
            loop.call_later(int(word) / 1_000_000 / _PINGS, self.keep_alive, loop)

    def status(self, text: str) -> None:
        """Say how things stand, in one line; told again only when it has changed."""
        if text != self._status:
            self._status = text
            line = text.replace("\n", " ")[:_LIMIT]
            self._send(f"STATUS={line}")

    def title(self, text: str) -> None:
        """Set the process title, where that can be done."""
        if text == self._title:
            return
        self._title = text
        with contextlib.suppress(ImportError):
            import setproctitle

            setproctitle.setproctitle(text)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError):
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.sendto(message.encode(), address)


def has_manager(environ: dict[str, str]) -> bool:
    """Tell whether we run as a service, so that a hang-up is a request to reload."""
    return bool(environ.get("NOTIFY_SOCKET") or environ.get("INVOCATION_ID"))


def has_terminal() -> bool:
    """Tell whether a terminal controls us, so that a hang-up means the end."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY))
    except OSError:
        return False
    return True
