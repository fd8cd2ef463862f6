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


def test_it_ends_at_once_where_the_parent_was_killed_before_it_could_look():
    code = (
        "from cosmovisor.staging import priority; import time; priority.end_with_parent({}); time.sleep(120)"
    )
    # Process 1 is nobody's number for a parent that has been killed: its children are somebody else's now.
    child = subprocess.Popen([sys.executable, "-c", code.format(1 if os.getpid() != 1 else 2)])
    assert child.wait(60) == 1


def test_it_lives_on_beside_the_parent_that_was_named():
    code = (
        "from cosmovisor.staging import priority; import sys, time\n"
        "priority.end_with_parent(int(sys.stdin.readline())); time.sleep(1.2); print('lives')"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], input=f"{os.getpid()}\n", capture_output=True, text=True, check=False
    )
    assert (child.returncode, child.stdout) == (0, "lives\n")
