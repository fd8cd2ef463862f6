"""Writes the executables of the demo daemon: small scripts with a version's options baked in."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile

from cosmovisor.demo.options import Options
from cosmovisor.model.value import fields

#: The kernel cuts longer interpreter lines (Linux up to 5.0 at 127 bytes).
_SHEBANG_LIMIT = 120


def script(options: Options) -> bytes:
    """Return the executable's text; without site packages it starts in a few hundredths of a second."""
    plain = Options()
    baked = {
        name: getattr(options, name)
        for name in fields(Options)
        if getattr(options, name) != getattr(plain, name)
    }
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    interpreter = os.path.abspath(sys.executable)
    head = f"#!{interpreter} -SEs\n"
    if len(head) > _SHEBANG_LIMIT or " " in interpreter:
        head = f"#!/bin/sh\n'''exec' '{interpreter}' -SEs \"$0\" \"$@\"\n' '''\n"
    return (
        f"{head}import sys\nsys.path.insert(0, {source!r})\n"
        f"from cosmovisor.demo.daemon import run\nsys.exit(run({baked!r}, sys.argv[1:]))\n"
    ).encode()


def write(path: str, options: Options) -> str:
    """Write the executable; return its SHA-256."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    content = script(options)
    with open(path, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o755)
    return hashlib.sha256(content).hexdigest()


def archive(path: str, options: Options, inside: str = "") -> str:
    """Write a tar.gz with the executable (at `bin/<prog>`, or at `inside`); return the archive's SHA-256."""
    content = script(options)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, data, mode in (
            ("LICENSE", b"A licence.\n", 0o644),
            (inside or f"bin/{options.prog}", content, 0o755),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
