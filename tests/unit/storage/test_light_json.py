"""The light parser and encoder agree with the standard module."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.storage import light_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_is_read_again_by_both(value):
    text = light_json.dumps(value)
    assert text.isascii()
    assert json.loads(text) == value
    assert light_json.loads(json.dumps(value, indent=2).encode()) == value
    assert light_json.loads(text) == value


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"   ",
        b"{",
        b'{"a" 1}',
        b"[1,]",
        b"nul",
        b"{} {}",
        b"1 2",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"\xff",
        b'"\n"',
        b'"a',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_json_is_refused(bad):
    with pytest.raises(ValueError):
        light_json.loads(bad)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_are_not_finite_are_not_written(bad):
    with pytest.raises(ValueError):
        light_json.dumps(bad)


def test_what_has_no_form_is_not_written():
    with pytest.raises(TypeError):
        light_json.dumps({"a": {1, 2}})


@pytest.mark.parametrize("module", ["locks", "durable", "document", "light_json", "codec"])
def test_nothing_heavy_is_imported_on_the_way_to_the_node(module):
    heavy = {
        "json",
        "re",
        "typing",
        "dataclasses",
        "enum",
        "asyncio",
        "pathlib",
        "logging",
        "subprocess",
        "inspect",
    }
    code = (
        f"import sys; before = set(sys.modules); import cosmovisor.storage.{module}; "
        f"print(sorted((set(sys.modules) - before) & {heavy!r}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
