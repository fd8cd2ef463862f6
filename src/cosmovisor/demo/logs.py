"""Log lines as a chain program writes them: on stdout, coloured console text or JSON."""

from __future__ import annotations

import os
import signal
import time

_COLOURS = {"INF": "32", "ERR": "31", "WRN": "33"}


class Log:
    """Writes whole lines with one system call each, so that nothing is lost by a kill."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json

    def write(self, level: str, text: str, **facts: object) -> None:
        """Write one line."""
        if self.as_json:
            from cosmovisor.demo.goson import dumps

            names = {"INF": "info", "ERR": "error", "WRN": "warn"}
            line = dumps(
                {
                    "level": names[level],
                    **facts,
                    "time": time.strftime("%FT%TZ", time.gmtime()),
                    "message": text,
                }
            )
        else:
            clock = time.strftime("%I:%M%p").lstrip("0")
            extra = "".join(f" \x1b[36m{name}=\x1b[0m{fact}" for name, fact in facts.items())
            line = f"\x1b[90m{clock}\x1b[0m \x1b[{_COLOURS[level]}m{level}\x1b[0m \x1b[1m{text}\x1b[0m{extra}"
        emit(1, line + "\n")


def emit(stream: int, text: str) -> None:
    """Write to a standard stream; a broken pipe ends the process, as in a Go program."""
    try:
        os.write(stream, text.encode())
    except BrokenPipeError:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    except OSError:
        return
