"""The plan file is read while the chain writes it; garbage in it harms nobody."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.complaint(23)


def test_a_file_written_in_two_pieces_is_read_when_it_is_complete(world):
    world.genesis("v1", plan_write="slow")
    world.place("v2")
    world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


@pytest.mark.parametrize(
    "garbage", [b"", b"{", b"[]", b'{"name":7}', b"\x00" * 100, b'{"name":"v2","height":"x"}', b"[" * 100_000]
)
def test_garbage_in_the_file_harms_nobody(world, garbage):
    world.genesis("v1")
    world.place("v2")
    world.run()
    world.until_height(2)
    world.plan_file.write_bytes(garbage)
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    world.verify()


def test_the_data_folder_is_replaced_by_a_link_while_the_node_runs(world):
    world.genesis("v1")
    world.place("v2")
    world.run()
    world.until_height(2)
    moved = world.root / "elsewhere"
    world.data.rename(moved)
    os.symlink(moved, world.data)
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
