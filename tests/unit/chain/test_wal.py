"""The write-ahead log gives a height that was saved, or an older one, or none: never a wrong one."""

from __future__ import annotations

import os
import pathlib
import shutil
import time

import pytest
from tests.support.wal_bytes import block, body, end_height, field, noise, record, varint

from cosmovisor.chain import wal
from cosmovisor.chain.crc32c import crc32c
from cosmovisor.chain.wal import EndHeight

DATA = pathlib.Path(__file__).parents[2] / "data" / "cs-wal"
NOW = 1_800_000_000.0


def log(folder: pathlib.Path, **files: bytes) -> str:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("wal_", "wal.")).write_bytes(data)
    return str(folder)


def last(folder: str) -> int | None:
    found = wal.last_end_height(folder)
    return found and found.height


def captured(tmp_path: pathlib.Path, name: str) -> str:
    shutil.copyfile(DATA / name, tmp_path / "wal")
    return str(tmp_path)


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283


def test_a_torn_file_of_a_real_validator_gives_its_last_whole_record(tmp_path):
    found = wal.last_end_height(captured(tmp_path, "node-a-torn.wal"))
    assert found is not None
    assert (found.height, found.complete) == (25, True)
    assert 1_795_000_000 < found.time < 1_797_000_000


def test_a_real_node_that_was_in_block_sync_between_gives_the_record_after_the_gap(tmp_path):
    folder = captured(tmp_path, "node-b.wal")
    assert last(folder) == 554
    assert wal.time_of(folder, 424) is not None
    assert wal.time_of(folder, 500) is None


@pytest.mark.parametrize("name", ["node-a-torn.wal", "node-b.wal"])
def test_every_cut_of_a_real_file_gives_the_last_record_before_the_cut(tmp_path, name):
    data = (DATA / name).read_bytes()
    for cut in range(0, len(data), 997):
        expected = None
        place = 0
        while place + 8 <= cut:
            length = int.from_bytes(data[place + 4 : place + 8], "big")
            if place + 8 + length > cut:
                break
            record_body = data[place + 8 : place + 8 + length]
            if length < 25 and b"\x22" in record_body[14:17]:
                expected = record_body
            place += 8 + length
        found = wal.last_end_height(log(tmp_path, wal=data[:cut]))
        if expected is None:
            assert found is None
        else:
            marker = record(expected)
            assert found is not None
            assert end_height(found.height)[-2:] == marker[-2:] or found.height == 0
            assert found.complete


def test_a_missing_folder_an_empty_one_and_an_empty_file_give_nothing(tmp_path):
    assert wal.last_end_height(str(tmp_path / "none")) is None
    assert wal.last_end_height(str(tmp_path)) is None
    assert wal.last_end_height(log(tmp_path, wal=b"")) is None


def test_the_first_record_of_a_new_file_is_height_zero(tmp_path):
    assert wal.last_end_height(log(tmp_path, wal=end_height(0))) == EndHeight(0, NOW + 0.25)


def test_after_a_rotation_the_newest_numbered_file_is_read(tmp_path):
    folder = log(
        tmp_path,
        wal=noise() * 3,
        wal_009=block(8),
        wal_010=block(9),
        wal_1000=block(10),
        wal_CORRUPTED=block(99),
    )
    assert last(folder) == 10


def test_a_torn_rotated_file_below_a_fresh_head_is_no_obstacle(tmp_path):
    assert last(log(tmp_path, wal=block(12), wal_000=block(11)[:-3])) == 12


def test_reading_goes_on_behind_a_record_torn_in_the_middle_of_the_file(tmp_path):
    for cut in (1, 7, 8, 9, 20, 200):
        data = block(5) + noise(400)[:cut] + block(9) + block(10)
        found = wal.last_end_height(log(tmp_path, wal=data))
        assert found == EndHeight(10, NOW + 0.25, complete=True), cut


def test_reading_goes_on_behind_two_breaks_and_a_torn_end(tmp_path):
    data = block(5) + noise(400)[:90] + block(9) + noise(500)[:80] + block(20) + block(21) + noise(200)[:50]
    assert wal.last_end_height(log(tmp_path, wal=data)) == EndHeight(21, NOW + 0.25, complete=True)


def test_a_record_with_a_wrong_checksum_is_not_believed(tmp_path):
    data = block(5) + end_height(6, crc=1)
    found = wal.last_end_height(log(tmp_path, wal=data))
    assert found is not None
    assert (found.height, found.complete) == (5, False)


def test_a_height_planted_in_a_transaction_is_not_believed(tmp_path):
    planted = record(body(field(2, b"tx:" + end_height(999_999) + b"more")))
    for data in (
        block(5) + planted,
        block(5) + planted[: len(planted) - 4],
        block(5) + planted[: len(planted) - 4] + block(6) + block(7),
        block(5) + noise()[:40] + planted + block(7),
    ):
        found = wal.last_end_height(log(tmp_path, wal=data))
        assert found is not None
        assert found.height in (5, 7)


