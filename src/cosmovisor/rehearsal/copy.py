"""A copy of the data for a trial, without keys, their sign-state and the log of the consensus."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping

from cosmovisor.backup import engine_locks, methods
from cosmovisor.backup.survey import Entry, Survey, survey
from cosmovisor.chain import node_config
from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls, durable

#: Names of CometBFT and the SDK. The sign-state belongs to the key, the log to the consensus it signed in.
_LEFT_OUT = frozenset({"priv_validator_state.json", "priv_validator_key.json", "node_key.json", "cs.wal"})
_KEYRING = "keyring-"
#: Settings of `config.toml` that say where a key lies, whatever its name; Tendermint 0.35 and before it.
_KEY_SETTINGS = (
    "priv_validator_key_file",
    "priv_validator_state_file",
    "node_key_file",
    "priv-validator.key-file",
    "priv-validator.state-file",
    "node-key-file",
)
#: A key file of either is JSON with this word, and much smaller.
_SECRET, _KEY_LIMIT = b'"priv_key"', 1 << 16
_RESERVE = 256 << 20


def make(
    home: str,
    scratch: str,
    data: str,
    setting: Callable[[str], str | None],
    progress: Callable[[str], None],
) -> None:
    """Copy data and contract code into a scratch home; the databases are locked meanwhile.

    Args:
        home: The real home, for its `wasm/` and for where it keeps keys.
        scratch: The scratch home, with a `data` folder that `init` has made.
        data: The data to copy: the real `data/` of a node that is down, or that of a backup.
        setting: Returns a setting of the real node, for the places of its keys.
        progress: Told what is copied.

    Raises:
        BackupError: There is no room, a database is open, or a file cannot be read or written.
    """
    secret = _secrets(home, setting)
    roots = {"data": os.path.realpath(data), "wasm": os.path.realpath(os.path.join(home, "wasm"))}
    if not os.path.isdir(roots["data"]):
        raise BackupError(f"there is no data in {data}", "Name the folder with --data.")
    try:
        with engine_locks.Held() as locks:
            found = {name: survey(root, secret) for name, root in roots.items() if os.path.isdir(root)}
            locks.take(path for seen in found.values() for path in seen.locks)
            _check_room(found, roots, scratch)
            for name, seen in found.items():
                progress(f"copying {roots[name]}")
                _copy(seen, roots[name], os.path.join(scratch, name))
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise BackupError(
            f"cannot copy the data for the trial: {error.strerror or error}{where}", "Check space and rights."
        ) from None


def _secrets(home: str, setting: Callable[[str], str | None]) -> Callable[[str], bool]:
    """Return the rule that tells whether a path is a key or belongs to one."""
    places = filter(None, map(setting, _KEY_SETTINGS))
    named = {os.path.realpath(os.path.join(home, place)) for place in places}

    def is_secret(path: str) -> bool:
        name = os.path.basename(path)
        if name in _LEFT_OUT or name.startswith(_KEYRING) or os.path.realpath(path) in named:
            return True
        return name.endswith(".json") and _SECRET in (node_config.read_bounded(path, _KEY_LIMIT) or b"")

    return is_secret


def _check_room(found: Mapping[str, Survey], roots: Mapping[str, str], scratch: str) -> None:
    files = [entry for entry in found["data"].entries if entry.kind in {"table", "file"}]
    if not files:
        raise BackupError(f"there is no data in {roots['data']}", "Name the folder with --data.")
    if methods.choose(os.path.join(roots["data"], files[0].path), scratch) == "reflink":
        return
    size = sum(seen.size() for seen in found.values())
    free = shutil.disk_usage(scratch).free
    if size + _RESERVE > free:
        raise BackupError(
            f"a copy of the data needs {size + _RESERVE} bytes and {free} are free at {scratch}",
            "Make room, or rehearse without --trial.",
        )


def _copy(seen: Survey, root: str, target: str) -> None:
    durable.make_folder(target)
    for entry in seen.entries:
        into = os.path.join(target, entry.path)
        if entry.kind == "folder":
            durable.make_folder(into)
        elif entry.kind == "link":
            _link(entry, root, target)
        elif entry.kind != "lock" and not methods.try_clone(os.path.join(root, entry.path), into):
            shutil.copyfile(os.path.join(root, entry.path), into)


def _link(entry: Entry, root: str, target: str) -> None:
    """Make a link inside the data again, to the copy: nothing in the trial may lead to the real data."""
    place = os.path.relpath(os.path.realpath(os.path.join(root, entry.path)), root)
    if not place.startswith(os.pardir) and os.path.exists(os.path.join(root, place)):
        into = os.path.join(target, entry.path)
        calls.symlink(os.path.relpath(os.path.join(target, place), os.path.dirname(into)), into)
