"""The table of published plans is what the code decides today, and every plan ends in a decision with a reason."""

from __future__ import annotations

import json

import pytest
from tools import generate_plans

from cosmovisor.staging import outlook

HOW = "run: .venv/bin/python tools/generate_plans.py"
FILES = sorted(generate_plans.PLANS.glob("*.json"))


def test_the_page_is_fresh():
    assert generate_plans.PAGE.read_text(encoding="utf-8") == generate_plans.page(), HOW


def test_a_changed_rule_makes_the_page_stale(monkeypatch):
    from cosmovisor.model.value import replace

    monkeypatch.setattr(
        generate_plans, "SETTINGS", replace(generate_plans.SETTINGS, cosmovisor_trust="require")
    )
    assert generate_plans.PAGE.read_text(encoding="utf-8") != generate_plans.page()


def test_all_plans_are_there():
    assert len(FILES) == 146


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_published_plan_ends_in_a_decision_with_a_reason(path):
    row = generate_plans.decide(json.loads(path.read_text(encoding="utf-8")))
    assert row.decision in {outlook.STAGED, outlook.WARNED, outlook.REFUSED}
    assert row.why


@pytest.mark.parametrize(
    ("name", "decision", "words"),
    [
        ("agoric-upgrade-22", outlook.STAGED, "sha256"),
        ("agoric-pr7037-any-source-zip", outlook.STAGED, "sha256"),
        ("persistence-core-1-v9", outlook.STAGED, "sha256"),
        ("evmos-v2.0.0-fork", outlook.WARNED, "quotes"),
        ("evmos-v5.0.0-mainnet", outlook.WARNED, "linux/x86_64"),
        ("juno-v16", outlook.WARNED, "no digest was published"),
        ("ununifi-v3_2", outlook.WARNED, "md5"),
        ("xiontestnet2-v27", outlook.WARNED, "can change"),
        ("xiontestnet2-v27-placeholder", outlook.REFUSED, "placeholder"),
        ("akash-v1.0.0-placeholder", outlook.REFUSED, "may be filled later"),
        ("cascadia-v0.1.4-file", outlook.REFUSED, "closing brace is missing"),
        ("sei-v6.1.4", outlook.REFUSED, "no quotes"),
        ("oraibridge-monitorevent", outlook.REFUSED, "web page"),
        ("bitsong-v022", outlook.REFUSED, "program, not to a list"),
        ("zetachain-athens3-p2-v2.0.0", outlook.REFUSED, "may be meant"),
        ("registry-secretnetwork-v1.12", outlook.REFUSED, "Debian package"),
        ("xpla-v0.5.0-beta3-local-path", outlook.REFUSED, "darwin/amd64"),
        ("story-v0.13.0-file", outlook.REFUSED, "blank"),
    ],
)  # fmt: skip
def test_the_plans_that_taught_a_rule_are_decided_by_it(name, decision, words):
    row = generate_plans.decide(
        json.loads((generate_plans.PLANS / f"{name}.json").read_text(encoding="utf-8"))
    )
    assert row.decision == decision
    assert words in row.why
