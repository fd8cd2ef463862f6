"""Which command lines are a node to look after, and which are a question to be answered and gone."""

from __future__ import annotations

#: First words of the daemon that end by themselves. The list is closed: a word that is not on it is
#: supervised, because an unsupervised node misses its upgrade while a supervised question costs nothing.
ONE_SHOT = frozenset(
    {
        "add-genesis-account",
        "collect-gentxs",
        "comet",
        "cometbft",
        "completion",
        "config",
        "debug",
        "export",
        "gentx",
        "genesis",
        "help",
        "in-place-testnet",
        "init",
        "keys",
        "migrate",
        "module-hash-by-height",
        "pre-upgrade",
        "prune",
        "q",
        "query",
        "rollback",
        "rosetta",
        "snapshots",
        "status",
        "tendermint",
        "testnet",
        "tx",
        "unsafe-reset-all",
        "validate-genesis",
        "version",
    }
)

#: Flags that end any command at once.
_ENDING_FLAGS = frozenset({"--help", "-h", "--version"})

#: Behind this word stand values, not flags.
_SEPARATOR = "--"


def is_one_shot(arguments: list[str]) -> bool:
    """Tell whether this command line of the daemon ends by itself.

    No argument, leading flags (`--home X start`) and unknown words count as a node.
    """
    if not arguments:
        return False
    if arguments[0] in ONE_SHOT or arguments[0] in _ENDING_FLAGS:
        return True
    for word in arguments:
        if word == _SEPARATOR:
            return False
        if word in _ENDING_FLAGS:
            return True
    return False


def own_config_option(arguments: list[str]) -> tuple[list[str], str | None, str]:
    """Take our own `--cosmovisor-config` out of the daemon's arguments, as the Go tool does.

    The first element that equals the option, with one or two dashes and in any letter case, is ours, with the
    element behind it; the `=` form is ours as well (the Go tool hands that one to the daemon).

    Returns:
        The remaining arguments, the path or None, and a problem (empty where there is none).
    """
    for place, word in enumerate(arguments):
        name, equals, given = word.partition("=")
        if name.lower() not in {"--cosmovisor-config", "-cosmovisor-config"}:
            continue
        if equals:
            return arguments[:place] + arguments[place + 1 :], given, ""
        if place + 1 == len(arguments):
            return (
                arguments,
                None,
                f"the option {word} requires an argument: the path of a configuration file",
            )
        return arguments[:place] + arguments[place + 2 :], arguments[place + 1], ""
    return arguments, None, ""
