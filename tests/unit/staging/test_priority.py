"""A staging process does not outlive the one that asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

CHILD = "from cosmovisor.staging import priority; import time; priority.end_with_parent(); time.sleep(120)"
PARENT = f"import subprocess, sys, time; print(subprocess.Popen([sys.executable, '-c', {CHILD!r}]).pid, flush=True); time.sleep(120)"


def is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except FileNotFoundError:
        return True


def test_it_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    wait_until_it_watches(child)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 30
    while not is_gone(child):
        assert time.monotonic() < end
        time.sleep(0.05)
    parent.stdout.close()


def wait_until_it_watches(pid: int) -> None:
    end = time.monotonic() + 30
    while len(os.listdir(f"/proc/{pid}/task")) < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
