"""What the scout remembers over its own restarts: block times and events, in a small SQLite file.

Losing it loses no safety: nothing here decides anything. A file that cannot be read is moved aside, which is
said, and begun anew; a disk that is full or read-only is said once, and the scout goes on without memory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence

from cosmovisor.model.plan import Plan
from cosmovisor.scout.eta import Mark
from cosmovisor.scout.plans import Happening
from cosmovisor.storage import durable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import TypeVar

    Answer = TypeVar("Answer")
    Say = Callable[[str, str, dict[str, object]], None]

#: Rows that are kept: at one block in five minutes ten days, and more events than a year has.
BLOCKS, EVENTS = 3_000, 1_000
#: Events that are read back, and letters of a text in them.
_RECALLED, _TEXT = 50, 500
#: Pages of 4 KiB that the file may have at most.
_PAGES = 2_048
_SCHEMA = 1
_TABLES = """
CREATE TABLE blocks (chain TEXT, height INTEGER, time REAL, PRIMARY KEY (chain, height)) WITHOUT ROWID;
CREATE TABLE events (chain TEXT, at REAL, kind TEXT, text TEXT, name TEXT, height INTEGER, proposal INTEGER);
"""
#: SQLITE_ERROR (tables that are not ours), SQLITE_CORRUPT and SQLITE_NOTADB: another try cannot help.
_DAMAGED = {1, 11, 26}


class _AnotherFormError(Exception):
    """Another version has written the file."""


class Memory:
    """The file; opened for each use, so that it holds neither memory nor locks between two of them.

    Args:
        path: The file.
        say: Takes a level, a sentence and fields.
    """

    def __init__(self, path: str, say: Say) -> None:
        self._path = path
        self._say = say
        self._told = ""

    def blocks(self, chain: str) -> tuple[Mark, ...]:
        """Return the block times of a chain, oldest first; none where nothing can be read."""

        def read(file: sqlite3.Connection) -> tuple[Mark, ...]:
            rows = file.execute(
                "SELECT height, time FROM blocks WHERE chain = ? ORDER BY height DESC LIMIT ?",
                (chain, BLOCKS),
            )
            found = [(height, at) for height, at in rows if type(height) is int and type(at) is float]
            return tuple(Mark(height, at) for height, at in reversed(found) if height > 0 and at > 0)

        return self._use(read, write=False) or ()

    def add_blocks(self, chain: str, marks: Sequence[Mark]) -> None:
        """Keep block times of a chain; those of other chains and the oldest go."""

        def write(file: sqlite3.Connection) -> None:
            rows = [(chain, mark.height, float(mark.time)) for mark in marks if mark.height < 1 << 63]
            file.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", rows)
            file.execute(
                "DELETE FROM blocks WHERE chain != ? OR height NOT IN "
                "(SELECT height FROM blocks WHERE chain = ? ORDER BY height DESC LIMIT ?)",
                (chain, chain, BLOCKS),
            )

        self._use(write, write=True)

    def forget_blocks(self) -> None:
        """Forget all block times: heights went backwards, so that they are of another chain of this name."""
        self._use(lambda file: file.execute("DELETE FROM blocks"), write=True)

    def events(self, chain: str, limit: int = _RECALLED) -> tuple[Happening, ...]:
        """Return the last events, oldest first; a plan in them has no info.

        Args:
            chain: The chain; empty for whatever chain was followed here.
            limit: How many.
        """

        def read(file: sqlite3.Connection) -> tuple[Happening, ...]:
            rows = file.execute(
                "SELECT at, kind, text, name, height, proposal FROM events "
                "WHERE ? IN ('', chain) ORDER BY rowid DESC LIMIT ?",
                (chain, limit),
            ).fetchall()
            found = [_happening(row) for row in reversed(rows)]
            return tuple(one for one in found if one is not None)

        return self._use(read, write=False) or ()

    def add_events(self, chain: str, happenings: Sequence[Happening]) -> None:
        """Keep events; the oldest go."""

        def write(file: sqlite3.Connection) -> None:
            rows = [
                (
                    chain,
                    float(one.at),
                    one.kind,
                    one.text[:_TEXT],
                    one.plan.name[:_TEXT] if one.plan else None,
                    one.plan.height if one.plan else None,
                    one.proposal if one.proposal < 1 << 63 else 0,
                )
                for one in happenings
            ]
            file.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            file.execute(
                "DELETE FROM events WHERE rowid NOT IN "
                "(SELECT rowid FROM events ORDER BY rowid DESC LIMIT ?)",
                (EVENTS,),
            )

        if happenings:
            self._use(write, write=True)

    def _use(self, work: Callable[[sqlite3.Connection], Answer], *, write: bool) -> Answer | None:
        """Do one thing; a damaged file is moved aside, and the thing is done on a new one."""
        import sqlite3

        if not write and not os.path.exists(self._path):
            return None
        for last in (False, True):
            try:
                with contextlib.closing(self._open()) as file, file:
                    return work(file)
            except (sqlite3.Error, _AnotherFormError, UnicodeError, OverflowError, OSError) as error:
                code = getattr(error, "sqlite_errorcode", 1 if isinstance(error, _AnotherFormError) else 0)
                if last or code & 0xFF not in _DAMAGED or not self._move_aside(error):
                    self._tell(f"the scout goes on without its memory in {self._path}: {error}")
                    return None
        return None

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        file = sqlite3.connect(self._path, timeout=1.0, cached_statements=0)
        try:
            file.execute("PRAGMA cache_size = 16")
            file.execute(f"PRAGMA max_page_count = {_PAGES}")
            _prepare(file)
        except BaseException:  # a wish to end too: the descriptor is given back whatever came
            file.close()
            raise
        return file

    def _move_aside(self, error: Exception) -> bool:
        aside = f"{self._path}.damaged"
        try:
            durable.remove_file(f"{self._path}-journal")
            durable.remove_file(aside)
            durable.move(self._path, aside)
        except OSError:
            return False
        self._tell(
            f"the scout's memory cannot be read ({error}); it begins a new one, the old one is {aside}"
        )
        return True

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._say("warning", text, {})


def _prepare(file: sqlite3.Connection) -> None:
    """Make the tables in a new file.

    Raises:
        _AnotherFormError: It is not new, and not ours.
    """
    (form,) = file.execute("PRAGMA user_version").fetchone()
    if form == _SCHEMA:
        return
    if form or file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise _AnotherFormError(f"it has the form {form}, this version knows {_SCHEMA}")
    file.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {_SCHEMA};COMMIT;")


def _happening(row: tuple[object, ...]) -> Happening | None:
    """Take a row apart; the file may hold anything."""
    at, kind, text, name, height, proposal = row
    if not (isinstance(at, float) and isinstance(kind, str) and isinstance(text, str)):
        return None
    plan = Plan(name, height) if isinstance(name, str) and isinstance(height, int) else None
    return Happening(at, kind, text, plan, proposal if isinstance(proposal, int) else 0)
