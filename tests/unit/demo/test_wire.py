"""Encodings against published vectors."""

from __future__ import annotations

import hashlib

from cosmovisor.demo import queries, wire


def test_crc32c_of_the_standard_check_word():
    assert wire.crc32c(b"123456789") == 0xE3069283


def test_a_plan_encodes_as_a_real_chain_encodes_it():
    plan = {"name": "v20.0.0", "height": 23000000, "info": '{"binaries":{}}'}
    expected = "0a2c0a077632302e302e30120b088092b8c398feffffff0118c0e7fb0a220f7b2262696e6172696573223a7b7d7d"
    assert wire.message(1, queries.plan(plan)).hex() == expected


def test_the_governance_account_of_evmos():
    address = wire.bech32("evmos", hashlib.sha256(b"gov").digest()[:20])
    assert address == "evmos10d07y265gmmuvt4z0w9aw880jnsr700jcrztvm"


def test_fields_come_back_as_they_were_written():
    data = wire.field(1, 300) + wire.message(2, b"abc") + wire.field(3, -1)
    assert wire.fields(data) == [(1, 300), (2, b"abc"), (3, (1 << 64) - 1)]
