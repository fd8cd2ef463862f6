"""What is cut: the durable steps of an upgrade, a backup and a restore, each with the only pictures allowed.

A story is a seed and a list of steps. While step n runs, a cut may show what was there after n-1 steps or after n,
nothing else; once it has returned, only the latter. Names that begin with a dot or end in `.partial` are not part
of a picture: they are what the next start sweeps away.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cosmovisor import backup
from cosmovisor.backup import manifest, taking
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.model.errors import BackupError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.receipts import NodeStopped
from cosmovisor.model.state import Applied, State, Step
from cosmovisor.storage import calls, document, durable, light_json

Picture = dict[str, str]

PLAN = Plan("v2", 42, "info")
V2 = Version("v2", "upgrades/v2")
BINARY = b"\x7fELF" + bytes(range(1, 251)) * 400  # 100 kB without a zero block


@dataclass(frozen=True)
class Story:
    """A seed, then steps; `also` allows further pictures while a step runs; the first can be taken again."""

    name: str
    seed: Callable[[Path], None]
    steps: tuple[tuple[str, Callable[[Path], None]], ...]
    also: dict[str, Callable[[Picture, Picture], list[Picture]]] = field(default_factory=dict)
    again: bool = False


def picture(root: Path) -> Picture:
    """Everything visible below a folder: digest of each file, target of each link."""
    seen: Picture = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not hidden(name))
        for name in sorted([*folders, *files]):
            path = os.path.join(folder, name)
            key = os.path.relpath(path, root)
            if hidden(name):
                continue
            if os.path.islink(path):
                seen[key] = f"-> {os.readlink(path)}"
            elif os.path.isdir(path):
                seen[key] = "folder"
            else:
                text = _content(path)
                if text:
                    seen[key] = text
    return seen


def hidden(name: str) -> bool:
    """Leftovers that are swept away, and lock files, whose content decides nothing."""
    return name.startswith(".") or name.endswith((".partial", ".lock")) or name == "lost+found"


def _content(path: str) -> str:
    name = os.path.basename(path)
    if name == manifest.FILE:
        # It names times and the home; what counts is that it is whole and fits the backup.
        try:
            folder = os.path.dirname(path)
            return "whole" if not manifest.problems(folder, manifest.read(folder)) else "does not fit"
        except BackupError:
            return "damaged"
    with open(path, "rb") as file:
        data = file.read()
    if name == "history.jsonl":
        return " ".join(
            line.decode() for line in data.splitlines() if _is_json(line)
        )  # readers skip a torn line
    return hashlib.sha256(data).hexdigest()[:16]


def _is_json(line: bytes) -> bool:
    try:
        light_json.loads(line)
    except ValueError:
        return False
    return True


def allowed(story: Story, pictures: list[Picture], done: int) -> list[Picture]:
    """The pictures that a cut may show when `done` steps have returned."""
    now = [pictures[done]]
    if done < len(story.steps):
        now.append(pictures[done + 1])
        more = story.also.get(story.steps[done][0])
        if more:
            now += more(pictures[done], pictures[done + 1])
    return now


def difference(seen: Picture, wanted: Picture) -> str:
    """What is wrong with a picture, in words."""
    missing = sorted(wanted.keys() - seen.keys())
    extra = sorted(seen.keys() - wanted.keys())
    changed = sorted(key for key in seen.keys() & wanted.keys() if seen[key] != wanted[key])
    return f"missing {missing}, unexpected {extra}, changed {changed}"


# The upgrade


def _seed_upgrade(root: Path) -> None:
    for folder in (
        "cosmovisor/genesis/bin",
        "cosmovisor/upgrades",
        "cosmovisor/staging",
        "cosmovisor/old/deep",
    ):
        (root / folder).mkdir(parents=True)
    (root / "cosmovisor/genesis/bin/d").write_bytes(b"G" * 50_000)
    (root / "cosmovisor/old/deep/file").write_bytes(b"old")
    (root / "cosmovisor/torn.json").write_bytes(b"{")
    os.symlink("genesis", root / "cosmovisor/current")
    document.save(str(root / "cosmovisor/state.json"), State(chain_id="before"))


def _state(**given: object) -> Callable[[Path], None]:
    def save(root: Path) -> None:
        document.save(str(root / "cosmovisor/state.json"), State(chain_id="during", **given))  # type: ignore[arg-type]

    return save


def _stage(root: Path) -> None:
    partial = root / "cosmovisor/staging/abc.partial"
    calls.mkdir(str(partial), 0o755)
    calls.mkdir(str(partial / "bin"), 0o755)
    for name in ("d", "companion"):
        fd = calls.create(str(partial / "bin" / name), 0o755)
        durable.write_all(fd, BINARY)
        calls.close(fd)
    durable.commit_folder(str(partial), str(root / "cosmovisor/upgrades/v2"))


def _line(text: bytes) -> Callable[[Path], None]:
    return lambda root: durable.append_line(str(root / "cosmovisor/history.jsonl"), text)


STEP = Step("switch", PLAN, V2, None)

UPGRADE = Story(
    "upgrade",
    _seed_upgrade,
    (
        ("make a folder", lambda root: durable.make_folder(str(root / "cosmovisor/proofs"))),
        ("commit the staged binary", _stage),
        ("write its proof", lambda root: durable.write_file(str(root / "cosmovisor/proofs/v2.json"), b"{}")),
        ("journal the switch", _state(step=STEP)),
        (
            "replace the link",
            lambda root: durable.replace_link(str(root / "cosmovisor/current"), "upgrades/v2"),
        ),
        (
            "write the marker",
            lambda root: durable.write_file(
                str(root / "cosmovisor/upgrades/v2/upgrade-info.json"), b'{"name":"v2","height":42}'
            ),
        ),
        ("journal the end", _state(history=(Applied(PLAN, V2, 1.0),))),
        ("append to the history", _line(b'{"one": 1}')),
        ("append again", _line(b'{"two": 2}')),
        (
            "move a torn file aside",
            lambda root: durable.move(
                str(root / "cosmovisor/torn.json"), str(root / "cosmovisor/staging/torn.json")
            ),
        ),
        ("remove a file", lambda root: durable.remove_file(str(root / "cosmovisor/staging/torn.json"))),
        ("remove a folder", lambda root: durable.remove_tree(str(root / "cosmovisor/old"))),
        (
            "replace the link again",
            lambda root: durable.replace_link(str(root / "cosmovisor/current"), "genesis"),
        ),
    ),
)


# Backup and restore


def _seed_home(root: Path) -> None:
    data = root / "home/data"
    files = {
        "state.db/000007.sst": b"sst" * 30_000,
        "state.db/000009.sst": b"SST" * 30_000,
        "state.db/MANIFEST-000005": b"manifest",
        "state.db/OPTIONS-000009": b"options",
        "state.db/LOCK": b"",
        "cs.wal/wal": b"head" * 100,
        "priv_validator_state.json": b'{"height": "41", "round": 0, "step": 3}',
        "upgrade-info.json": b'{"name":"v2","height":42}',
    }
    for name, content in files.items():
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(content)
    (root / "home/cosmovisor").mkdir()
    (root / "backups").mkdir()


def _take(root: Path) -> None:
    settings = Settings(
        daemon_home=str(root / "home"), daemon_name="d", daemon_data_backup_dir=str(root / "backups")
    )
    layout = Layout(str(root / "home"), "d")
    with _fixed_times():
        backup.take(
            settings, layout, str(root / "home"), PLAN, NodeStopped(1.0), lambda: False, lambda _text: None
        )
        taking.wait_until_tidy()


def _restore(root: Path) -> None:
    (made,) = (root / "backups").glob("data-backup-*")
    with _fixed_times():
        backup.restore(Layout(str(root / "home"), "d"), str(root / "home"), str(made), lambda _text: None)


class _fixed_times:  # noqa: N801
    """Names and manifests carry the time, and the home's path; two runs of a story must make the same bytes."""

    def __enter__(self) -> None:
        self._kept = (time.time, time.monotonic, time.gmtime, time.localtime)
        gmtime, localtime = time.gmtime, time.localtime
        time.time = lambda: 1e9  # type: ignore[assignment]
        time.monotonic = lambda: 1e3  # type: ignore[assignment]
        time.gmtime = lambda *_: gmtime(1e9)  # type: ignore[assignment]
        time.localtime = lambda *_: localtime(1e9)  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        time.time, time.monotonic, time.gmtime, time.localtime = self._kept  # type: ignore[assignment]


def _aside_first(old: Picture, new: Picture) -> list[Picture]:
    # The folder gets the name of the old data before the two change places.
    swapped = {}
    for key, item in new.items():
        if key.startswith("home/data") and "before-restore" not in key:
            aside = min(name for name in new if "before-restore" in name)
            swapped[key.replace("home/data", aside, 1)] = item
    return [{**old, **swapped}]


BACKUP = Story(
    "backup",
    _seed_home,
    (("take a backup", _take), ("restore it", _restore)),
    {"restore it": _aside_first},
    again=True,
)

STORIES = {story.name: story for story in (UPGRADE, BACKUP)}
