"""The arguments of `start`, as cobra would read them."""

from __future__ import annotations

import os

from cosmovisor.demo import home as homes
from cosmovisor.demo.options import Options
from cosmovisor.model.value import value


@value
class StartArguments:
    """What `start` was told, from arguments, environment and the files of the home.

    Attributes:
        home: The node's home.
        laddr: Address of the RPC; empty means off.
        halt_height: Height to stand still at; 0 for none.
        skips: Heights whose upgrade is skipped.
        log_json: Log lines as JSON.
    """

    home: str
    laddr: str
    halt_height: int
    skips: frozenset[int]
    log_json: bool


def find_home(options: Options, words: list[str]) -> str:
    """Return the home: `--home`, then `<PROG>_HOME`, then the folder in the user's home."""
    for at, word in enumerate(words):
        if word == "--home" and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--home="):
            return word.removeprefix("--home=")
    return os.environ.get(f"{options.prog.upper()}_HOME") or default_home(options)


def default_home(options: Options) -> str:
    """Return the home where nothing names another."""
    return os.path.join(os.path.expanduser("~"), f".{options.prog}")


def read(options: Options, words: list[str]) -> StartArguments:
    """Read the arguments of `start`.

    Raises:
        ValueError: A number is none.
    """
    home = find_home(options, words)
    halt = homes.setting(home, options.prog, words, "halt-height")
    return StartArguments(
        home=home,
        laddr=homes.setting(home, options.prog, words, "rpc.laddr"),
        halt_height=int(halt or 0),
        skips=frozenset(_skips(words)),
        log_json="--log_format=json" in words or ("--log_format" in words and "json" in words),
    )


def _skips(words: list[str]) -> list[int]:
    """Read `--unsafe-skip-upgrades` in every form of a cobra integer list: `N`, `=N`, `N,M`, repeated."""
    found: list[int] = []
    for at, word in enumerate(words):
        if word == "--unsafe-skip-upgrades" and at + 1 < len(words):
            found += [int(part) for part in words[at + 1].split(",")]
        elif word.startswith("--unsafe-skip-upgrades="):
            found += [int(part) for part in word.split("=", 1)[1].strip("[]").split(",")]
    return found
