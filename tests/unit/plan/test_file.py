"""The plan file is read as the Go tool reads it, and never takes the node down."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosmovisor.model.errors import PlanError
from cosmovisor.model.plan import Plan
from cosmovisor.plan.file import LARGEST, Incomplete, parse


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ('{"name":"upgrade1","info":"some info","height":123}', Plan("upgrade1", 123, "some info")),
        ('{"name":"v2","time":"0001-01-01T00:00:00Z","height":12345}', Plan("v2", 12345)),
        (' \n{"NAME":"v2","Height":7,"iNFO":"x"}\n', Plan("v2", 7, "x")),
        ('{"name":"v1","name":"v2","height":1,"height":2}', Plan("v2", 2)),
        ('{"name":"v2","name":null,"height":1,"info":null,"upgraded_client_state":null}', Plan("v2", 1)),
        ('{"name":"Upgrade2","height":125,"other":{"a":[1,2]}}', Plan("Upgrade2", 125)),
        ('{"name":"\\ud800x","height":1}', Plan("\ufffdx", 1)),
    ],
)
def test_plans_are_read(text, plan):
    assert parse(text.encode()) == plan


def test_bytes_that_are_not_utf8_become_replacement_characters():
    assert parse(b'{"name":"v\xff2","height":1}') == Plan("v\ufffd2", 1)


@pytest.mark.parametrize("data", [b"", b" \n", b"\0\0\0\0", b'{"name":"v2","height":12\0\0\0'])
def test_nothing_yet_is_incomplete(data):
    assert isinstance(parse(data), Incomplete)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "null",
        "[]",
        '"v2"',
        "12",
        '{"name":"v2"}',
        '{"height":1}',
        '{"name":"","height":1}',
        '{"name":1,"height":1}',
        '{"name":"v2","height":"1"}',
        '{"name":"v2","height":5.0}',
        '{"name":"v2","height":1e3}',
        '{"name":"v2","height":true}',
        '{"name":"v2","height":0}',
        '{"name":"v2","height":-1}',
        '{"name":"v2","height":9223372036854775808}',
        '{"name":"v2","height":%s}' % ("9" * 5000),
        '{"name":"v2","heigh":"123"}',
        '{"name":"v2","height":1,"info":5}',
        '{"name":"v2","height":1,"time":"2026-01-01T00:00:00Z"}',
        '{"name":"v2","height":1,"time":5}',
        '{"name":"v2","height":1,"upgraded_client_state":{}}',
        '{"name":"v2","height":1} trailing',
        '\ufeff{"name":"v2","height":1}',
        '{"name":"v2","height":NaN}',
        '{"name":"v\n2","height":1}',
        "{'name':'v2','height':1}",
        "not json",
        "[" * 100_000,
    ],
)
def test_what_can_never_become_a_plan_is_an_error(text):
    with pytest.raises(PlanError) as caught:
        parse(text.encode())
    assert caught.value.next_step


def test_a_huge_file_is_refused_without_being_decoded():
    data = b" " * (LARGEST + 1)
    tracemalloc.start()
    with pytest.raises(PlanError, match="larger"):
        parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@settings(max_examples=40, deadline=None)
@given(
    st.text(min_size=1, max_size=12),
    st.integers(min_value=1, max_value=2**63 - 1),
    st.text(max_size=20),
    st.booleans(),
)
def test_every_torn_plan_is_incomplete_and_the_whole_one_is_a_plan(name, height, info, ascii_only):
    whole = json.dumps(
        {"name": name, "height": height, "info": info, "x": [None, True, -1.5]}, ensure_ascii=ascii_only
    )
    data = whole.encode("utf-8", "surrogatepass")
    for end in range(len(data)):
        assert isinstance(parse(data[:end]), Incomplete), data[:end]
    assert isinstance(parse(data), Plan)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_a_plan_error(data):
    try:
        assert isinstance(parse(data), (Plan, Incomplete))
    except PlanError as error:
        assert error.cause
