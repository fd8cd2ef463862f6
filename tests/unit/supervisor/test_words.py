from __future__ import annotations

import pytest

from cosmovisor.supervisor.words import is_one_shot, own_config_option


@pytest.mark.parametrize(
    "arguments",
    [
        ["version"],
        ["query", "bank", "balances"],
        ["q", "tx"],
        ["tx", "bank", "send"],
        ["keys", "list"],
        ["status"],
        ["tendermint", "show-node-id"],
        ["rollback", "--hard"],
        ["--help"],
        ["--version"],
        ["start", "--help"],
    ],
)
def test_a_question_is_answered_and_not_supervised(arguments: list[str]) -> None:
    assert is_one_shot(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["start"],
        ["--home", "/x", "start"],
        ["run"],
        ["run", "start"],
        ["start", "--", "--help"],
        ["something-new"],
    ],
)
def test_everything_else_is_supervised(arguments: list[str]) -> None:
    assert not is_one_shot(arguments)


@pytest.mark.parametrize(
    ("arguments", "rest", "path"),
    [
        (["start"], ["start"], None),
        (["--cosmovisor-config", "/c", "start"], ["start"], "/c"),
        (["start", "-cosmovisor-config", "/c"], ["start"], "/c"),
        (["start", "--COSMOVISOR-CONFIG", "/c", "x"], ["start", "x"], "/c"),
        (["start", "--cosmovisor-config=/c=d"], ["start"], "/c=d"),
        (
            ["a", "--cosmovisor-config", "1", "--cosmovisor-config", "2"],
            ["a", "--cosmovisor-config", "2"],
            "1",
        ),
        (["start", "-c", "/c"], ["start", "-c", "/c"], None),
    ],
)
def test_our_own_option_is_taken_out_of_the_arguments(
    arguments: list[str], rest: list[str], path: str | None
) -> None:
    assert own_config_option(arguments) == (rest, path, "")


def test_an_option_without_its_path_is_a_problem() -> None:
    rest, path, problem = own_config_option(["start", "--cosmovisor-config"])
    assert (rest, path) == (["start", "--cosmovisor-config"], None)
    assert "requires an argument" in problem
