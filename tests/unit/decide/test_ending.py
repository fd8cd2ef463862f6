"""The words about a node that has ended by itself."""

from __future__ import annotations

import pytest
from tests.support.playbook import Play

from cosmovisor.decide import commands
from cosmovisor.decide.ending import ended


@pytest.mark.parametrize(
    ("status", "text", "step"),
    [
        (0, "with status 0", ""),
        (1, "with status 1", "last lines"),
        (127, "with status 127", "cosmovisor doctor"),
        (-9, "was killed (signal 9, status 137)", "for want of memory"),
        (137, "was killed (signal 9, status 137)", "for want of memory"),
        (-11, "signal 11 (status 139)", "crashed"),
        (-15, "signal 15 (status 143)", "last lines"),
        (255, "with status 255", "last lines"),
        (None, "its status is unknown", "last lines"),
    ],
)
def test_a_status_in_words(status: int | None, text: str, step: str) -> None:
    said, fix = ended(status)
    assert text in said
    assert step in fix
    assert bool(fix) == (status != 0)


@pytest.mark.parametrize(("status", "level"), [(0, "info"), (1, "warn"), (-9, "warn")])
def test_a_node_that_ends_by_itself_is_told_once(status: int, level: str) -> None:
    play = Play().running()
    play.commands.clear()
    said = []
    play._carry_out = _listening(play, said)
    play.exit(status)
    assert [one.level for one in said if one.text == ended(status)[0]] == [level]


def _listening(play: Play, said: list[commands.Say]):
    carry_out = play._carry_out

    def listen(command: object) -> object:
        if isinstance(command, commands.Say):
            said.append(command)
        return carry_out(command)

    return listen
