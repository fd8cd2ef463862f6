from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.storage import locks
from cosmovisor.supervisor import processes, spawn

PROBE = """#!{python}
import os, signal, sys
print("session", os.getsid(0) == os.getpid())
print("blocked", sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
print("cwd", os.getcwd())
print("argv", sys.argv[1:])
print("home", os.environ.get("SOMETHING"))
print("fds", sorted(int(n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)))
print("ignored", *[line.split()[1] for line in open("/proc/self/status") if line.startswith("SigIgn")])
"""


def wait(child: spawn.Child) -> int:
    ready, _, _ = select.select([child.pidfd], [], [], 60)
    assert ready, "the child did not end"
    os.close(child.pidfd)
    code = spawn.reap(child.pid)
    assert code is not None
    return code


def script(folder: Path, text: str) -> str:
    path = folder / "daemon"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.needs("linux")
def test_the_node_gets_what_we_have_and_default_signals(tmp_path: Path) -> None:
    out = tmp_path / "out"
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(lock, True)
    ours = os.open(tmp_path / "ours", os.O_RDWR | os.O_CREAT)
    fd = os.open(out, os.O_WRONLY | os.O_CREAT)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    old = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        child = spawn.spawn(
            script(tmp_path, PROBE.format(python=sys.executable)),
            ["start", "--x y"],
            {**os.environ, "SOMETHING": "as it was"},
            now=1.0,
            redirect=((fd, 1),),
        )
    finally:
        signal.signal(signal.SIGHUP, old)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(lock)
        os.close(ours)
        os.close(fd)
    assert wait(child) == 0
    said = dict(line.split(" ", 1) for line in out.read_text().splitlines())
    assert said["session"] == "True"
    assert said["blocked"] == "[]"
    assert said["cwd"] == os.getcwd()
    assert said["argv"] == "['start', '--x y']"
    assert said["home"] == "as it was"
    open_there = said["fds"].strip("[]").split(", ")
    assert str(lock) in open_there
    assert str(ours) not in open_there
    # The probe is Python itself, which ignores SIGPIPE (13) and SIGXFSZ (25); SIGHUP (1) must not be ignored.
    assert int(said["ignored"], 16) & 1 == 0


def test_a_file_that_cannot_be_executed_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "daemon"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    with pytest.raises(CosmovisorError, match="cannot start .*daemon"):
        spawn.spawn(str(path), [], {}, now=0.0)


@pytest.mark.parametrize(
    ("body", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_the_exit_status_is_the_nodes_own(tmp_path: Path, body: str, status: int) -> None:
    child = spawn.spawn(script(tmp_path, f"#!/bin/sh\n{body}\n"), [], dict(os.environ), now=0.0)
    assert spawn.exit_status(wait(child)) == status


def test_library_folder_goes_first_and_never_leaves_an_empty_element(tmp_path: Path) -> None:
    binary = tmp_path / "v2" / "bin" / "daemon"
    assert spawn.library_folder(str(binary)) == ""
    (tmp_path / "v2" / "lib").mkdir(parents=True)
    lib = spawn.library_folder(str(binary))
    assert lib == str(tmp_path / "v2" / "lib")
    assert spawn.environment({"A": "1"}, "") == {"A": "1"}
    assert spawn.environment({}, lib) == {"LD_LIBRARY_PATH": lib}
    assert spawn.environment({"LD_LIBRARY_PATH": f":/a::{lib}:"}, lib) == {"LD_LIBRARY_PATH": f"{lib}:/a"}


def test_a_question_becomes_the_daemon_itself(tmp_path: Path) -> None:
    daemon = script(tmp_path, '#!/bin/sh\necho "$0 $@ $$"\nexit 5\n')
    code = (
        "import os; from cosmovisor.supervisor.spawn import replace_ourselves; print(os.getpid(), flush=True);"
        f"replace_ourselves({daemon!r}, ['version', '--long'], dict(os.environ))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 5
    pid = done.stdout.splitlines()[0]
    assert done.stdout.splitlines()[1] == f"{daemon} version --long {pid}"


def test_windows_is_refused_in_plain_words() -> None:
    spawn.check_platform("linux")
    spawn.check_platform("darwin")
    with pytest.raises(CosmovisorError, match="cannot run on Windows"):
        spawn.check_platform("win32")


@pytest.mark.needs("linux")
def test_a_whole_session_is_found_and_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    daemon = script(tmp_path, f"#!/bin/sh\ntrap '' TERM\nsleep 600 & sleep 600 &\ntouch {ready}\nwait\n")
    child = spawn.spawn(daemon, [], dict(os.environ), now=0.0)
    deadline = time.monotonic() + 60
    while len(processes.session_members(child.pid)) < 3 or not ready.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert processes.kill_session(child.pid) >= 3
    assert wait(child) == -9
    assert processes.session_members(child.pid) == []


@pytest.mark.needs("linux")
def test_a_writer_of_a_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    assert not processes.open_for_writing(str(path))
    with subprocess.Popen(["sh", "-c", f"exec 5>>{path}; echo ready; read x"], stdin=-1, stdout=-1) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        assert processes.open_for_writing(str(path))
        writer.stdin.write(b"\n")
    assert not processes.open_for_writing(str(path))


@pytest.mark.needs("linux")
def test_the_lock_goes_to_the_one_program_that_is_to_have_it(tmp_path: Path) -> None:
    path = str(tmp_path / "node.lock")
    lock = locks.hold(path)
    waiting = script(tmp_path, "#!/bin/sh\nread line\n")
    reading, writing = os.pipe()
    node = spawn.spawn(waiting, [], dict(os.environ), now=1.0, redirect=((reading, 0),), lock=lock.fd)
    other = spawn.spawn(waiting, [], dict(os.environ), now=1.0, redirect=((reading, 0),))
    lock.close()
    try:
        assert locks.is_held(path)
        os.kill(node.pid, signal.SIGKILL)
        assert wait(node) == -signal.SIGKILL
        # A thread of another test may just be between its fork and its exec.
        deadline = time.monotonic() + 60
        while locks.is_held(path):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert processes.alive(other.pid)
    finally:
        os.kill(other.pid, signal.SIGKILL)
        wait(other)
        os.close(reading)
        os.close(writing)
