"""Small ELF files and homes for tests of staging; made here, byte by byte, so that no compiler is needed."""

from __future__ import annotations

import os
import struct

from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings

AMD64, ARM64, I386 = 62, 183, 3
LOCAL = {"x86_64": AMD64, "aarch64": ARM64}.get(os.uname().machine, AMD64)
FOREIGN = ARM64 if LOCAL == AMD64 else AMD64
#: exit(0) for the two processors that the tests run on.
_EXIT = {
    AMD64: bytes.fromhex("b83c00000031ff0f05"),
    ARM64: bytes.fromhex("a80b8052000080d2010000d4"),
}
_START = 0x400000


def elf(machine: int = LOCAL, *, interpreter: str = "", needed: tuple[str, ...] = (), size: int = 0) -> bytes:
    """Make a 64-bit program that exits with 0; `size` pads its segment."""
    count = 1 + bool(interpreter) + bool(needed)
    code_at = 64 + 56 * count
    body = _EXIT.get(machine, b"\0" * 16)
    interp_at = code_at + len(body)
    body += os.fsencode(interpreter) + b"\0" if interpreter else b""
    body += b"\0" * (-(code_at + len(body)) % 8)
    dynamic_at, strings = code_at + len(body), b"\0"
    tags = []
    for name in needed:
        tags.append((1, len(strings)))
        strings += name.encode() + b"\0"
    if needed:
        strings_at = dynamic_at + 16 * (len(tags) + 3)
        tags += [(5, _START + strings_at), (10, len(strings)), (0, 0)]
        body += b"".join(struct.pack("<qQ", *tag) for tag in tags) + strings
    total = max(code_at + len(body), size)
    headers = struct.pack("<IIQQQQQQ", 1, 5, 0, _START, _START, total, total, 0x1000)
    if interpreter:
        length = len(interpreter) + 1
        at = _START + interp_at
        headers += struct.pack("<IIQQQQQQ", 3, 4, interp_at, at, at, length, length, 1)
    if needed:
        length = 16 * len(tags)
        at = _START + dynamic_at
        headers += struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, at, at, length, length, 8)
    head = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _START + code_at, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return (head + headers + body).ljust(total, b"\0")


def settings(home: object, **changes: object) -> Settings:
    """Settings of a home for the daemon `testd`."""
    given = {"daemon_home": str(home), "daemon_name": "testd", "cosmovisor_download_timeout": 20.0}
    return Settings(**{**given, **changes})


def layout(home: object) -> Layout:
    """The folder tree of a home for the daemon `testd`."""
    return Layout(str(home), "testd")


def place(path: str, data: bytes, mode: int = 0o755) -> str:
    """Put a file somewhere, with its folders."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path
