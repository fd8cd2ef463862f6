"""What a real wasmd left on disk at its halt is read as what it was.

`tools/real_chain/capture.py` made the files: `consensus` was alive and frozen at the height and then killed,
`block-sync` exited by itself.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from cosmovisor.model.plan import Plan
from cosmovisor.plan import file as plan_file

HALTS = pathlib.Path(__file__).parents[1] / "data" / "halt"
NAMES = sorted(folder.name for folder in HALTS.iterdir())


def facts(name: str) -> dict:
    return json.loads((HALTS / name / "facts.json").read_text())


def test_both_halts_are_there():
    assert NAMES == ["block-sync", "consensus"]


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_file_of_the_halt_is_a_plan_at_its_height(name):
    plan = plan_file.parse((HALTS / name / "upgrade-info.json").read_bytes())
    assert isinstance(plan, Plan)
    assert (plan.name, plan.height) == ("v0.60", facts(name)["height"])
    assert "linux/amd64" in plan.info


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cut", range(1, 226, 7))
def test_every_shorter_plan_file_is_incomplete_and_never_another_plan(name, cut):
    data = (HALTS / name / "upgrade-info.json").read_bytes()
    assert isinstance(plan_file.parse(data[: len(data) - cut]), plan_file.Incomplete)
