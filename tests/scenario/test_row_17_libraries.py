"""A version with a `lib/` folder gets it in front of the loader's path, and only that version."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(17)


def paths(world) -> dict[str, str]:
    return {entry["version"]: entry["library_path"] for entry in world.notes("start")}


def test_each_version_gets_its_own_libraries(world):
    world.genesis("v1")
    world.place("v2")
    world.place("v3")
    library = world.tree / "upgrades" / "v2" / "lib"
    library.mkdir()
    (library / "libwasmvm.x86_64.so").write_bytes(b"not looked at: a script needs no library")
    world.run()
    for name in ("v2", "v3"):
        world.schedule(name, blocks=6)
        world.until_blocks_of(name)
    assert paths(world) == {"v1": "", "v2": str(library), "v3": ""}


def test_the_operators_own_path_stays_behind_it(world):
    world.genesis("v1")
    (world.tree / "genesis" / "lib").mkdir()
    world.run(variables={"LD_LIBRARY_PATH": "/opt/own"})
    world.until_started("v1")
    assert paths(world)["v1"].split(":")[-1] == "/opt/own"
    assert paths(world)["v1"].startswith(str(world.tree))
