"""What a machine may lack, by name; each check says why in words."""

from __future__ import annotations

import functools
import os
import shutil
import sys


def _linux() -> str:
    return "" if sys.platform == "linux" else "not Linux"


def _root() -> str:
    return "" if os.geteuid() == 0 else "not root"


def _tmux() -> str:
    return "" if shutil.which("tmux") else "tmux is not installed"


CHECKS = {"linux": _linux, "root": _root, "tmux": _tmux}


@functools.cache
def missing(capability: str) -> str:
    """Return why a capability is missing, or an empty text."""
    return CHECKS[capability]()
