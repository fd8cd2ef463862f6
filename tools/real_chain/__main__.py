"""Takes a real Cosmos SDK daemon through a governed upgrade, in the modes that validators meet."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from tools.go_build import build
from tools.real_chain import recipes
from tools.real_chain.checks import CheckError
from tools.real_chain.modes import MODES
from tools.real_chain.night import Night
from tools.real_chain.node import DaemonError
from tools.real_chain.rpc import NotInTimeError
from tools.real_chain.supervisor import GO, OURS


def main() -> int:
    """Run the chosen modes and return 0 when all of them passed."""
    parser = argparse.ArgumentParser(prog="make real-chain", description=__doc__)
    parser.add_argument("--only", default="", metavar="MODE,…", help="modes out of: " + ", ".join(MODES))
    parser.add_argument(
        "--tool", default=OURS, choices=(OURS, GO), help="the supervisor (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folders of the modes that passed, too")
    given = parser.parse_args()
    names = [name for name in given.only.replace("_", "-").split(",") if name] or list(MODES)
    unknown = [name for name in names if name not in MODES]
    if unknown:
        parser.error(f"unknown modes: {', '.join(unknown)}")
    failed = []
    scratch = tempfile.mkdtemp(prefix="real-chain-")
    for name in names:
        line = run_mode(name, os.path.join(scratch, name), given.tool, keep=given.keep)
        print(f"{name:16} {line}", flush=True)
        if not line.startswith("passed"):
            failed.append(name)
    if failed or given.keep:
        print(f"the folders with homes and logs are kept: {scratch}")
    else:
        shutil.rmtree(scratch)
    return 1 if failed else 0


def run_mode(name: str, folder: str, tool: str, *, keep: bool) -> str:
    """Run one mode and return its line of the report."""
    os.makedirs(folder)
    old = build(recipes.OLD_OPTIMISTIC if name.startswith("optimistic") else recipes.OLD)
    new = build(recipes.PATCH if name == "exact" else recipes.NEW)
    night = Night(folder, tool, old, new)
    began = time.monotonic()
    try:
        MODES[name](night)
    except (CheckError, DaemonError, NotInTimeError, subprocess.TimeoutExpired) as error:
        return f"FAILED after {time.monotonic() - began:.0f} s: {error}"
    finally:
        night.close()
    if not keep:
        shutil.rmtree(folder)
    facts = "; ".join(f"{key}: {fact}" for key, fact in night.facts.items())
    return f"passed in {time.monotonic() - began:.0f} s; {facts}"


if __name__ == "__main__":
    sys.exit(main())
