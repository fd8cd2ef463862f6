"""Two never build in one folder: a copy ahead of a killed supervisor and the backup of the next one."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.nights import PLAN, Night, tree

from cosmovisor import backup
from cosmovisor.backup import alone, build, methods, places
from cosmovisor.model.errors import BackupError
from cosmovisor.storage import calls


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.setattr(methods, "choose", lambda *_: "copy")
    return Night(tmp_path)


def copy_ahead(night: Night) -> int:
    return backup.precopy(night.settings(), str(night.home), PLAN, lambda: False, night.said.append)


class Blocked:
    """A copy ahead that stands in the middle of a file until it is let go."""

    def __init__(self, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self.error: list[BaseException] = []
        real = methods.copy
        mine: list[int] = []

        def copy(*given: Any, **named: Any) -> str:
            if threading.current_thread().name.startswith("backup") and not mine:
                mine.append(1)
                self.inside.set()
                assert self.go.wait(60)
            return real(*given, **named)

        monkeypatch.setattr(methods, "copy", copy)
        self.thread = threading.Thread(target=self._run, args=(night,))
        self.thread.start()
        assert self.inside.wait(60)

    def _run(self, night: Night) -> None:
        try:
            copy_ahead(night)
        except BackupError as error:
            self.error.append(error)

    def end(self) -> None:
        self.go.set()
        self.thread.join(60)
        assert not self.error


def test_a_backup_waits_for_who_still_copies_ahead(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Blocked(night, monkeypatch)
    built: list[str] = []
    real = build.Builder.build

    def whole(self: build.Builder, **given: Any) -> Any:
        built.append("after" if other.go.is_set() else "beside")
        return real(self, **given)

    monkeypatch.setattr(build.Builder, "build", whole)
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            other.end()

    monkeypatch.setattr(alone.time, "sleep", pause)
    receipt = night.take()
    assert built == ["after"]
    expected = tree(night.home / "data")
    expected.pop("priv_validator_state.json")
    assert tree(Path(receipt.path, "data")) == expected


def test_a_backup_that_waits_in_vain_says_where_and_harms_nobody(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "PATIENCE", 0.0)
    other = Blocked(night, monkeypatch)
    partial = places.partial_name(str(night.base), str(night.home), PLAN)
    before = sorted(os.listdir(partial))
    with pytest.raises(BackupError, match="another process builds a backup in") as caught:
        night.take()
    assert "lsof" in caught.value.next_step
    with pytest.raises(BackupError, match="another process"):
        copy_ahead(night)
    with pytest.raises(methods.CancelledError):
        night.take(cancelled=lambda: True)
    assert sorted(os.listdir(partial)) == before
    other.end()
    night.take()


def test_where_folders_cannot_be_locked_the_backup_is_made_all_the_same(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(9, "Bad file descriptor")

    real = calls.lock

    def lock(fd: int, operation: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            refused()
        real(fd, operation)

    monkeypatch.setattr(calls, "lock", lock)
    assert night.take()
