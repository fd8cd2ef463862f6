"""Warming reads the executable and its libraries, and nothing else."""

from __future__ import annotations

import ctypes
import mmap
import os

import pytest
from tests.support import binaries
from tests.support.staging_home import Home

from cosmovisor.staging import warm as warm_module
from cosmovisor.staging.warm import warm


def _resident(path: str) -> float:
    """Share of a file's pages in the cache, by mincore(2)."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        area = mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    count = -(-size // mmap.PAGESIZE)
    vector = (ctypes.c_ubyte * count)()
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    assert (
        ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), vector)
        == 0
    )
    return sum(each & 1 for each in vector) / count


def _make_cold(path: str) -> bool:
    """Drop a file's pages from the cache; False where the system does not do that."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    return _resident(path) < 0.5


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    yield found
    found.close()


def test_every_byte_of_program_and_libraries_is_read(tmp_path):
    layout = binaries.layout(tmp_path)
    version = layout.version_for("v2", True)
    binaries.place(layout.bin(version), os.urandom(3 << 20))
    binaries.place(os.path.join(layout.libraries(version), "liba.so"), os.urandom(1 << 20))
    binaries.place(os.path.join(layout.folder(version), "docs"), b"x")
    assert warm(layout, version) == 4 << 20


@pytest.mark.needs("linux")
def test_cold_pages_are_warm_afterwards(tmp_path):
    layout = binaries.layout(tmp_path)
    version = layout.version_for("v2", True)
    path = binaries.place(layout.bin(version), os.urandom(4 << 20))
    if not _make_cold(path):
        pytest.skip("this file system keeps its pages")
    warm(layout, version)
    assert _resident(path) > 0.99


@pytest.mark.needs("linux")
def test_the_look_shortly_before_the_height_makes_a_cold_binary_warm(home):
    """A cold evmosd needs two seconds more to start than a warm one."""
    info = home.info(home.serve(binaries.elf(size=4 << 20)))
    home.stage(info)
    if not _make_cold(home.path()):
        pytest.skip("this file system keeps its pages")
    home.stage(info)
    assert _resident(home.path()) < 0.5, "an ordinary look reads nothing"
    home.stage(info, recheck=True)
    assert _resident(home.path()) > 0.99


def test_the_look_shortly_before_the_height_reads_program_and_libraries(home, monkeypatch):
    warmed = []
    monkeypatch.setattr(warm_module, "warm", lambda layout, version: warmed.append(layout.bin(version)))
    info = home.info(home.serve(binaries.elf(size=5000)))
    home.stage(info)
    assert warmed == []
    home.stage(info, recheck=True)
    assert warmed == [home.path()]


def test_nothing_there_is_nothing_read(tmp_path):
    layout = binaries.layout(tmp_path)
    assert warm(layout, layout.version_for("v2", True)) == 0
