"""`python -m cosmovisor.demo`: play the story and tell it on the terminal."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console

from cosmovisor.demo.stage import StageError
from cosmovisor.demo.story import Story

COLOURS = {
    "chain": "cyan",
    "cosmovisor": "green",
    "governance": "yellow",
    "operator": "magenta",
    "server": "blue",
}


def main() -> int:
    """Play the demo; return 0 only if everything that it claims was seen."""
    parser = argparse.ArgumentParser(
        prog="python -m cosmovisor.demo", description="One governed upgrade, live."
    )
    parser.add_argument("--home", default="demo-home", help="folder to play in; stays to look around")
    folder = parser.parse_args().home
    console = Console(highlight=False, soft_wrap=True)
    begin = time.monotonic()

    def say(actor: str, text: str) -> None:
        clock = f"{time.monotonic() - begin:6.2f} s"
        console.print(f"[dim]{clock}[/dim]  [{COLOURS[actor]}]{actor:<10}[/]  ", end="")
        console.print(text, markup=False)

    story = Story(folder, say)
    try:
        checks = story.play()
        process, block = story.stage.downtime("v2")
    except StageError as error:
        console.print(f"The demo failed: {error}", style="bold red", markup=False)
        _tail(console, story)
        return 1
    console.print()
    for held, sentence in checks:
        console.print(
            f"  {'✓' if held else '✗'} {sentence}", markup=False, style="green" if held else "bold red"
        )
    console.print()
    console.print(
        f"Halt to the new process: {process:.3f} s; to its first signed block: {block:.3f} s.", style="bold"
    )
    console.print(f"Look around in {folder}: validator/cosmovisor, cosmovisor.log, node.log, ledger.jsonl.")
    if not all(held for held, _ in checks):
        _tail(console, story)
        return 1
    return 0


def _tail(console: Console, story: Story) -> None:
    try:
        with open(story.stage.log, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()[-20:]
    except FileNotFoundError:
        return
    console.print(f"The last lines of {story.stage.log}:")
    for line in lines:
        console.print("  " + line, markup=False)


if __name__ == "__main__":
    sys.exit(main())
