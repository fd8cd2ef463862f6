"""Hypothesis strategies for every value of the model, made from its annotations."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cosmovisor.model.state import SCHEMA, State
from cosmovisor.storage import codec

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "str": st.text(max_size=12),
    "bool": st.booleans(),
}


def of(kind: type) -> st.SearchStrategy[Any]:
    """Any value of this class."""
    return st.builds(kind, **{name: _field(kind, text) for name, text in codec.declared(kind).items()})


def states() -> st.SearchStrategy[State]:
    """Any state document of the present schema."""
    parts = {name: _field(State, text) for name, text in codec.declared(State).items()}
    return st.builds(State, **{**parts, "schema": st.just(SCHEMA)})


def _field(kind: type, text: str) -> st.SearchStrategy[Any]:
    if text.startswith("tuple["):
        return st.lists(_field(kind, text[len("tuple[") : -len(", ...]")]), max_size=2).map(tuple)
    if " | " in text:
        return st.one_of([_field(kind, part) for part in text.split(" | ")])
    if text == "None":
        return st.none()
    if text in PLAIN:
        return PLAIN[text]
    found = codec.resolve(kind, text)
    return st.sampled_from(found) if isinstance(found, tuple) else of(found)
