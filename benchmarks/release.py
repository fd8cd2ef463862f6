"""A release of 120 MB behind a local server, and its staging by our process and by the usual programs."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zlib
from collections.abc import Mapping

NAME = "demod"
MIB = 1 << 20


def pack(work: str, program: str, mib: int) -> tuple[str, str]:
    """Pack a program into a tar.gz of about this size; return the archive and its SHA-256.

    The program is padded with the machine's own program code and with noise, so that it packs as daemons do
    (about 2 to 1), piece after piece until the archive is large enough.

    Args:
        work: Folder for it.
        program: An executable.
        mib: Size of the archive.
    """
    with open(os.path.realpath(sys.executable), "rb") as file:
        code = file.read(4 * MIB)
    dice = random.Random(1)
    piece = zlib.compressobj(1)
    packed = len(piece.compress(code) + piece.compress(dice.randbytes(2 * MIB)) + piece.flush())
    pieces = max(1, round(mib * MIB / packed))
    padded = os.path.join(work, NAME)
    shutil.copyfile(program, padded)
    with open(padded, "ab") as file:
        file.writelines(code + dice.randbytes(2 * MIB) for _ in range(pieces))
    archive = os.path.join(work, f"release-{mib}.tar.gz")
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


def stage(
    program: str, environ: Mapping[str, str], plan: str, url: str, digest: str, *, urgent: bool = False
) -> tuple[float, float]:
    """Stage a scheduled plan as the supervisor has it done; return the seconds and the peak memory in MiB.

    Args:
        program: Our command.
        environ: Its environment.
        plan: Name of the plan.
        url: Where the archive is.
        digest: Its SHA-256.
        urgent: At ordinary priority, as at a height; else at the low one that it has ahead.

    Raises:
        RuntimeError: It was not staged.
    """
    info = json.dumps({"binaries": {"any": f"{url}?checksum=sha256:{digest}"}})
    order = {"name": plan, "height": 1000, "info": info, "urgent": urgent, "execute": True}
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
    """Do the same with `curl`, `sha256sum` and `tar`, and flush what they wrote; return the seconds."""
    os.makedirs(folder)
    began = time.monotonic()
    check = f"echo {digest}  release.tar.gz | sha256sum --check --quiet"
    line = f"set -e; curl -sSf -o release.tar.gz {url}; {check}; tar xzf release.tar.gz; sync bin/{NAME} bin"
    subprocess.run(["sh", "-c", line], cwd=folder, check=True)
    took = time.monotonic() - began
    shutil.rmtree(folder)
    return took
