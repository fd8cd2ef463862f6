"""Makes `docs/demo.svg` from a real run of `make demo` in a terminal (tmux), captured with its colours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.text import Text

WIDTH = 118
HEIGHT = 60
LIMIT = 180
TARGET = os.path.join("docs", "demo.svg")


def main() -> int:
    """Run the demo, write the picture, and return the demo's exit status."""
    with tempfile.TemporaryDirectory(prefix="demo-picture-") as folder:
        socket = os.path.join(folder, "tmux")
        status = os.path.join(folder, "status")
        demo = f"make --no-print-directory --silent demo; echo $? > {status}"
        script = f"clear; {demo}; tmux -S {socket} wait-for -S done; cat"
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        _tmux(socket, "new-session", "-d", "-s", "demo", *size, script)
        try:
            _tmux(socket, "wait-for", "done")
            screen = _tmux(socket, "capture-pane", "-e", "-p", "-S", "-", "-t", "demo")
        finally:
            _tmux(socket, "kill-server")
        with open(status) as file:
            ended = int(file.read())
    if ended:
        print(screen)
        return ended
    draw(screen)
    return 0


def draw(screen: str) -> None:
    """Write the captured screen as a picture."""
    with open(os.devnull, "w") as nowhere:
        console = Console(
            record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print(Text.from_ansi(screen.rstrip()), soft_wrap=True)
    picture = console.export_svg(title="make demo")
    # A picture inside a page may not load fonts from elsewhere: the reader's own monospaced one is used.
    picture = re.sub(r"@font-face {.*?}\s*", "", picture, flags=re.DOTALL)
    with open(TARGET, "w") as file:
        file.write(picture)


def _tmux(socket: str, *words: str) -> str:
    line = ["tmux", "-f", os.devnull, "-S", socket, *words]
    return subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, timeout=LIMIT).stdout


if __name__ == "__main__":
    sys.exit(main())
