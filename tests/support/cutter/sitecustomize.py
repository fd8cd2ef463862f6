"""Put on `PYTHONPATH` of a world, this cuts our own processes at their file-changing calls.

`CUTTER` names a folder. `log` in it gets a line for every such call of a supervisor or staging process. `order`
has an id, and a line for each call that is asked for: everything that the line names is ended with SIGKILL, right
before or right after the call, or the call fails with the error that it names, once; `fired-<id>-<line>` tells so.
Nothing else is changed, and other programs are left alone.
"""

from __future__ import annotations

import errno
import os
import re
import sys


def _role() -> str:
    words = sys.orig_argv
    if "cosmovisor" not in words:
        return ""
    words = words[words.index("cosmovisor") + 1 :]
    if "prepare-upgrade" in words:
        return "staging"
    return "supervisor" if words[:1] in (["run"], ["start"]) else ""


class _Cutter:
    def __init__(self, folder: str, role: str) -> None:
        self.folder, self.role = folder, role
        self.root = os.path.dirname(folder)
        self.paths: dict[int, str] = {}
        self.order: list[str] = []
        self.seen: dict[str, int] = {}
        self.log = os.open(f"{folder}/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def install(self) -> None:
        from cosmovisor.storage import calls

        for name, function in list(vars(calls).items()):
            if (
                getattr(function, "__module__", "") == calls.__name__
                and callable(function)
                and name[0] != "_"
            ):
                setattr(calls, name, self.wrapped(name, function))

    def wrapped(self, name: str, function):  # type: ignore[no-untyped-def]
        def call(*args):  # type: ignore[no-untyped-def]
            label = "" if name in ("close", "open_read", "lock", "range_lock") else self.label(name, args)
            if label:
                self.at("before", label)
            result = function(*args)
            if isinstance(result, int) and args and isinstance(args[0], str):
                self.paths[result] = args[0]
            if label:
                self.at("after", label)
            return result

        return call

    def label(self, name: str, args) -> str:  # type: ignore[no-untyped-def]
        path = args[-1] if name in ("replace", "link", "symlink", "exchange") else args[0]
        if isinstance(path, int):
            path = self.paths.get(path, "?")
        text = f"{self.role} {name} {_plain(os.path.relpath(path, self.root))}"
        if name == "replace" and path.endswith("state.json"):
            text += f" [{_step(args[0])}]"
        return text

    def at(self, when: str, label: str) -> None:
        try:
            with open(f"{self.folder}/order", encoding="utf-8") as file:
                order = file.read().split("\n")
        except FileNotFoundError:
            return
        if order != self.order:
            self.order, self.seen = order, {}
        number, *lines = order
        if when == "before":
            self.seen[label] = self.seen.get(label, 0) + 1
            os.write(self.log, f"{number}\t{label}\t{self.seen[label]}\n".encode())
        for line in lines:
            wanted, nth, moment, whom = line.split("\t")
            if (label, when) == (wanted, moment) and self.seen[label] == int(nth):
                self.cut(f"{self.folder}/fired-{number}-{lines.index(line)}", whom, label)

    def cut(self, fired: str, whom: str, label: str) -> None:
        try:
            os.close(os.open(fired, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        if whom in ("one", "group"):
            self.kill(whom)
        number_of = getattr(errno, whom)
        raise OSError(number_of, os.strerror(number_of), label.split(" ")[2])

    def kill(self, whom: str) -> None:
        own = os.getpid()
        mark = f"CUTTER={self.folder}".encode()
        if whom == "group":
            for entry in os.listdir("/proc"):
                if entry.isdigit() and int(entry) != own:
                    try:
                        with open(f"/proc/{entry}/environ", "rb") as file:
                            ours = mark in file.read().split(b"\0")
                        if ours:
                            os.kill(int(entry), 9)
                    except OSError:
                        continue
        os.kill(own, 9)


def _plain(path: str) -> str:
    """The path without what differs from run to run: process numbers, dates, versions, digests, table names."""
    parts = [_plain_part(part) for part in path.split("/")]
    if "backup.partial" in parts and len(parts) > parts.index("backup.partial") + 2:
        parts = [*parts[: parts.index("backup.partial") + 2], "…"]
    return "/".join(parts)


def _plain_part(part: str) -> str:
    if part.startswith(".data-backup"):
        part = "backup.partial"
    elif part.startswith(".") and part.endswith(".partial"):
        part = part.split(".")[1] + ".partial"
    elif part.startswith("data-backup-"):
        part = "backup"
    part = re.sub("[0-9a-f]{32,}", "DIGEST", part)
    return "".join(letter for letter in part if not letter.isdigit())


def _step(path: str) -> str:
    from cosmovisor.storage import light_json

    with open(path, "rb") as file:
        step = light_json.loads(file.read()).get("step")
    return step["kind"] if step else "no step"


if os.environ.get("CUTTER") and _role():
    _Cutter(os.environ["CUTTER"], _role()).install()
