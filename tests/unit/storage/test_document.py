"""Every state survives the document; a damaged one is set aside, a newer one is refused, a cut loses nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from tests.support.recorder import ERRORS, failing, recording
from tests.support.states import states

from cosmovisor.model import facts, heights, link, observations, receipts, state
from cosmovisor.model.errors import StateError
from cosmovisor.model.plan import Plan, Version
from cosmovisor.model.state import EMPTY, MAX_HISTORY, Applied, Backup, PlanRecord, SignState, State, Step
from cosmovisor.model.value import fields, replace
from cosmovisor.storage import codec, document

STEP = Step("backup", Plan("v2", 10, "info"), Version("v2", "upgrades/v2"), None)
FULL = State(
    step=STEP,
    sign_states=(SignState("evmos_9001-2", "ab", 7, 0, 3),),
    backups=(Backup(Plan("v1", 5), receipts.BackupReceipt("/b", "copy", 1, 0.5), 1.0),),
    records=(PlanRecord(Plan("v2", 10), stage="switched", back_to=Version("genesis", "genesis")),),
)


@given(states())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=25)
def test_every_state_survives_the_round_trip(tmp_path, given_state):
    path = f"{tmp_path}/state.json"
    written = document.save(path, given_state)
    loaded = document.load(path)
    assert loaded == document.Loaded(written, (), True)
    assert written == given_state


def test_every_annotation_of_the_document_is_understood():
    seen: set[type] = set()

    def visit(kind: type) -> None:
        if kind in seen:
            return
        seen.add(kind)
        for text in codec.declared(kind).values():
            for part in text.removeprefix("tuple[").removesuffix(", ...]").split(" | "):
                if part not in {"None", "int", "float", "str", "bool"}:
                    found = codec.resolve(kind, part)
                    if not isinstance(found, tuple):
                        visit(found)

    visit(State)
    assert {State, Step, receipts.StagedBinary, receipts.Proof, state.FolderIdentity} <= seen


def test_both_kinds_of_a_union_survive(tmp_path):
    for backup in (receipts.BackupReceipt("/b", "copy", 1, 0.5), receipts.BackupWaived("off"), None):
        given_state = State(step=replace(STEP, backup=backup))
        document.save(f"{tmp_path}/s", given_state)
        assert document.read(f"{tmp_path}/s") == given_state


def test_the_words_known_here_are_those_of_the_model():
    source = "".join(
        Path(module.__file__ or "").read_text() for module in (state, heights, facts, link, observations)
    )
    for name, words in codec._WORDS.items():
        assert f"{name} = Literal[{', '.join(json.dumps(word) for word in words)}]" in source


def test_a_missing_document_is_empty_and_no_reason_to_speak(tmp_path):
    assert document.load(f"{tmp_path}/state.json") == document.Loaded(EMPTY, (), False)
    assert document.read(f"{tmp_path}/state.json") is None
    assert os.listdir(tmp_path) == []


def test_the_document_is_made_to_be_read_by_people(tmp_path):
    document.save(f"{tmp_path}/state.json", FULL)
    text = (tmp_path / "state.json").read_text()
    assert json.loads(text)["step"]["plan"] == {"name": "v2", "height": 10, "info": "info"}
    assert len(text.splitlines()) == len(fields(State)) + 2
    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 4096,
        b"{",
        b"[]",
        b"{}",
        b'{"schema": true}',
        b'{"schema": 0}',
        b'{"schema": "1"}',
        b'{"schema": 1, "step": 5}',
        b'{"schema": 1, "records": {}}',
        b'{"schema": 1, "records": [{"plan": {"name": "v2"}}]}',
        b'{"schema": 1, "records": [{"plan": {"name": "v2", "height": 1}, "stage": "half"}]}',
        b'{"schema": 1, "b": {"height": true}}',
        b'{"schema": 1, "b": {"at": 1e999}}',
        b'{"schema": 1, "b": {"at": 1' + b"0" * 400 + b"}}",
        b'{"schema": 1, "step": {"kind": "backup"}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_document_is_moved_aside_and_said(tmp_path, content):
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(document.DamagedError):
        document.read(str(path))
    assert path.read_bytes() == content
    loaded = document.load(str(path))
    assert (loaded.state, loaded.found) == (EMPTY, False)
    assert "damaged" in loaded.notes[0]
    (aside,) = os.listdir(tmp_path)
    assert aside.startswith("state.json.damaged-")
    assert aside in loaded.notes[0]
    assert (tmp_path / aside).read_bytes() == content


def test_two_damaged_documents_in_one_second_are_both_kept(tmp_path):
    for n in range(2):
        (tmp_path / "state.json").write_bytes(b"%d" % n)
        document.load(f"{tmp_path}/state.json")
    assert len(os.listdir(tmp_path)) == 2


def test_what_is_whole_in_a_damaged_document_and_no_folder_can_tell_is_taken_over(tmp_path):
    path = tmp_path / "state.json"
    document.save(str(path), FULL)
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "step": "nonsense"}))
    loaded = document.load(str(path))
    assert loaded.state == State(sign_states=FULL.sign_states, backups=FULL.backups)
    assert loaded.notes[1] == "taken over from the damaged document: sign states, backups"


def test_an_oversized_document_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "SIZE_LIMIT", 100)
    (tmp_path / "state.json").write_bytes(b" " * 101)
    with pytest.raises(document.DamagedError, match="larger"):
        document.read(f"{tmp_path}/state.json")


def test_a_newer_document_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{"schema": 2, "anything": 1}')
    with pytest.raises(StateError, match="newer cosmovisor") as raised:
        document.load(str(path))
    assert not isinstance(raised.value, document.DamagedError)
    assert raised.value.next_step
    assert path.exists()


def test_an_unknown_field_of_the_same_schema_is_left_out_and_a_missing_one_takes_its_default(tmp_path):
    path = tmp_path / "state.json"
    path.write_text('{"schema": 1, "chain_id": "x", "later": [1]}')
    assert document.load(str(path)) == document.Loaded(State(chain_id="x"))


def test_a_folder_in_its_place_is_an_error_with_a_next_step(tmp_path):
    (tmp_path / "state.json").mkdir()
    with pytest.raises(StateError, match="cannot read") as raised:
        document.load(f"{tmp_path}/state.json")
    assert raised.value.next_step


def test_a_value_without_a_form_is_refused_before_anything_is_touched(tmp_path):
    path = f"{tmp_path}/state.json"
    document.save(path, FULL)
    with pytest.raises(StateError, match="cannot write"):
        document.save(path, replace(FULL, step=replace(STEP, since=float("nan"))))
    assert document.read(path) == FULL


def applied(count: int) -> tuple[Applied, ...]:
    return tuple(
        Applied(Plan(f"v{n}", n), Version(f"v{n}", f"upgrades/v{n}"), float(n)) for n in range(count)
    )


def test_old_history_goes_to_a_file_of_lines_once(tmp_path):
    path = f"{tmp_path}/state.json"
    history = applied(MAX_HISTORY + 3)
    for _ in range(2):
        written = document.save(path, State(history=history))
        assert written.history == history[3:]
        assert document.read(path) == written
    lines = (tmp_path / "history.jsonl").read_bytes().splitlines()
    assert [codec.decode(Applied, json.loads(line)) for line in lines] == list(history[:3])


@pytest.mark.parametrize("number", ERRORS)
def test_each_call_that_fails_leaves_the_old_or_the_new_document_and_loses_no_history(tmp_path, number):
    old, new = (
        State(chain_id="old", history=applied(2)),
        State(chain_id="new", history=applied(MAX_HISTORY + 2)),
    )

    def run(root) -> State:
        return document.save(f"{root}/state.json", new)

    (tmp_path / "w").mkdir()
    with recording() as seen:
        written = run(tmp_path / "w")
    for index in range(len(seen.made)):
        root = tmp_path / str(index)
        root.mkdir()
        document.save(f"{root}/state.json", old)
        with failing(index, number), pytest.raises(OSError):
            run(root)
        assert document.read(f"{root}/state.json") in (old, written)
        run(root)
        assert document.read(f"{root}/state.json") == written
        lines = (root / "history.jsonl").read_bytes().splitlines()
        assert [codec.decode(Applied, json.loads(line)) for line in lines] == list(new.history[:2])
