"""This program's own log: console lines as the Go tool writes them.

`3:04PM INF running app args=["start"] module=cosmovisor path=/h/cosmovisor/genesis/bin/simd`
"""

from __future__ import annotations

import os
import time

from cosmovisor.observe.secrets import conceal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cosmovisor.config.settings import Settings

INFO, WARN, ERROR = "INF", "WRN", "ERR"

_LONGEST_MESSAGE = 8_000
_LONGEST_FIELD = 2_000
_COLOURS = {INFO: "\x1b[32m", WARN: "\x1b[33m", ERROR: "\x1b[31m"}
_GREY, _CYAN, _BOLD, _END = "\x1b[90m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_FORMS = {
    "layout": "%m/%d %I:%M:%S%p '%y %z",
    "ansic": "%a %b %e %H:%M:%S %Y",
    "unixdate": "%a %b %e %H:%M:%S %Z %Y",
    "rubydate": "%a %b %d %H:%M:%S %z %Y",
    "rfc822": "%d %b %y %H:%M %Z",
    "rfc822z": "%d %b %y %H:%M %z",
    "rfc850": "%A, %d-%b-%y %H:%M:%S %Z",
    "rfc1123": "%a, %d %b %Y %H:%M:%S %Z",
    "rfc1123z": "%a, %d %b %Y %H:%M:%S %z",
}


def stamp(word: str, now: float) -> str:
    """Write a moment in one of the formats of `config.time_words`.

    Args:
        word: The format; empty gives an empty text.
        now: Seconds since the epoch.
    """
    if not word:
        return ""
    local = time.localtime(now)
    if word == "kitchen":
        return f"{(local.tm_hour - 1) % 12 + 1}:{local.tm_min:02d}{'AM' if local.tm_hour < 12 else 'PM'}"
    if word not in {"rfc3339", "rfc3339nano"}:
        return time.strftime(_FORMS[word], local)
    zone = time.strftime("%z", local)
    zone = "Z" if zone in {"+0000", "-0000"} else f"{zone[:3]}:{zone[3:]}"
    part = f"{now % 1:.9f}"[1:].rstrip("0.") if word == "rfc3339nano" else ""
    point = f".{part.lstrip('.')}" if part else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + point + zone


def line(level: str, message: str, fields: dict[str, object], *, when: str, colour: bool) -> str:
    """Write one line, without its end.

    Fields are sorted by name, an `error` first; nothing in them can start a line of its own or colour it.
    """
    given = {"module": "cosmovisor", **fields}
    names = sorted(given, key=lambda name: (name != "error", name))
    text = visible(conceal(message), _LONGEST_MESSAGE)
    shown = [(name, field(given[name])) for name in names]
    if not colour:
        words = [when, level, text] if when else [level, text]
        return " ".join(words + [f"{name}={item}" for name, item in shown])
    words = [f"{_GREY}{when}{_END}"] if when else []
    words += [f"{_COLOURS[level]}{level}{_END}", f"{_BOLD}{text}{_END}"]
    for name, item in shown:
        words.append(f"{_CYAN}{name}={_END}{f'{_COLOURS[ERROR]}{item}{_END}' if name == 'error' else item}")
    return " ".join(words)


def field(item: object) -> str:
    """Write the value of a field: plain where it is one plain word, else in quotes; lists as JSON."""
    if item is None or isinstance(item, bool):
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, (list, tuple)):
        text = f"[{','.join([_quoted(conceal(str(part))) for part in item])}]"
        return text if len(text) <= _LONGEST_FIELD else f"{text[:_LONGEST_FIELD]}…]"
    text = conceal(str(item))
    if len(text) > _LONGEST_FIELD:
        text = f"{text[:_LONGEST_FIELD]}…"
    plain = text and text.isprintable() and not any(mark in text for mark in ' "\\')
    return text if plain else _quoted(text)


def visible(text: str, longest: int) -> str:
    """Make a text that takes one line and changes no terminal: control characters are written out."""
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    if cut.isprintable():
        return cut
    return "".join([letter if letter.isprintable() else _escape(letter) for letter in cut])


def _escape(letter: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(letter) or f"\\u{ord(letter):04x}"


def _quoted(text: str) -> str:
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{visible(inner, _LONGEST_FIELD)}"'


class Log:
    """Writes lines to one stream; each line is one `write`, so that lines of two processes do not mix.

    Args:
        fd: File descriptor; -1 writes nothing.
        word: Time format, see `config.time_words`; empty for no time.
        colour: Whether to colour.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        fd: int = 2,
        *,
        word: str = "kitchen",
        colour: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.fd = fd
        self.word = word
        self.colour = colour
        self.clock = clock
        #: Called with (level, message, fields) for every line, also where the log is silenced.
        self.listeners: list[Callable[[str, str, dict[str, object]], None]] = []

    @classmethod
    def of(cls, settings: Settings) -> Log:
        """Return the log that these settings ask for."""
        fd = (
            -1 if settings.cosmovisor_disable_logs else 1 if settings.cosmovisor_log_stream == "stdout" else 2
        )
        return cls(fd, word=settings.cosmovisor_timeformat_logs, colour=settings.cosmovisor_color_logs)

    def info(self, message: str, /, **fields: object) -> None:
        """Say what happens."""
        self.write(INFO, message, fields)

    def warning(self, message: str, /, **fields: object) -> None:
        """Say what the operator should look at."""
        self.write(WARN, message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Say what has failed."""
        self.write(ERROR, message, fields)

    def write(self, level: str, message: str, fields: dict[str, object]) -> None:
        """Write one line; a stream that cannot be written to is no reason to stop."""
        for listener in self.listeners:
            listener(level, message, fields)
        if self.fd < 0:
            return
        when = stamp(self.word, self.clock())
        data = (line(level, message, fields, when=when, colour=self.colour) + "\n").encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(self.fd, data) :]
        except OSError:
            # A reader that has gone, a full disk, a full non-blocking pipe: the node matters more.
            return
