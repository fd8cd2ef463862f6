"""The checker of `make real-chain` is not blind: each fault that it looks for is planted in a log."""

from __future__ import annotations

import pathlib

import pytest
from tools.real_chain import recipes
from tools.real_chain.checks import NEEDED, count_starts, executed


def handshake(version: str, height: int) -> str:
    return (
        f"10:18PM INF ABCI Handshake App Info hash=E3B0 height={height} module=consensus "
        f"protocol-version=0 software-version={version}\n"
    )


def committed(*heights: int) -> str:
    line = "10:18PM INF committed state block_app_hash=2BBE height={} module=state\n"
    return "".join(line.format(height) for height in heights)


@pytest.fixture
def log(tmp_path: pathlib.Path):
    def write(*parts: str) -> str:
        path = tmp_path / "node.log"
        path.write_text("".join(parts))
        return str(path)

    return write


def test_who_executed_each_height(log):
    path = log(
        handshake("0.55.1", 0), committed(1, 2), handshake("0.55.1", 2), committed(3), handshake("0.55.2", 3)
    )
    assert executed(path) == {1: ["0.55.1"], 2: ["0.55.1"], 3: ["0.55.1"]}
    path = log(handshake("a", 0), committed(1, 2), handshake("b", 2), committed(2, 3))
    assert executed(path) == {1: ["a"], 2: ["a", "b"], 3: ["b"]}


def test_starts_after_the_halt_and_databases_in_use_are_counted(log):
    halt = f"10:18PM ERR {NEEDED} 32\n"
    path = log(handshake("a", 0), halt, handshake("a", 31), "panic: resource temporarily unavailable\n")
    found = count_starts(path, "a", "b")
    assert (found.old_after_halt, found.new, found.locked) == (1, 0, 1)
    found = count_starts(log(handshake("a", 0), handshake("a", 9), halt, handshake("b", 31)), "a", "b")
    assert (found.old_after_halt, found.new, found.locked) == (0, 1, 0)


def test_each_executable_says_another_version():
    texts = [recipes.version_text(each) for each in (recipes.OLD, recipes.PATCH, recipes.NEW)]
    assert texts == ["0.55.1", "0.55.2", "0.60.8"]
