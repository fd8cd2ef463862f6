"""The manifest of a backup: what is in it, from where, and how to tell that it is whole.

JSON lines: a head, one line for each entry, and a last line with the digest of all before it, so that a cut
manifest is known as such. It is the last thing that goes into a backup before the backup becomes visible.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from cosmovisor.backup import methods
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan
from cosmovisor.model.value import fields, value
from cosmovisor.storage import durable

FILE = "cosmovisor-backup.jsonl"
SIGN_STATE = "sign-state-at-backup.json"
PREFIX = "data-backup-"
FORMAT = 1
_SIZE_LIMIT = 2 << 30


@value
class Item:
    """One entry of a backup.

    Attributes:
        source: `data` or `wasm`, the folder in the backup.
        path: Relative to it.
        kind: As in the survey: `table`, `file`, `lock`, `link`, `folder`.
        method: `reflink`, `link`, `copy`; empty for what has no content.
        size: Bytes.
        mtime_ns: Time of the last change of the original.
        mode: Permission bits.
        uid: Owner.
        gid: Group.
        sha256: Digest where one was taken (small files).
        target: Where a link points to.
    """

    source: str
    path: str
    kind: str
    method: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int
    sha256: str = ""
    target: str = ""


@value
class Manifest:
    """A whole manifest.

    Attributes:
        plan: The upgrade before which the backup was taken.
        taken_at: Seconds since the epoch.
        method: What was used for most bytes.
        node_home: Where the data came from.
        seconds: How long it took.
        items: Folders before what is in them.
    """

    plan: Plan
    taken_at: float
    method: str
    node_home: str
    seconds: float
    items: tuple[Item, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.items)


def write(folder: str, manifest: Manifest) -> None:
    """Put the manifest into a backup folder that is not visible yet; flushing is the caller's.

    Raises:
        OSError: As the system says.
    """
    head = {
        "format": FORMAT,
        "plan": {"name": manifest.plan.name, "height": manifest.plan.height, "info": manifest.plan.info},
        "taken_at": manifest.taken_at,
        "method": manifest.method,
        "node_home": manifest.node_home,
        "seconds": round(manifest.seconds, 3),
    }
    names = fields(Item)
    rows = ([getattr(item, name) for name in names] for item in manifest.items)
    lines = [json.dumps(head), *(json.dumps(row) for row in rows)]
    body = "".join(f"{line}\n" for line in lines).encode()
    end = json.dumps({"items": len(manifest.items), "sha256": hashlib.sha256(body).hexdigest()})
    durable.write_unflushed(os.path.join(folder, FILE), body + end.encode() + b"\n")


def read(folder: str) -> Manifest:
    """Read and check the manifest of a backup.

    Raises:
        BackupError: There is none, or it is damaged or of a newer version.
    """
    path = os.path.join(folder, FILE)
    try:
        with open(path, "rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
        return _parse(data)
    except OSError as error:
        raise BackupError(
            f"{folder} is no backup of this program: cannot read {FILE}: {error.strerror}",
            "choose one of: cosmovisor backup list",
        ) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BackupError(f"the manifest {path} is damaged: {error}", "use another backup") from error


def _parse(data: bytes) -> Manifest:
    body, _, end = data.rstrip(b"\n").rpartition(b"\n")
    body += b"\n"
    if json.loads(end)["sha256"] != hashlib.sha256(body).hexdigest():
        raise ValueError("its digest does not fit")
    head, *lines = body.splitlines()
    return _manifest(json.loads(head), [Item(*json.loads(line)) for line in lines])


def problems(folder: str, manifest: Manifest, *, limit: int = 20) -> list[str]:
    """Compare a backup with its manifest: sentences on what does not fit, at most `limit`."""
    found: list[str] = []
    for item in manifest.items:
        path = os.path.join(folder, item.source, item.path)
        text = _problem(path, item)
        if text:
            found.append(f"{os.path.join(item.source, item.path)} {text}")
            if len(found) >= limit:
                break
    return found


def _problem(path: str, item: Item) -> str:
    try:
        if item.kind == "link":
            return "" if os.readlink(path) == item.target else "points elsewhere"
        if item.kind == "folder":
            return "" if os.path.isdir(path) and not os.path.islink(path) else "is no folder"
        if os.path.islink(path) or not os.path.isfile(path):
            return "is no file" if os.path.lexists(path) else "is missing"
        size = os.path.getsize(path)
        if item.kind != "lock" and size != item.size:
            return f"has {size} bytes, not {item.size}"
        if item.sha256 and methods.digest_of(path) != item.sha256:
            return "has another content"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _manifest(head: dict[str, Any], items: list[Item]) -> Manifest:
    if head["format"] > FORMAT:
        raise ValueError(f"it has format {head['format']}, this version knows {FORMAT}")
    for item in items:
        parts = item.path.split("/")
        if item.source not in {"data", "wasm"} or item.path.startswith("/") or ".." in parts or "" in parts:
            raise ValueError(f"it names {item.source}/{item.path}")
    plan = Plan(str(head["plan"]["name"]), int(head["plan"]["height"]), str(head["plan"]["info"]))
    return Manifest(
        plan,
        float(head["taken_at"]),
        str(head["method"]),
        str(head["node_home"]),
        float(head["seconds"]),
        tuple(items),
    )
