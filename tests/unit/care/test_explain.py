"""Decisions can be read again, and their facts give the same decision on another machine."""

from __future__ import annotations

import json

import pytest
from tests.support import facts as given

from cosmovisor.care import explain
from cosmovisor.decide.launch import decide_launch
from cosmovisor.decide.running import decide_running
from cosmovisor.model.facts import Facts
from cosmovisor.model.state import Step
from cosmovisor.storage import codec

SITUATIONS = [
    given.facts(),
    given.facts(node=given.running(), b=given.exact(given.H), a=given.exact(given.H - 1), file=given.file()),
    given.facts(record=given.switched(), link=given.V2_LINK, b=given.at_least(150), ready=False),
    given.facts(node=given.exited(status=-9), skip=(100, 200), known=given.LATER),
    given.facts(step=Step("switch", given.PLAN, given.V2, given.V1, staged=given.staged())),
]


@pytest.mark.parametrize("facts", SITUATIONS)
def test_facts_survive_the_way_to_another_machine(facts):
    line = json.dumps({"at": 1.0, "row": "x", "facts": codec.encode(facts)}).encode()
    assert explain.load_facts(line) == facts
    assert explain.load_facts(json.dumps(codec.encode(facts)).encode()) == facts
    assert explain.load_facts(b'{"row":"older","facts":1}\n' + line + b"\n") == facts
    assert explain.summary(facts)


def test_the_tables_say_the_same_again():
    assert explain.replay(SITUATIONS[0])[0] == ("start", decide_launch(SITUATIONS[0]))
    assert explain.replay(SITUATIONS[1]) == [("running", decide_running(SITUATIONS[1]))]
    assert [table for table, _ in explain.replay(SITUATIONS[3])] == ["after exit", "start"]


@pytest.mark.parametrize(
    "data",
    [b"", b"x", b"[]", b"{}", b'{"facts":{}}', b"[" * 100_000, b'{"facts":{"at":"x"}}', b" " * (5 << 20)],
)
def test_facts_that_cannot_be_read_are_an_error(data):
    with pytest.raises(explain.ExplainError):
        explain.load_facts(data)


def test_a_word_that_no_table_knows_is_refused():
    document = codec.encode(SITUATIONS[0])
    for path in (("data",), ("node", "state"), ("file", "age"), ("link", "kind")):
        broken = json.loads(json.dumps(document))
        place = broken
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = "something else"
        with pytest.raises(ValueError, match="something else"):
            codec.decode(Facts, broken)


def test_the_last_decisions_are_read_and_torn_lines_left_out(tmp_path):
    path = tmp_path / "decisions.jsonl"
    lines = [
        json.dumps({"at": n, "row": f"row {n}", "reason": "r", "facts": codec.encode(SITUATIONS[0])})
        for n in range(5)
    ]
    path.write_text(
        "\n".join([*lines, '{"row": 5}', "[]", json.dumps({"row": "old", "facts": {"x": 1}}), lines[0][:50]])
    )
    found = explain.read(str(path), 3)
    assert [entry.row for entry in found] == ["row 3", "row 4", "old"]
    assert found[0].facts == SITUATIONS[0]
    assert found[2].facts is None


def test_no_record_is_an_error(tmp_path):
    with pytest.raises(explain.ExplainError):
        explain.read(str(tmp_path / "none"), 3)
