"""What a staging process has answered is told to the operator once, and again when it has changed."""

from __future__ import annotations

from typing import Any

import pytest

from cosmovisor.model.plan import Plan
from cosmovisor.supervisor import program
from cosmovisor.supervisor.context import Context
from cosmovisor.supervisor.stager import Stager

PLAN = Plan("v2", 100)


@pytest.fixture
def stager(context: Context, monkeypatch: pytest.MonkeyPatch) -> tuple[Stager, list[Any], list[str]]:
    """A stager whose processes do nothing by themselves, what was started, and what was told."""
    started: list[Any] = []
    told: list[str] = []

    class Silent:
        def __init__(self, _argv: Any, _environ: Any, line: Any, ended: Any, given: bytes = b"") -> None:
            self.line, self.ended, self.given = line, ended, given
            started.append(self)

    monkeypatch.setattr(program, "Program", Silent)
    return Stager(context, lambda: None, lambda level, text: told.append(f"{level} {text}")), started, told


def answer(run: Any, level: str) -> None:
    run.line(
        {
            "event": "staged",
            "path": "/h/upgrades/v2/bin/testd",
            "committed": True,
            "confidence": {"level": level, "text": "the reason"},
        }
    )
    run.ended(0)


def test_confidence_is_told_when_a_binary_is_staged_and_again_only_when_it_has_changed(
    stager: tuple[Stager, list[Any], list[str]],
) -> None:
    found, started, told = stager
    found.stage(PLAN, urgent=False)
    answer(started[-1], "unconfirmed")
    found.recheck(PLAN)
    answer(started[-1], "unconfirmed")
    assert told == ["info /h/upgrades/v2/bin/testd is staged; confidence in it is unconfirmed: the reason"]
    found.recheck(PLAN)
    answer(started[-1], "contradicted")
    assert told[1].startswith("warn ")
    assert "contradicted" in told[1]


def test_the_process_learns_which_home_the_node_has(
    stager: tuple[Stager, list[Any], list[str]], context: Context
) -> None:
    found, started, _ = stager
    found.stage(PLAN, urgent=False)
    assert f'"node_home": "{context.node_home}"'.encode() in started[0].given.replace(b'":"', b'": "')
