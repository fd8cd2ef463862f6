"""The demo daemon's command line: what `evmosd` or `wasmd` offer and a supervisor may use."""

from __future__ import annotations

import os
import sys
import time

from cosmovisor.demo.options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS = "init, pre-upgrade, query, start, status, tx, version"


def run(baked: dict[str, Any], words: list[str]) -> int:
    """Run one command with the options baked into the executable; return the exit status."""
    options = Options(**baked)
    if options.noisy:
        sys.stderr.write(options.noisy + "\n")
        sys.stderr.flush()
    command = next((word for word in words if not word.startswith("-")), "")
    if "--home" in words and command == words[words.index("--home") + 1]:
        rest = [word for at, word in enumerate(words) if at not in _home_words(words)]
        command = next((word for word in rest if not word.startswith("-")), "")
    if command == "version":
        sys.stdout.write(options.version + "\n")
        return 0
    if command == "start":
        from cosmovisor.demo import arguments
        from cosmovisor.demo.node import Node

        return Node(options, arguments.read(options, words)).start()
    if command == "pre-upgrade" and options.pre_upgrade:
        return _pre_upgrade(options, words)
    if command in ("init", "query", "q", "tx") or (command == "status" and options.status != "missing"):
        from cosmovisor.demo import commands

        return commands.run(options, command, words)
    if command in ("", "help"):
        sys.stdout.write(f"Usage:\n  {options.prog} [command]\n\nAvailable Commands: {COMMANDS}\n")
        return 0
    sys.stderr.write(
        f'Error: unknown command "{command}" for "{options.prog}"\nRun \'{options.prog} --help\' for usage.\n'
    )
    return 1


def _home_words(words: list[str]) -> tuple[int, int]:
    at = words.index("--home")
    return at, at + 1


def _pre_upgrade(options: Options, words: list[str]) -> int:
    """End with the next of the scripted statuses; how many were used is counted in the ledger."""
    if "--help" in words:
        sys.stdout.write(f"Usage:\n  {options.prog} pre-upgrade [flags]\n")
        return 0
    from cosmovisor.demo import ledger

    done = [entry for entry in ledger.read(options.ledger) if entry["what"] == "pre-upgrade-end"]
    used = sum(entry["version"] == options.name for entry in done)
    code = options.pre_upgrade[min(used, len(options.pre_upgrade) - 1)]
    ledger.note(options.ledger, "pre-upgrade", version=options.name, arguments=words, folder=os.getcwd())
    time.sleep(options.pre_upgrade_seconds)
    ledger.note(options.ledger, "pre-upgrade-end", version=options.name, code=code)
    return int(code)


def main() -> int:
    """Run the daemon as a module: options as `--version-name v1` and `--options JSON` before the command."""
    import json

    words = sys.argv[1:]
    baked: dict[str, Any] = {}
    while words and words[0] in ("--version-name", "--options"):
        if words[0] == "--options":
            given = json.loads(words[1])
            for name, content in given.items():
                baked[name] = (
                    tuple(tuple(x) if isinstance(x, list) else x for x in content)
                    if isinstance(content, list)
                    else content
                )
        else:
            baked["name"] = words[1]
        words = words[2:]
    return run(baked, words)


if __name__ == "__main__":
    sys.exit(main())
