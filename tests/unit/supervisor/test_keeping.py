"""The document is written when it has changed, and when its file has."""

from __future__ import annotations

import os

import pytest

from cosmovisor.model.state import State
from cosmovisor.storage import calls, document
from cosmovisor.supervisor.context import Context
from cosmovisor.supervisor.keeping import Keeper

STATE = State(chain_id="c-1")


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    made: list[int] = []
    real = calls.fsync

    def fsync(fd: int) -> None:
        made.append(fd)
        real(fd)

    monkeypatch.setattr(calls, "fsync", fsync)
    return made


def test_a_document_that_has_not_changed_is_not_flushed_again(context: Context, flushes: list[int]) -> None:
    keeper = Keeper(context)
    assert not keeper.has(STATE)
    assert keeper.save(STATE) is None
    assert keeper.has(State(chain_id="c-1"))
    once = len(flushes)
    assert once
    assert keeper.save(State(chain_id="c-1")) is None
    assert len(flushes) == once
    assert keeper.save(State(chain_id="c-2")) is None
    assert len(flushes) == 2 * once
    assert document.load(context.layout.state_file).state == State(chain_id="c-2")
    assert not keeper.has(STATE)


@pytest.mark.parametrize("how", ["removed", "replaced", "written to"])
def test_a_file_that_somebody_has_changed_is_written_again(context: Context, how: str) -> None:
    path = context.layout.state_file
    keeper = Keeper(context)
    assert keeper.save(STATE) is None
    if how == "removed":
        os.unlink(path)
    elif how == "replaced":
        with open(f"{path}.other", "w") as file:
            file.write("{}")
        os.replace(f"{path}.other", path)
    else:
        with open(path, "a") as file:
            file.write(" ")
    assert not keeper.has(STATE)
    assert keeper.save(STATE) is None
    assert document.load(path).state == STATE


def test_a_document_whose_write_failed_is_not_taken_to_be_there(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = Keeper(context)
    assert keeper.save(STATE) is None

    def full(_: str, __: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(calls, "create", full)
        failed = keeper.save(State(chain_id="c-2"))
    assert failed is not None
    assert "No space left" in failed.reason
    assert not keeper.has(State(chain_id="c-2"))
    assert keeper.save(State(chain_id="c-2")) is None
    assert document.load(context.layout.state_file).state.chain_id == "c-2"
