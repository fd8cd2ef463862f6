"""Row 26: a container has a read-only image and one volume; nothing is lost when it is made anew."""

from __future__ import annotations

import os

import pytest
from tests.support.world import World

pytestmark = pytest.mark.complaint(26)

#: Everything is read-only but the volumes, also what is mounted below `/`.
_IMAGE = """
set -e
for volume in "$VOLUME" "$LEDGER"; do mount --bind "$volume" "$volume"; done
while read -r _ place kind _; do
    case "$place" in "$VOLUME"|"$LEDGER"|/proc|/proc/*|/dev|/dev/pts) continue;; esac
    mount -o remount,bind,ro "$(printf '%b' "$place")" 2>/dev/null || true
done < /proc/self/mounts
if touch "$OUTSIDE" 2>/dev/null; then exit 99; fi
exec "$@"
"""


@pytest.fixture
def container(world: World):
    """Start a supervisor as the first process of a container with this world's home as its volume."""
    ledger = world.root / "ledger-of-the-test"
    ledger.mkdir()
    world.ledger_path = str(ledger / "ledger")
    world.home.mkdir(parents=True, exist_ok=True)
    world.variables |= {
        "VOLUME": os.path.realpath(world.home),
        "LEDGER": os.path.realpath(ledger),
        "OUTSIDE": str(world.root / "outside"),
    }
    unshare = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]

    def start():
        return world.run(prefix=[*unshare, "sh", "-c", _IMAGE, "image"])

    return start


def inner(pid: int) -> int:
    """Return the first process inside the container."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return int(file.read().split()[0])


@pytest.mark.needs("read-only root")
def test_a_read_only_image_is_upgraded_and_a_new_container_goes_on_with_the_volume(world, container):
    world.genesis("v1", leash=0)  # our process cannot be seen from inside
    first = container()
    world.until_height(2)
    world.place("v2", handlers=("v2",), leash=0)
    world.schedule("v2")
    world.until_blocks_of("v2")
    os.kill(inner(first.pid), 15)
    assert first.wait() == 0
    assert not (world.root / "outside").exists()

    # The container is thrown away; the next one has the same image and the same volume.
    before = world.blocks_of("v2")
    second = container()
    world.until_blocks_of("v2", before + 2)
    assert world.started() == ["v1", "v2", "v2"]
    assert world.current() == "upgrades/v2"
    os.kill(inner(second.pid), 15)
    assert second.wait() == 0
    world.verify()
