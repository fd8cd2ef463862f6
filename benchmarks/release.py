"""A release of 120 MB behind a local server, and its staging by our process and by the usual programs."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import random
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Mapping

SIZE = 120 << 20
NAME = "demod"


def pack(work: str, program: str) -> tuple[str, str]:
    """Pack a program that is padded to the size of a real daemon; return the archive and its SHA-256."""
    padded = os.path.join(work, NAME)
    shutil.copyfile(program, padded)
    dice = random.Random(1)
    with open(padded, "ab") as file:
        # Half of it compresses, as a daemon does.
        while file.tell() < SIZE:
            file.write(dice.randbytes(1 << 19) + bytes(1 << 19))
    archive = os.path.join(work, "release.tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(padded, f"bin/{NAME}", filter=_executable)
    os.unlink(padded)
    with open(archive, "rb") as file:
        return archive, hashlib.file_digest(file, "sha256").hexdigest()


def _executable(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode = 0o755
    return member


class Server:
    """Serves the archive on the loopback address."""

    def __init__(self, archive: str) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._head()

            def do_GET(self) -> None:
                self._head()
                with open(archive, "rb") as file:
                    self.connection.sendfile(file)

            def _head(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(os.path.getsize(archive)))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/release.tar.gz"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self.http.shutdown()
        self.http.server_close()


def stage(program: str, environ: Mapping[str, str], plan: str, url: str, digest: str) -> tuple[float, float]:
    """Stage a plan as the supervisor has it done; return the seconds and the peak memory in MiB.

    Raises:
        RuntimeError: It was not staged.
    """
    info = json.dumps({"binaries": {"any": f"{url}?checksum=sha256:{digest}"}})
    order = {"name": plan, "height": 1000, "info": info, "urgent": False, "execute": False}
    began = time.monotonic()
    with subprocess.Popen(
        [program, "prepare-upgrade", "--supervised"],
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.close()
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"staging failed: {answer.decode(errors='replace')[-500:]}")
    return time.monotonic() - began, usage.ru_maxrss / 1024


def by_hand(folder: str, url: str, digest: str) -> float:
    """Do the same with `curl`, `sha256sum` and `tar`; return the seconds."""
    os.makedirs(folder)
    began = time.monotonic()
    check = f"echo {digest}  release.tar.gz | sha256sum --check --quiet"
    line = (
        f"set -e; curl -sSfO {url}; {check}; tar xzf release.tar.gz; sha256sum bin/{NAME} >digest; sync -f ."
    )
    subprocess.run(["sh", "-c", line], cwd=folder, check=True)
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took
