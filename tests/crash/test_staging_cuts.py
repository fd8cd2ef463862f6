"""Staging is killed at each of its durable calls: what is visible is whole, and the next run finishes."""

from __future__ import annotations

import os
import signal

import pytest
from tests.support import binaries
from tests.support.recorder import recording
from tests.support.staging_home import PROGRAM, Home, tar, zipped

from cosmovisor.model.plan import Plan
from cosmovisor.model.receipts import StagedBinary
from cosmovisor.staging import ready

OLD = binaries.elf(size=3000)
LIBRARY = binaries.elf(size=2000)
CASES = {
    "raw": PROGRAM,
    "tar.gz with a library": tar(("LICENSE", b"l"), ("testd", PROGRAM), ("libwasmvm.so", LIBRARY)),
    "zip one folder down": zipped(("x/bin/testd", PROGRAM), ("x/README", b"r")),
    "into a folder that the operator has made": tar(("testd", PROGRAM), ("libwasmvm.so", LIBRARY)),
    "in place of what an earlier plan named": tar(("testd", PROGRAM), ("libwasmvm.so", LIBRARY)),
}


#: Cases whose folder carries a library that must be there before the binary.
LIBRARIES = {
    "tar.gz with a library",
    "into a folder that the operator has made",
    "in place of what an earlier plan named",
}
#: The order of calls differs in these two only; the others are sampled.
EVERY = {"tar.gz with a library", "in place of what an earlier plan named"}


def killed_at(home: Home, info: str, index: int | None) -> int:
    """Stage in a child that is killed before call number `index`; returns how many calls it made, or -1."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with recording() as recorder:

                def before(number, _name, _arguments):
                    if number == index:
                        os.kill(os.getpid(), signal.SIGKILL)

                recorder.before = before
                home.stage(info)
                os.write(write_end, str(len(recorder.made)).encode())
                code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    _, status = os.waitpid(pid, 0)
    said = os.read(read_end, 100)
    os.close(read_end)
    assert index is None or os.WIFSIGNALED(status) or said, "the child failed by itself"
    return int(said) if said else -1


def whole(home: Home, library: bool) -> bool:
    """Whether the binary is there; what is there must be complete, and not without its library."""
    if not os.path.exists(home.path()):
        return False
    with open(home.path(), "rb") as file:
        data = file.read()
    assert data in (PROGRAM, OLD), "a part of a binary is visible"
    assert os.access(home.path(), os.X_OK)
    if data == PROGRAM and library:
        with open(os.path.join(os.path.dirname(home.path()), "..", "lib", "libwasmvm.so"), "rb") as file:
            assert file.read() == LIBRARY, "the binary is visible without its library"
    return data == PROGRAM


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_kill_at_any_durable_call_leaves_old_or_new_and_the_next_run_finishes(tmp_path, case):
    index, total = 0, None
    while total is None or index < total:
        folder = tmp_path / str(index)
        folder.mkdir()
        home = Home(folder)
        if "operator" in case:
            binaries.place(os.path.join(os.path.dirname(home.path()), "..", "notes.txt"), b"mine", 0o644)
        if "earlier" in case:
            home.stage(home.info(home.serve(OLD, "/old")))
        info = home.info(home.serve(CASES[case]))
        made = killed_at(home, info, index)
        if made >= 0:
            total = made
        there = whole(home, case in LIBRARIES)
        home.stage(info)
        assert whole(home, case in LIBRARIES)
        assert isinstance(ready.check(home.settings, home.layout, Plan("v2", 10, info)), StagedBinary)
        left = [name for name in os.listdir(home.layout.staging) if name.endswith(".partial")]
        assert not left, f"cut {index}: {left}"
        if "operator" in case:
            assert os.path.exists(os.path.join(os.path.dirname(home.path()), "..", "notes.txt"))
        assert made < 0 or there
        home.close()
        index += 1 if case in EVERY else 4
    assert index > 15, "the seam saw too few calls to be believed"


def test_the_check_notices_a_part_of_a_binary(tmp_path):
    home = Home(tmp_path)
    binaries.place(home.path(), PROGRAM[:100])
    with pytest.raises(AssertionError, match="a part of a binary"):
        whole(home, library=False)
    home.close()
