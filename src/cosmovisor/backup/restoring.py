"""Put a backup back: checked, built beside the data, exchanged with it in one step; nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from cosmovisor.backup import engine_locks, manifest, methods, places, taking
from cosmovisor.backup.survey import SIGN_STATE, survey
from cosmovisor.chain import sign_state
from cosmovisor.config.layout import Layout
from cosmovisor.model.errors import BackupError
from cosmovisor.model.value import value
from cosmovisor.storage import calls, durable, locks

_ASIDE = "-before-restore-"


@value
class Restored:
    """What a restore has done.

    Attributes:
        manifest: Of the backup.
        aside: Where the former folders are now, by name (`data`, `wasm`).
        notes: Sentences on what was left alone and what to look at.
    """

    manifest: manifest.Manifest
    aside: dict[str, str]
    notes: tuple[str, ...]


def restore(layout: Layout, node_home: str, folder: str, progress: Callable[[str], None]) -> Restored:
    """Replace `data/` (and `wasm/`) of a stopped node by those of a backup.

    The sign-state stays the highest that is known of: it never goes back with the data.

    Args:
        layout: For the locks; nothing else in it is touched.
        node_home: The node's home.
        folder: The backup.
        progress: Told what is being done.

    Raises:
        LockHeld: A supervisor or a node runs.
        BackupError: The backup is damaged, or it cannot be put back; the data is then as it was.
    """
    with locks.hold(layout.supervisor_lock, command="cosmovisor restore"), locks.hold(layout.node_lock):
        known = manifest.read(folder)
        wrong = manifest.problems(folder, known)
        if wrong:
            raise BackupError(
                f"the backup {folder} is damaged: {'; '.join(wrong)}",
                "use another one: cosmovisor backup list",
            )
        present = places.sources(node_home)
        data = present["data"]
        with engine_locks.Held() as held:
            if os.path.isdir(data):
                held.take(survey(data, lambda _: False).locks)
            keep, notes = _sign_state(data, folder)
            aside = _exchange_all(node_home, folder, known, keep, progress)
    return Restored(known, aside, (*notes, *_left_alone(layout, known, node_home)))


def _exchange_all(
    node_home: str, folder: str, known: manifest.Manifest, keep: bytes | None, progress: Callable[[str], None]
) -> dict[str, str]:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    ready: dict[str, tuple[str, str]] = {}
    for name in ("data", "wasm"):
        items = [item for item in known.items if item.source == name]
        if name == "wasm" and not items:
            continue
        place = os.path.realpath(os.path.join(node_home, name))
        partial = os.path.join(
            os.path.dirname(place), f".{os.path.basename(place)}.restore{durable.TEMPORARY}"
        )
        with taking.explained(os.path.dirname(place), partial):
            durable.remove_tree(partial)
            progress(f"putting {len(items)} entries of {name} beside {place}")
            _build(os.path.join(folder, name), partial, items)
            if name == "data" and keep is not None:
                durable.write_unflushed(os.path.join(partial, SIGN_STATE), keep)
            taking.flush_file_system(partial)
        ready[name] = (partial, place)
    aside = {}
    for name, (partial, place) in ready.items():
        with taking.explained(os.path.dirname(place), ""):
            if not os.path.lexists(place):
                durable.move(partial, place)
                continue
            # From here on the new folder has a name that no later run takes for rubbish: after the exchange
            # the same name is that of the old data.
            old = f"{place}{_ASIDE}{stamp}"
            calls.replace(partial, old)
            durable.exchange(old, place)
            aside[name] = old
    return aside


def _build(source: str, partial: str, items: list[manifest.Item]) -> None:
    calls.mkdir(partial, 0o700)
    sample = next((item for item in items if item.size), None)
    needed = sum(item.size for item in items)
    clones = False
    if sample is not None:
        clones = methods.choose(os.path.join(source, sample.path), partial) == "reflink"
    taking.check_space(partial, 0 if clones else needed)
    for item in items:
        target = os.path.join(partial, item.path)
        if item.kind == "folder":
            calls.mkdir(target, 0o700)
        elif item.kind == "link":
            calls.symlink(item.target, target)
        elif item.kind == "lock":
            calls.close(calls.create(target, item.mode))
        else:
            original = os.path.join(source, item.path)
            if not (clones and methods.try_clone(original, target)):
                methods.copy(original, target, lambda: False, flush=False)
    for item in reversed(items):
        if item.kind != "link":
            path = os.path.join(partial, item.path)
            if os.geteuid() == 0 and (item.uid, item.gid) != (0, 0):
                calls.chown(path, item.uid, item.gid)
            calls.chmod(path, item.mode)
            if item.kind != "folder":
                calls.set_times(path, item.mtime_ns, item.mtime_ns)


def _sign_state(data: str, folder: str) -> tuple[bytes | None, list[str]]:
    """Choose the highest sign-state; never a backup's alone where the key may have signed since."""
    now_path, then_path = os.path.join(data, SIGN_STATE), os.path.join(folder, manifest.SIGN_STATE)
    now, then = sign_state.load(now_path), sign_state.load(then_path)
    if now.kind == "malformed":
        raise BackupError(
            f"cannot tell what this key has signed: {now_path} is malformed ({now.reason})",
            f"repair {now_path} first; the backup's ({then.text()}) is in {then_path}",
        )
    if now.kind == "missing":
        if then.kind != "signed":
            return None, []
        raise BackupError(
            f"cannot tell what this key has signed since the backup: {now_path} is missing",
            f"put the newest there; only if the key has not signed since: cp {then_path} {now_path}",
        )
    chosen = then_path if now.is_below(then) and then.kind == "signed" else now_path
    with open(chosen, "rb") as file:
        content = file.read(sign_state.FILE_LIMIT)
    higher = sign_state.highest(now, then) if then.kind == "signed" else now
    return content, [f"the sign-state stays at {higher.text()}"]


def _left_alone(layout: Layout, known: manifest.Manifest, node_home: str) -> list[str]:
    notes = [
        f"left alone: {layout.root} (binaries, current, records), {os.path.join(node_home, 'config')}",
        "the next start finds that the data is another and chooses the version that fits it",
    ]
    if os.path.realpath(known.node_home) != os.path.realpath(node_home):
        notes.append(f"the backup was taken of another home: {known.node_home}")
    return notes
