"""Staging a large release, side by side with curl, sha256sum and tar on the same file from the same server.

Run it: `.venv/bin/python benchmarks/staging.py [--mib 120] [--rounds 5]`. Both sides fetch a tar.gz over
loopback http, check its sha256, unpack it and flush it to the disk (`sync -f` on the side of the tools, since
what is staged is durable when it appears); the rounds take turns. Ours is asked urgently: at ordinary
priority, as the tools are, and without the probes, which the tools do not have. The kernel measures the
process's largest memory.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.server
import io
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support import binaries  # noqa: E402

from cosmovisor.staging.platforms import this_platform  # noqa: E402


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=120, help="size of the archive")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-staging-") as folder:
        print(json.dumps(measure(pathlib.Path(folder), options.mib, options.rounds), indent=1))


def measure(folder: pathlib.Path, mib: int, rounds: int) -> dict[str, object]:
    """Return the figures."""
    archive, digest = release(folder, mib)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{archive.name}"
        tools, ours, peaks = [], [], []
        for number in range(rounds):
            tools.append(by_tools(folder / f"tools{number}", url, digest))
            seconds, peak = by_us(folder / f"home{number}", url, digest)
            ours.append(seconds)
            peaks.append(peak)
        server.shutdown()
    return {
        "archive_mib": round(archive.stat().st_size / 2**20, 1),
        "rounds": rounds,
        "tools_seconds": round(statistics.median(tools), 2),
        "ours_seconds": round(statistics.median(ours), 2),
        "ratio": round(statistics.median(ours) / statistics.median(tools), 2),
        "peak_memory_mib": round(max(peaks), 1),
    }


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def release(folder: pathlib.Path, mib: int) -> tuple[pathlib.Path, str]:
    """Make a tar.gz of about this size, whose content packs as Go programs do (about 3 to 1)."""
    program = binaries.elf(size=4096)
    source = pathlib.Path(sys.executable).resolve().read_bytes()
    noise = os.urandom(1 << 20)
    body = bytearray(program)
    seed = 0
    while len(body) < mib * 2**20 * 1.5:
        body += source[: 1 << 20] + noise[seed % 7 : (1 << 19)] + bytes(1 << 18)
        seed += 1
        noise = hashlib.sha512(noise[:64]).digest() + noise[64:]
    path = folder / "release.tar.gz"
    out = binaries.elf(size=len(body))[:4096] + bytes(body[4096:])
    with tarfile.open(path, "w:gz", compresslevel=6) as archive:
        info = tarfile.TarInfo("bin/testd")
        info.size, info.mode = len(out), 0o755
        archive.addfile(info, io.BytesIO(out))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def by_tools(folder: pathlib.Path, url: str, digest: str) -> float:
    """curl, sha256sum, tar, sync: what a careful person types."""
    folder.mkdir()
    started = time.perf_counter()
    script = (
        f"set -e; curl -sSf -o a.tar.gz {url}; echo '{digest}  a.tar.gz' | sha256sum -c --quiet; "
        "tar -xzf a.tar.gz; sync -f ."
    )
    subprocess.run(["/bin/sh", "-c", script], cwd=folder, check=True)
    return time.perf_counter() - started


def by_us(home: pathlib.Path, url: str, digest: str) -> tuple[float, float]:
    """One staging process, as the supervisor starts it; seconds and largest memory in MiB."""
    (home / "cosmovisor" / "genesis" / "bin").mkdir(parents=True)
    binaries.place(str(home / "cosmovisor" / "genesis" / "bin" / "testd"), binaries.elf())
    info = json.dumps({"binaries": {this_platform().key: f"{url}?checksum=sha256:{digest}"}})
    order = {"name": "v2", "height": 10, "info": info, "execute": True, "urgent": True}
    env = {
        **os.environ,
        "DAEMON_HOME": str(home),
        "DAEMON_NAME": "testd",
        "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
    }
    started = time.perf_counter()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(read_end, 0)
        os.close(write_end)
        with open(os.devnull, "w") as sink:
            os.dup2(sink.fileno(), 1)
        command = [sys.executable, "-m", "cosmovisor", "prepare-upgrade", "--supervised"]
        os.execve(sys.executable, command, env)
    os.close(read_end)
    os.write(write_end, json.dumps(order).encode())
    os.close(write_end)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("staging failed")
    return seconds, usage.ru_maxrss / 1024


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
