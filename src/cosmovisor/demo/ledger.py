"""The ledger: what every demo node did, kept outside its home, and the checker that reads it.

A node notes each start, signature, halt and exit as one JSON line. The checker knows nothing of the
supervisor: it looks for two different blocks signed by one key at one height, round and step, for two
nodes at work beside each other, and for versions that were started where they had no business.
"""

from __future__ import annotations

import json
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Entry = dict[str, Any]


#: Tells this process from an earlier one that had the same number.
LIFE = os.urandom(6).hex()


def note(path: str, what: str, **facts: object) -> None:
    """Append one line; a single write, so lines of several processes never mix."""
    if not path:
        return
    line = json.dumps(
        {"what": what, "at": time.time(), "pid": os.getpid(), "life": LIFE, **facts}, separators=(",", ":")
    )
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, line.encode() + b"\n")
    finally:
        os.close(file)


def read(path: str) -> list[Entry]:
    """Read all entries in the order in which they were made; an absent ledger is empty."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def conflicts(entries: list[Entry]) -> list[str]:
    """Find what must never happen, each as a sentence.

    A double signature is the same key, chain, height, round and step with another block. Two nodes beside
    each other show as signatures of one key by one process, then by another, then by the first again.
    """
    found: list[str] = []
    signed: dict[tuple[object, ...], Entry] = {}
    last: dict[object, str] = {}
    gone: dict[object, set[str]] = {}
    for entry in entries:
        if entry["what"] != "sign":
            continue
        place = tuple(entry[name] for name in ("chain", "key", "height", "round", "step"))
        first = signed.setdefault(place, entry)
        if first["block"] != entry["block"]:
            found.append(
                f"double signature at height {entry['height']} step {entry['step']}:"
                f" block {first['block'][:12]} by {first['version']} (pid {first['pid']}),"
                f" block {entry['block'][:12]} by {entry['version']} (pid {entry['pid']})"
            )
        key, life = (entry["chain"], entry["key"]), entry["life"]
        if last.get(key) not in (None, life):
            gone.setdefault(key, set()).add(last[key])
        if life in gone.get(key, ()):
            found.append(
                f"two nodes beside each other: pid {entry['pid']} signs height {entry['height']}"
                " again after another process did"
            )
        last[key] = life
    return found


def starts(entries: list[Entry]) -> list[Entry]:
    """Return the starts of nodes, in order."""
    return [entry for entry in entries if entry["what"] == "start"]


def old_starts_after_halt(entries: list[Entry]) -> list[Entry]:
    """Return every start of a version without the handler of a plan at whose height the chain had halted.

    A halt counts from the first node that met it; the same home only.
    """
    halted: dict[str, set[str]] = {}
    found: list[Entry] = []
    for entry in entries:
        if entry["what"] == "halt":
            halted.setdefault(entry["home"], set()).add(entry["plan"])
        elif entry["what"] == "start" and halted.get(entry["home"], set()) - set(entry["handlers"]):
            found.append(entry)
    return found


def early_starts(entries: list[Entry]) -> list[Entry]:
    """Return every start of a version whose newest upgrade had not been reached: neither applied nor due."""
    return [entry for entry in starts(entries) if entry["early"]]
