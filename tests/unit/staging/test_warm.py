"""Warming reads the executable and its libraries, and nothing else."""

from __future__ import annotations

import ctypes
import mmap
import os

import pytest
from tests.support import binaries

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
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)
    if _resident(path) > 0.5:
        pytest.skip("this file system keeps its pages")
    warm(layout, version)
    assert _resident(path) > 0.99


def test_nothing_there_is_nothing_read(tmp_path):
    layout = binaries.layout(tmp_path)
    assert warm(layout, layout.version_for("v2", True)) == 0