def vote(extension: bytes) -> bytes:
    """A vote of another validator with an extension: up to 1 MiB of bytes that somebody else has chosen."""
    return record(body(field(2, b"vote:" + extension + b"signature")))


def test_a_vote_with_the_largest_extension_is_read_over(tmp_path):
    data = block(5) + vote(b"\xab" * ((1 << 20) - 100)) + block(6)
    assert wal.last_end_height(log(tmp_path, wal=data)) == EndHeight(6, NOW + 0.25, complete=True)


@pytest.mark.parametrize("cut", [0, 9], ids=["whole", "torn"])
@pytest.mark.parametrize("behind", [b"", block(7)], ids=["at the end", "with blocks behind"])
def test_a_height_planted_deep_in_a_vote_extension_is_not_believed(tmp_path, behind, cut):
    row = noise(60_000) * 16 + end_height(999_999)
    real = vote(row)
    torn = noise(4_000)
    # The length of the torn record leads from before the vote right to the row of good records in it.
    data = block(5) + torn[: len(torn) - real.index(row)] + real[: len(real) - cut] + behind
    folder = log(tmp_path, wal=data)
    assert last(folder) in (5, 7)
    assert wal.time_of(folder, 999_999) is None


def test_a_planted_record_whose_length_swallows_the_rest_is_not_believed(tmp_path):
    header = (1).to_bytes(4, "big") + (900_000).to_bytes(4, "big")
    inner = b"\x0a\x02\x08\x01\x12" + varint(900_000 - 8) + b"\x22"
    planted = record(body(field(2, b"tx:" + end_height(999_999) + header + inner + b"x" * 60)))
    data = block(5) + planted[:-8] + block(6) + block(7)
    assert last(log(tmp_path, wal=data)) == 5
    assert last(log(tmp_path, wal=block(5) + planted[:-8])) == 5


def test_a_height_planted_in_a_torn_record_behind_another_break_is_not_believed(tmp_path):
    planted = record(body(field(2, b"tx:" + end_height(999_999) + b"more")))
    data = block(5) + b"\x00" + planted[: planted.index(b"more")]
    assert last(log(tmp_path, wal=data)) == 5
    assert last(log(tmp_path, wal=data + block(6) + block(7))) in (5, 7)


def test_two_gibibytes_of_garbage_cost_little_time_and_memory_and_prove_nothing(tmp_path):
    with open(tmp_path / "wal", "wb") as file:
        file.truncate(2 << 30)
    started = time.monotonic()
    assert wal.last_end_height(str(tmp_path)) is None
    with open(tmp_path / "wal", "r+b") as file:
        file.write(block(77))
    found = wal.last_end_height(str(tmp_path))
    assert found is not None
    assert (found.height, found.complete) == (77, False)
    assert time.monotonic() - started < 20


def test_an_unreadable_head_makes_an_older_height_incomplete(tmp_path):
    found = wal.last_end_height(log(tmp_path, wal=b"\xff" * 5000, wal_000=block(40)))
    assert found is not None
    assert (found.height, found.complete) == (40, False)


def test_a_fifo_in_the_place_of_the_log_does_not_hold_us(tmp_path):
    os.mkfifo(tmp_path / "wal")
    log(tmp_path, wal_000=block(3))
    found = wal.last_end_height(str(tmp_path))
    assert found is not None
    assert (found.height, found.complete) == (3, False)


def test_a_large_file_of_good_records_is_read_to_its_end(tmp_path):
    data = (noise(60_000) + end_height(1)) * 40 + block(41) + noise(1 << 20)
    assert wal.last_end_height(log(tmp_path, wal=data)) == EndHeight(41, NOW + 0.25, complete=True)


@pytest.mark.parametrize(
    ("started", "ended", "strength"),
    [
        (0.0, 0.0, "at least"),  # nothing known of the node's life
        (NOW - 60, 0.0, "at least"),  # it lives
        (NOW - 60, NOW + 3, "exact"),  # in consensus until it ended
        (NOW - 60, NOW + 300, "at least"),  # long silent before it ended
        (NOW + 1, NOW + 3, "at least"),  # the record is of an earlier life: block sync writes none
    ],
)
def test_a_record_is_exact_only_for_a_life_that_ended_in_consensus(tmp_path, started, ended, strength):
    found = wal.evidence(log(tmp_path, wal=block(7, NOW)), started, ended)
    assert (found.height, found.strength, found.source) == (7, strength, "cs.wal")


def test_no_log_is_unknown(tmp_path):
    assert wal.evidence(str(tmp_path)).strength == "unknown"


def test_the_first_record_of_every_new_file_proves_nothing(tmp_path):
    """A node at height 1000 whose log was removed writes it again with the end of height 0."""
    assert wal.evidence(log(tmp_path, wal=block(0, NOW)), NOW - 1, NOW + 1).strength == "unknown"
