"""Nothing of a rehearsal stays behind, also where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from cosmovisor.rehearsal import scratch

CHILD = """
import subprocess, sys
from cosmovisor.rehearsal import scratch
with scratch.folder({base!r}) as path:
    open(path + "/copy", "w").write("x" * 1000)
    child = subprocess.Popen(["sleep", "1000"], preexec_fn=scratch.end_with_us, start_new_session=True)
    print(child.pid, flush=True)
    child.wait()
"""


def test_it_is_gone_at_the_end_also_after_an_error(tmp_path):
    with scratch.folder(str(tmp_path)) as path:
        assert os.path.isdir(path)
    with pytest.raises(ValueError, match="wrong"), scratch.folder(str(tmp_path)):
        raise ValueError("wrong")
    assert os.listdir(tmp_path) == []


@pytest.mark.needs("linux")
def test_what_a_killed_rehearsal_has_left_goes_with_the_next_one_and_its_program_at_once(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(base=str(tmp_path))], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    child = int(process.stdout.readline())
    (left,) = os.listdir(tmp_path)
    with scratch.folder(str(tmp_path)) as path:  # the other one lives: its folder is left alone
        assert sorted(os.listdir(tmp_path)) == sorted([left, os.path.basename(path)])
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    deadline = time.monotonic() + 60
    while _lives(child):
        assert time.monotonic() < deadline, "the program outlives the rehearsal"
        time.sleep(0.02)
    assert os.listdir(tmp_path) == [left]
    with scratch.folder(str(tmp_path)) as path:
        assert os.listdir(tmp_path) == [os.path.basename(path)]
    assert os.listdir(tmp_path) == []


def test_what_is_not_of_a_rehearsal_is_left_alone(tmp_path):
    (tmp_path / ".rehearsal-notes").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / ".rehearsal-link").symlink_to(tmp_path / "data")
    scratch.sweep(str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [".rehearsal-link", ".rehearsal-notes", "data"]


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
