"""A backup costs what the file system makes it cost, and an upgrade without room for it is no surprise."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.complaint(9)


def test_large_tables_are_shared_and_not_copied_where_the_file_system_can(world):
    """An hour for 500 GB is a matter of copying: what is immutable is linked or cloned instead."""
    world.genesis("v1")
    world.place("v2")
    world.init()
    table = world.data / "application.db" / "000001.ldb"
    table.parent.mkdir(exist_ok=True)
    with table.open("wb") as file:
        file.truncate(2 << 30)
    world.run()
    world.schedule("v2", blocks=10)
    world.until_blocks_of("v2")
    (backup,) = [path for path in world.home.iterdir() if path.name.startswith("data-backup-")]
    (copy,) = backup.rglob("000001.ldb")
    halt, start = world.notes("halt")[0]["at"], world.notes("start")[-1]["at"]
    assert copy.stat().st_size == 2 << 30
    assert start - halt < 30
    world.verify()
