"""Damaged at random: plan files and plan infos are read, waited for or refused, and never fail in another way.

The seeds are plans that chains have really had.
"""

from __future__ import annotations

import functools
import json
import pathlib

from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.model.errors import PlanError
from cosmovisor.model.plan import Plan
from cosmovisor.plan import file, info
from cosmovisor.staging import check_plan
from tests.support.fuzzing import fuzz, mutated

PLANS = sorted((pathlib.Path(__file__).parents[1] / "data" / "plans").glob("*.json"))
KINDS = {"binaries", "url", "placeholder", "empty", "text", "broken"}


@functools.cache
def plan_of(path: pathlib.Path) -> Plan:
    """The plan that is kept in a file with what is known about it."""
    found = json.loads(path.read_text())["plan"]
    return Plan(found["name"] or "x", found["height"] or 1, found["info"] or "")


def plan_file(plan: Plan) -> bytes:
    """The file that a chain writes for a plan."""
    return json.dumps({"name": plan.name, "height": plan.height, "info": plan.info}).encode()


any_plan = st.sampled_from(PLANS).map(plan_of)


@fuzz(150)
@given(any_plan.flatmap(lambda plan: mutated(plan_file(plan))))
def test_a_damaged_plan_file_is_a_plan_or_incomplete_or_an_error_of_ours(data):
    try:
        found = file.parse(data)
    except PlanError as error:
        assert error.cause
        return
    if isinstance(found, Plan):
        assert found.name
        assert 0 < found.height < 1 << 63
    else:
        assert found.reason


@fuzz(60)
@given(any_plan, st.floats(0, 1, exclude_max=True))
def test_every_torn_plan_file_of_a_real_chain_is_waited_for(plan, share):
    data = plan_file(plan)
    assert isinstance(file.parse(data[: int(len(data) * share)]), file.Incomplete)
    assert isinstance(file.parse(data), Plan)


@fuzz(200)
@given(
    st.one_of(
        any_plan.flatmap(lambda plan: mutated(plan.info.encode())).map(lambda data: data.decode("utf-8", "replace")),
        st.text(max_size=300),
    )
)  # fmt: skip
def test_any_plan_info_has_a_kind_and_says_why_nothing_can_be_fetched(text):
    for found in (info.parse(text), info.parse_fetched(text)):
        assert found.kind in KINDS
        assert bool(found.problem) == (found.kind not in {"binaries", "url"})
        assert all(key and isinstance(url, str) for key, url in found.binaries)
        assert len(found.binaries) <= info.MOST_BINARIES


@fuzz(100)
@given(
    any_plan.flatmap(lambda plan: mutated(plan_file(plan))).map(lambda data: data.decode("utf-8", "replace"))
)
def test_any_text_is_a_plan_to_check_or_an_error_of_ours(text):
    try:
        found = check_plan.read(text)
    except PlanError as error:
        assert error.cause
    else:
        assert isinstance(found.info, str)
        assert isinstance(found.height, int)
