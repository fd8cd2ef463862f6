"""Which key, which chain, and whether the node signs itself."""

from __future__ import annotations

import base64
import json

import pytest

from cosmovisor.chain import keys

ADDRESS = "45EBE958649DC1C2BA60B748773BC325C97D7D30"


def home(tmp_path, config: str = "", genesis: object = None, client: str = "") -> str:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "config.toml").write_text(config)
    (folder / "client.toml").write_text(client)
    (folder / "priv_validator_key.json").write_text(
        json.dumps({"address": ADDRESS.lower(), "priv_key": {"value": "x"}})
    )
    if genesis is not None:
        (folder / "genesis.json").write_text(json.dumps(genesis))
    return str(tmp_path)


def test_a_plain_validator(tmp_path):
    node = home(tmp_path, genesis={"chain_id": "test-1"}, client='chain-id = "other-1"')
    found = keys.signing(["start"], {}, "evmosd", node)
    assert (found.validator, found.chain_id, found.remote) == (ADDRESS, "test-1", "")
    assert found.state_file == f"{node}/data/priv_validator_state.json"
    assert found.key_file == f"{node}/config/priv_validator_key.json"


def test_a_remote_signer_is_seen_wherever_it_is_set(tmp_path):
    node = home(tmp_path, 'priv_validator_laddr = "tcp://0.0.0.0:1"')
    assert keys.signing([], {}, "d", node).remote == "tcp://0.0.0.0:1"
    assert keys.signing([], {"D_PRIV_VALIDATOR_LADDR": "tcp://x:2"}, "d", node).remote == "tcp://x:2"
    assert keys.signing(["--priv_validator_laddr=tcp://y:3"], {}, "d", node).remote == "tcp://y:3"


def test_files_at_other_places(tmp_path):
    node = home(
        tmp_path,
        'priv_validator_key_file = "k.json"\npriv_validator_state_file = "/abs/s.json"\ngenesis_file = "g.json"',
    )
    (tmp_path / "g.json").write_text('{"chain_id": "elsewhere-1"}')
    found = keys.signing([], {}, "d", node)
    assert (found.key_file, found.state_file) == (f"{node}/k.json", "/abs/s.json")
    assert (found.validator, found.chain_id) == ("", "elsewhere-1")


def test_the_argument_beats_the_genesis_and_the_client_file_comes_last(tmp_path):
    node = home(tmp_path, client='chain-id = "client-1"')
    assert keys.chain_id([], {}, "d", node) == "client-1"
    assert keys.chain_id(["--chain-id", "given-1"], {}, "d", node) == "given-1"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"address": 5}', '{"address": "zz"}', '{"address": "' + "g" * 40 + '"}']
)
def test_a_broken_key_file_gives_no_address(tmp_path, text):
    path = tmp_path / "key.json"
    path.write_text(text)
    assert keys.validator_address(str(path)) == ""


# The first key of RFC 8032, section 7.1; the id is the SHA-256 of its public half, cut to 20 bytes.
SECRET = bytes.fromhex(
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
)
NODE_ID = "21fe31dfa154a261626bf854046fd2271b7bed4b"


def node_key(kind: str = "tendermint/PrivKeyEd25519", secret: bytes = SECRET) -> str:
    return json.dumps({"priv_key": {"type": kind, "value": base64.b64encode(secret).decode()}})


def test_who_the_node_is_follows_from_its_genesis_and_its_key_and_from_nothing_else(tmp_path):
    node = home(tmp_path, genesis={"chain_id": "test-1"}, client='chain-id = "client-1"')
    (tmp_path / "config" / "node_key.json").write_text(node_key())
    assert keys.identity(["--chain-id", "given-1"], {}, "d", node) == ("test-1", NODE_ID)
    (tmp_path / "config" / "genesis.json").unlink()
    (tmp_path / "other.json").write_text(node_key(secret=bytes(64)))
    chain, other = keys.identity(["--node_key_file", "other.json"], {}, "d", node)
    assert (chain, len(other)) == ("", 40)
    assert other != NODE_ID


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"priv_key": 5}', node_key("tendermint/PrivKeySecp256k1"), node_key(secret=b"x"),
     node_key().replace('"n', '"\u00e4')],
)  # fmt: skip
def test_a_node_key_that_is_none_gives_no_id(tmp_path, text):
    (tmp_path / "node_key.json").write_text(text)
    assert keys.node_id(str(tmp_path / "node_key.json")) == ""
    assert keys.node_id(str(tmp_path / "missing.json")) == ""
