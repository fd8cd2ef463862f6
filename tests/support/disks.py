"""File systems on loop devices: made, mounted, recorded, cut and looked at again. Linux, root."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

_SET_FD, _CLR_FD, _GET_FREE = 0x4C00, 0x4C01, 0x4C82
_BLOCK = 4096
_DETACH = 2

#: How each file system is made, and how large it must be (MiB).
MAKE: dict[str, tuple[list[str], int]] = {
    "ext4": (["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"], 32),
    "xfs": (["mkfs.xfs", "-q", "-f"], 320),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], 128),
}
#: ext4 commits by itself after this many seconds; none of them may help.
OPTIONS = {"ext4": "commit=300", "xfs": "", "btrfs": "commit=300"}

Write = tuple[int, bytes]
T = TypeVar("T")


def missing(kind: str) -> str:
    """Why a file system cannot be tried on this machine, or an empty text."""
    tool = MAKE[kind][0][0]
    if os.geteuid() != 0:
        return "not root"
    if not shutil.which(tool):
        return f"{tool} is not installed"
    with open("/proc/filesystems", encoding="ascii") as file:
        if kind not in file.read().split():
            return f"the kernel has no {kind}"
    return (
        ""
        if os.path.exists("/dev/fuse") and os.path.exists("/dev/loop-control")
        else "no /dev/fuse or /dev/loop"
    )


@contextlib.contextmanager
def loop(path: str) -> Iterator[str]:
    """A loop device over a file."""
    control = os.open("/dev/loop-control", os.O_RDWR)
    backing = os.open(path, os.O_RDWR)
    try:
        for _ in range(200):
            device = f"/dev/loop{fcntl.ioctl(control, _GET_FREE)}"
            fd = os.open(device, os.O_RDWR)
            try:
                fcntl.ioctl(fd, _SET_FD, backing)
                break
            except OSError as error:  # another test took it at the same moment
                os.close(fd)
                if error.errno != errno.EBUSY:
                    raise
                time.sleep(0.01)
        else:
            raise OSError(errno.EBUSY, "no free loop device")
        try:
            yield device
        finally:
            fcntl.ioctl(fd, _CLR_FD)
            os.close(fd)
    finally:
        os.close(backing)
        os.close(control)


@contextlib.contextmanager
def mounted(
    device: str, place: Path, kind: str, *, read_only: bool = False, options: str = ""
) -> Iterator[Path]:
    """A mounted file system.

    Raises:
        OSError: The kernel refuses to mount it.
    """
    flags = 1 if read_only else 0
    _check(_libc().mount(device.encode(), os.fsencode(place), kind.encode(), flags, options.encode()), device)
    try:
        yield place
    finally:
        for attempt in range(100):
            if _libc().umount2(os.fsencode(place), 0) == 0:
                break
            if ctypes.get_errno() != errno.EBUSY or attempt == 99:
                _check(-1, str(place))
            time.sleep(0.02)


def apart(work: Callable[[], T]) -> T:
    """Do something where no other process sees our mounts.

    A program that is started elsewhere in a mount namespace of its own would take copies of them along, and keep a
    file system busy that we have unmounted. Namespaces belong to threads, so this takes a thread.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            new_namespace, recursive_private = 0x20000, (1 << 14) | (1 << 18)
            _check(_libc().unshare(new_namespace), "unshare")
            _check(_libc().mount(b"none", b"/", None, recursive_private, None), "/")
            results.append(work())
        except BaseException as error:  # raised again below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


