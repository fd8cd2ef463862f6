"""The chain id stands at the outermost level of a genesis file, near its front or near its end."""

from __future__ import annotations

import json

import pytest

from cosmovisor.chain import genesis

NESTED = {
    "chain_id": "nested-1",
    "list": [{"chain_id": "nested-2"}],
    "text": 'a "chain_id":"quoted-1" \\" } {',
}


def write(tmp_path, document: object) -> str:
    path = tmp_path / "genesis.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1))
    return str(path)


def test_in_front_of_the_application_state(tmp_path):
    document = {"app_name": "x", "genesis_time": "t", "chain_id": "test-1", "app_state": NESTED}
    assert genesis.chain_id(write(tmp_path, document)) == "test-1"


def test_behind_the_application_state(tmp_path):
    document = {"app_hash": "", "app_state": NESTED, "chain_id": "test-1", "validators": [NESTED]}
    assert genesis.chain_id(write(tmp_path, document)) == "test-1"


@pytest.mark.parametrize("position", ["front", "end"])
def test_in_a_large_file_only_the_ends_are_read(tmp_path, position):
    path = tmp_path / "genesis.json"
    named = {"chain_id": 'we"ird\\-1', "x": NESTED}
    front, end = (named, {"y": NESTED}) if position == "front" else ({"y": NESTED}, named)
    with open(path, "wb") as file:
        file.write(json.dumps(front)[:-1].encode() + b',"app_state":{"chain_id":"nested-3","big":"')
        file.seek(3 << 30)  # a hole: nobody may read through it
        file.write(b'"},' + json.dumps(end)[1:].encode())
    assert genesis.chain_id(str(path)) == 'we"ird\\-1'


def test_only_nested_ones_are_none(tmp_path):
    assert genesis.chain_id(write(tmp_path, {"app_state": NESTED})) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"chain_id": 5}',
        '{"chain_id": {"chain_id": "x"}}',
        "\\" * 5000 + '"' * 5000,
        "}" * 9999,
    ],
)
def test_garbage_is_none(tmp_path, text):
    assert genesis.chain_id(write(tmp_path, text)) == ""


def test_a_missing_file_and_a_folder_are_none(tmp_path):
    assert genesis.chain_id(str(tmp_path / "none")) == genesis.chain_id(str(tmp_path)) == ""
