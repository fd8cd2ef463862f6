"""Value classes behave as frozen dataclasses do."""

from __future__ import annotations

import pytest

from cosmovisor.model.plan import Plan
from cosmovisor.model.value import fields, replace


def test_fields_may_be_given_by_place_or_by_name_and_defaults_fill_the_rest():
    assert Plan("v2", 10) == Plan(name="v2", height=10, info="")


def test_a_value_is_frozen_and_hashable():
    plan = Plan("v2", 10)
    with pytest.raises(AttributeError):
        plan.height = 11  # type: ignore[misc]
    assert len({plan, Plan("v2", 10), Plan("v2", 11)}) == 2


def test_replace_changes_one_field_and_leaves_the_original():
    plan = Plan("v2", 10)
    assert replace(plan, height=11) == Plan("v2", 11)
    assert plan.height == 10


@pytest.mark.parametrize(
    ("args", "given"), [((), {}), (("v2", 1, "", 4), {}), (("v2",), {"name": "x"}), (("v2", 1), {"other": 1})]
)
def test_a_wrong_field_is_refused(args, given):
    with pytest.raises(TypeError):
        Plan(*args, **given)


def test_values_show_their_fields():
    assert repr(Plan("v2", 10)) == "Plan(name='v2', height=10, info='')"
    assert fields(Plan) == ("name", "height", "info")