class Disk:
    """A file system whose writes were recorded while something ran on it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.kind = folder, kind
        self.base: list[Write] = []
        self.size = MAKE[kind][1] << 20
        self.entries: list[Write | None] = []  # None: a flush
        self.marks: list[int] = []

    def record(self, seed: Callable[[Path], None], run: Callable[[Path, Callable[[], None]], None]) -> None:
        """Make the file system, seed it, and record what `run` writes.

        Args:
            seed: Fills the empty file system.
            run: Works on the mounted file system; calls its second argument after each step that returned.
        """
        image, log, place = (self.folder / name for name in ("disk.img", "log", "recorded"))
        point = self.folder / "mnt"
        point.mkdir()
        with image.open("wb") as file:
            file.truncate(self.size)
        subprocess.run([*MAKE[self.kind][0], str(image)], check=True, capture_output=True)
        with loop(str(image)) as device, mounted(device, point, self.kind, options=OPTIONS[self.kind]):
            seed(point)
            os.sync()
        self.base = _extents(image)
        place.touch()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.block_recorder", str(image), str(log), str(place)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"ready\n"
            with loop(str(place)) as device, mounted(device, point, self.kind, options=OPTIONS[self.kind]):
                ends: list[int] = []
                ends.append(log.stat().st_size)
                run(point, lambda: ends.append(log.stat().st_size))
                content = log.read_bytes()  # the power goes here: what unmounting writes does not count
        finally:
            _libc().umount2(os.fsencode(place), _DETACH)
            server.wait(30)
        self._parse(content, ends)

    def done(self, length: int) -> int:
        """How many steps had returned when so many entries were written."""
        return sum(mark <= length for mark in self.marks) - 1

    def cuts(self, dice: random.Random, subsets: int) -> Iterator[tuple[int, Sequence[Write]]]:
        """Every prefix of the log from the first step on, then for each some random parts of what was not flushed."""
        first = self.marks[0]
        for length in range(first, len(self.entries) + 1):
            whole = [entry for entry in self.entries[:length] if entry is not None]
            yield length, whole
            flush = max((at for at in range(length) if self.entries[at] is None), default=-1)
            loose = [entry for entry in self.entries[flush + 1 : length] if entry is not None]
            kept = [entry for entry in self.entries[: flush + 1] if entry is not None]
            if len(loose) < 2:
                continue
            for _ in range(subsets):
                chosen = [_torn(dice, entry) for entry in loose if dice.random() < 0.5]
                dice.shuffle(chosen)
                yield length, [*kept, *chosen]

    def look(self, writes: Sequence[Write], judge: Callable[[Path], str]) -> str:
        """Build the disk that a cut leaves, mount it as the next start would, and judge it."""
        image = self.folder / "cut.img"
        image.unlink(missing_ok=True)
        fd = os.open(image, os.O_RDWR | os.O_CREAT)
        try:
            os.ftruncate(fd, self.size)
            for offset, data in [*self.base, *writes]:
                os.pwrite(fd, data, offset)
        finally:
            os.close(fd)
        with loop(str(image)) as device:
            try:
                with mounted(device, self.folder / "mnt", self.kind, read_only=True) as place:
                    return judge(place)
            except OSError as error:
                return f"cannot be mounted or read: {error}"

    def _parse(self, content: bytes, ends: list[int]) -> None:
        place = 0
        self.entries, self.marks = [], []
        waiting = list(ends)
        while True:
            while waiting and place >= waiting[0]:
                self.marks.append(len(self.entries))
                waiting.pop(0)
            if place + 16 > len(content):
                break
            offset, length = struct.unpack_from("<QQ", content, place)
            place += 16
            self.entries.append((offset, content[place : place + length]) if length else None)
            place += length


def _torn(dice: random.Random, entry: Write) -> Write:
    """Now and then only the first sectors of a write reach the disk.

    A sector has 4096 bytes: a disk that tears smaller ones makes btrfs itself unmountable (its superblock).
    """
    offset, data = entry
    if len(data) > _BLOCK and dice.random() < 0.1:
        return offset, data[: _BLOCK * dice.randrange(1, len(data) // _BLOCK + 1)]
    return entry


def _extents(image: Path) -> list[Write]:
    """The parts of a sparse image that are not zero."""
    found: list[Write] = []
    zero = bytes(_BLOCK)
    with image.open("rb") as file:
        offset = 0
        while True:
            try:
                offset = os.lseek(file.fileno(), offset, os.SEEK_DATA)
            except OSError:
                return found
            end = os.lseek(file.fileno(), offset, os.SEEK_HOLE)
            while offset < end:
                data = os.pread(file.fileno(), _BLOCK, offset)
                if data != zero[: len(data)]:
                    if found and found[-1][0] + len(found[-1][1]) == offset and len(found[-1][1]) < 1 << 20:
                        found[-1] = (found[-1][0], found[-1][1] + data)
                    else:
                        found.append((offset, data))
                offset += len(data)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
