"""A disk that writes down everything: one file in user space (FUSE), to be used through a loop device.

Run as a program: `python -m tests.support.block_recorder IMAGE LOG PLACE`. PLACE, an existing empty file, becomes
the disk: it reads from IMAGE and writes to it, and each write and each flush is appended to LOG before it is
answered, so that what a program was promised is always in the log. Ends when PLACE is unmounted.

Log entries: `<QQ` offset and length, then the data; a flush has length 0.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import sys

_MAX_WRITE = 1 << 20
_IN_HEADER = struct.Struct("<IIQQIIII")
_OUT_HEADER = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<QII QQQQQQ IIIIIIIIII")
_INIT_OUT = struct.Struct("<IIIIHHIIHHI28x")

_FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _RELEASE, _FSYNC = 2, 3, 4, 14, 15, 16, 18, 20
_FLUSH, _INIT, _INTERRUPT, _DESTROY, _BATCH_FORGET = 25, 26, 36, 38, 42
_BIG_WRITES, _MAX_PAGES = 1 << 5, 1 << 22


class Recorder:
    """Answers the kernel for one file."""

    def __init__(self, image: str, log: str) -> None:
        self.image = os.open(image, os.O_RDWR)
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = os.fstat(self.image).st_size

    def serve(self, device: int) -> None:
        """Answer until the file system is unmounted."""
        while True:
            try:
                request = os.read(device, _MAX_WRITE + 4096)
            except OSError as error:
                if error.errno in {errno.ENODEV, errno.EBADF}:
                    return
                if error.errno in {errno.ENOENT, errno.EINTR, errno.EAGAIN}:
                    continue
                raise
            _, operation, number, *_ = _IN_HEADER.unpack_from(request)
            if operation in {_FORGET, _INTERRUPT, _BATCH_FORGET}:
                continue
            try:
                code, answer = 0, self.answer(operation, memoryview(request)[_IN_HEADER.size :])
            except OSError as error:
                code, answer = -(error.errno or errno.EIO), b""
            with contextlib.suppress(FileNotFoundError):  # who asked was interrupted and waits no more
                os.write(device, _OUT_HEADER.pack(_OUT_HEADER.size + len(answer), code, number) + answer)
            if operation == _DESTROY:
                return

    def answer(self, operation: int, body: memoryview) -> bytes:
        if operation == _INIT:
            _, _, readahead, flags = struct.unpack_from("<IIII", body)
            offered = flags & (_BIG_WRITES | _MAX_PAGES)
            return _INIT_OUT.pack(7, 31, readahead, offered, 16, 12, _MAX_WRITE, 1, _MAX_WRITE // 4096, 0, 0)
        if operation in {_GETATTR, _SETATTR}:
            return self._attributes()
        if operation == _OPEN:
            return struct.pack("<QII", 1, 0, 0)
        if operation == _READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return os.pread(self.image, size, offset)
        if operation == _WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            data = bytes(body[40 : 40 + size])
            os.pwrite(self.image, data, offset)
            os.write(self.log, struct.pack("<QQ", offset, size) + data)
            return struct.pack("<II", size, 0)
        if operation == _FSYNC:
            os.write(self.log, struct.pack("<QQ", 0, 0))
            return b""
        if operation in {_RELEASE, _FLUSH, _DESTROY}:
            return b""
        raise OSError(errno.ENOSYS, "not needed for one file")

    def _attributes(self) -> bytes:
        mode = stat.S_IFREG | 0o600
        times = (0, 0, 0)
        attributes = (1, self.size, self.size // 512, *times, *times, mode, 1, 0, 0, 0, 4096, 0)
        return _ATTRIBUTES.pack(3600, 0, 0, *attributes)


def main() -> int:
    image, log, place = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    options = f"fd={device},rootmode=100600,user_id=0,group_id=0,allow_other,max_read={_MAX_WRITE}"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"block-recorder", os.fsencode(place), b"fuse", 6, options.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), place)
    recorder = Recorder(image, log)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    recorder.serve(device)
    return 0


if __name__ == "__main__":
    sys.exit(main())
