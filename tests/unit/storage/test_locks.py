"""One node per home: the lock lives as long as the last process that carries it, and says who that is."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from cosmovisor.model.errors import StateError
from cosmovisor.storage import calls, locks

CHILD = "import sys; sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()"


def start_child(*fds: int) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, pass_fds=fds
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.communicate()


def test_a_lock_is_held_until_it_is_closed(tmp_path):
    path = f"{tmp_path}/l"
    assert not locks.is_held(path)
    with locks.hold(path):
        assert locks.is_held(path)
    assert not locks.is_held(path)
    locks.hold(path).close()


def test_a_second_holder_is_refused_and_told_who_has_it(tmp_path):
    path = f"{tmp_path}/l"
    with locks.hold(path, command="cosmovisor run start"), pytest.raises(locks.LockHeld) as raised:
        locks.hold(path)
    assert raised.value.holder.pid == os.getpid()
    assert raised.value.holder.since > 0
    assert "cosmovisor run start" in raised.value.cause
    assert f"process {os.getpid()} since 2" in raised.value.cause
    assert raised.value.next_step


def test_a_lock_goes_on_in_the_child_that_inherited_it(tmp_path):
    path = f"{tmp_path}/node.lock"
    lock = locks.hold(path, inheritable=True)
    assert os.get_inheritable(lock.fd)
    child = start_child(lock.fd)
    lock.describe(child.pid, "evmosd start")
    lock.close()
    lock.close()
    try:
        assert locks.is_held(path)
        with pytest.raises(locks.LockHeld) as raised:
            locks.hold(path)
        assert raised.value.holder == locks.holder(path)
        assert raised.value.holder.pid == child.pid
        assert raised.value.holder.command == "evmosd start"
    finally:
        end(child)
    locks.hold(path).close()


def test_the_true_holder_is_found_where_the_record_names_a_dead_process(tmp_path):
    path = f"{tmp_path}/node.lock"
    lock = locks.hold(path, inheritable=True)
    child = start_child(lock.fd)
    lock.describe(2**22 + 1, "gone")
    lock.close()
    try:
        assert locks.holder(path).pid == child.pid
        assert sys.executable in locks.holder(path).command
        assert [holder.pid for holder in locks.holders(path)] == [child.pid]
    finally:
        end(child)
    assert locks.holder(path) == locks.Holder()


def test_a_lock_that_is_not_inheritable_ends_with_us(tmp_path):
    path = f"{tmp_path}/l"
    lock = locks.hold(path)
    child = start_child()
    lock.close()
    try:
        assert not locks.is_held(path)
    finally:
        end(child)


def test_a_look_at_the_lock_never_makes_a_start_fail(tmp_path, monkeypatch):
    path = f"{tmp_path}/l"
    looking = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(
        locks.time, "sleep", lambda _: os.close(looking) if pauses.append(1) is None else None
    )
    pauses: list[int] = []
    locks.hold(path).close()
    assert pauses == [1]


def test_a_lock_file_that_was_replaced_is_locked_again(tmp_path, monkeypatch):
    path = tmp_path / "l"
    real, seen = calls.lock, []

    def lock(fd, operation):
        real(fd, operation)
        if not seen:
            path.unlink()
            path.touch()
        seen.append(fd)

    monkeypatch.setattr(calls, "lock", lock)
    with locks.hold(str(path)) as held:
        assert os.path.samestat(os.fstat(held.fd), path.stat())


def test_a_file_system_without_working_locks_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(calls, "lock", lambda fd, operation: None)
    with pytest.raises(StateError, match="locks do not work"):
        locks.hold(f"{tmp_path}/l")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_that_refuses_locks_is_said(tmp_path, monkeypatch, number):
    def lock(fd, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(calls, "lock", lock)
    with pytest.raises(StateError, match="cannot lock") as raised:
        locks.hold(f"{tmp_path}/l")
    assert "local file system" in raised.value.next_step


def test_a_missing_folder_is_an_error_with_a_next_step(tmp_path):
    with pytest.raises(StateError) as raised:
        locks.hold(f"{tmp_path}/missing/l")
    assert raised.value.next_step


def test_an_inherited_descriptor_is_taken_over(tmp_path):
    path = f"{tmp_path}/l"
    first = locks.hold(path, inheritable=True)
    second = locks.adopt(path, os.dup(first.fd))
    first.close()
    assert locks.is_held(path)
    second.close()
    assert not locks.is_held(path)


def test_a_descriptor_of_another_file_is_not_taken_over(tmp_path):
    locks.hold(f"{tmp_path}/l").close()
    other = os.open(f"{tmp_path}/other", os.O_RDWR | os.O_CREAT)
    with pytest.raises(StateError):
        locks.adopt(f"{tmp_path}/l", other)
    os.close(other)


def test_a_damaged_record_is_no_obstacle(tmp_path):
    path = tmp_path / "l"
    path.write_bytes(b"\xff pid x\npid\n\0")
    with locks.hold(str(path)):
        assert locks.holder(str(path)).pid == os.getpid()
