"""Does staging cost the node anything? Block times of the demo chain with and without it, in turn.

Run it: `.venv/bin/python benchmarks/block_times.py [--mib 60] [--turns 6] [--seconds 20]`. Every other turn
a staging process fetches, unpacks and proves a release of this size again and again, at the low priority that
it always has ahead of a height. Compared are the 99th percentiles of the times between two blocks.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.staging import Quiet, release  # noqa: E402
from tests.support import binaries  # noqa: E402
from tests.support.world import World  # noqa: E402

from cosmovisor.staging.platforms import this_platform  # noqa: E402

INTERVAL = 0.25
#: The chain signs three times for each block; the last one decides it.
STEP = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=60, help="size of the archive")
    parser.add_argument("--turns", type=int, default=6, help="turns of each kind")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-blocks-") as folder:
        print(json.dumps(measure(pathlib.Path(folder), options), indent=1))


def measure(folder: pathlib.Path, options: argparse.Namespace) -> dict[str, object]:
    """Return the figures."""
    archive, digest = release(folder, options.mib)
    handler = functools.partial(Quiet, directory=str(folder))
    times: dict[bool, list[float]] = {False: [], True: []}
    staged = 0
    world = World(folder / "world", block_interval=INTERVAL)
    world.root.mkdir()
    try:
        world.genesis()
        node = world.node_alone()
        world.until_height(3)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_address[1]}/{archive.name}?checksum=sha256:{digest}"
            for turn in range(2 * options.turns):
                busy = turn % 2 == 1
                begin = time.time()
                end = begin + options.seconds
                while time.time() < end:
                    if busy:
                        stage(folder / "home", url)
                        staged += 1
                    else:
                        time.sleep(0.2)
                if node.poll() is not None:
                    raise SystemExit("the chain has ended by itself")
                times[busy] += intervals(world, begin, end)
            server.shutdown()
    finally:
        world.close()
    plain, with_staging = percentile(times[False]), percentile(times[True])
    return {
        "blocks": {"without": len(times[False]), "with": len(times[True])},
        "staged": staged,
        "p99_seconds": {"without": round(plain, 3), "with": round(with_staging, 3)},
        "ratio": round(with_staging / plain, 2),
    }


def stage(home: pathlib.Path, url: str) -> None:
    """One staging process in a fresh home, as the scout starts it."""
    shutil.rmtree(home, ignore_errors=True)
    binaries.place(str(home / "cosmovisor" / "genesis" / "bin" / "testd"), binaries.elf())
    order = {"name": "v2", "height": 10, "info": json.dumps({"binaries": {this_platform().key: url}})}
    own = {"DAEMON_HOME": str(home), "DAEMON_NAME": "testd", "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true"}
    subprocess.run(
        [sys.executable, "-m", "cosmovisor", "prepare-upgrade", "--supervised"],
        input=json.dumps(order).encode(),
        stdout=subprocess.DEVNULL,
        env={**os.environ, **own},
        check=True,
    )


def intervals(world: World, begin: float, end: float) -> list[float]:
    """Times between two blocks of a turn, from the chain's own ledger."""
    moments = [
        entry["at"] for entry in world.notes("sign") if entry["step"] == STEP and begin <= entry["at"] <= end
    ]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def percentile(found: list[float]) -> float:
    """The 99th percentile."""
    ordered = sorted(found)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


if __name__ == "__main__":
    main()
