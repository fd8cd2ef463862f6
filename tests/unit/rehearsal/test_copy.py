"""What a trial copies, and what it must never copy: keys, and what belongs to them."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import pathlib
import shutil
import tomllib

import pytest

from cosmovisor.backup import methods
from cosmovisor.model.errors import BackupError
from cosmovisor.rehearsal import copy, isolation

SECRET = base64.b64encode(b"the secret of this validator, 64 bytes long" + b"." * 21).decode()
KEY = json.dumps({"address": "A" * 40, "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": SECRET}})


def write(path: pathlib.Path, text: str | bytes) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.fixture
def home(tmp_path) -> pathlib.Path:
    """A home with keys at every place where one has been seen, and the operator's own names for two."""
    home = tmp_path / "home"
    for place in (
        "config/priv_validator_key.json",
        "config/node_key.json",
        "keyring-test/validator.info",
        "data/priv_validator_key.json",
        "data/node_key.json",
        "data/keyring-file/validator.info",
        "data/keys/mine.json",
        "data/hidden.key",
        "wasm/backup-of-key.json",
        "data/application.db/copy-of-key.json",
    ):
        write(home / place, KEY)
    write(home / "data" / "priv_validator_state.json", '{"height":"77","round":0,"step":3}')
    write(home / "data" / "cs.wal" / "wal", b"\0" * 64)
    write(home / "data" / "application.db" / "000001.ldb", b"table" * 100)
    write(home / "data" / "application.db" / "LOCK", b"")
    write(home / "data" / "upgrade-info.json", '{"name":"v2","height":8}')
    write(home / "wasm" / "state" / "code", b"\0asm")
    write(home / "config" / "genesis.json", '{"chain_id":"test-1"}')
    write(home / "config" / "addrbook.json", '{"key":"peers"}')
    write(home / "config" / "client.toml", 'chain-id = "test-1"\n')
    write(
        home / "config" / "config.toml",
        f"""
proxy_app = "tcp://127.0.0.1:26658"
db_backend = "pebbledb"
db_dir = "{home}/data"
priv_validator_key_file = "data/hidden.key"
priv_validator_state_file = "{home}/data/priv_validator_state.json"
priv_validator_laddr = "tcp://10.0.0.9:1234"
node_key_file = "{home}/config/node_key.json"
genesis_file = "{home}/config/genesis.json"
[rpc]
laddr = "tcp://0.0.0.0:26657"
tls_cert_file = "/etc/cert.pem"
pprof_laddr = "localhost:6060"
[p2p]
laddr = "tcp://0.0.0.0:26656"
external_address = "203.0.113.7:26656"
seeds = "aa@seed.example:26656"
persistent_peers = "bb@peer.example:26656"
private_peer_ids = "cc"
unconditional_peer_ids = "dd"
addr_book_file = "{home}/config/addrbook.json"
pex = true
[statesync]
enable = true
rpc_servers = "a:1,b:2"
[consensus]
wal_file = "{home}/data/cs.wal/wal"
timeout_commit = "5s"
[tx_index]
indexer = "psql"
psql-conn = "postgres://operator@db/txs"
[instrumentation]
prometheus = true
""",
    )
    write(
        home / "config" / "app.toml",
        """
minimum-gas-prices = ""
pruning = "custom"
halt-height = 77
app-db-backend = "pebbledb"
[api]
enable = true
[grpc]
enable = true
[state-sync]
snapshot-interval = 1000
[streaming.abci]
keys = ["*"]
""",
    )
    return home


@pytest.fixture
def scratch(tmp_path) -> pathlib.Path:
    """What `init` has made: keys of its own."""
    scratch = tmp_path / "scratch"
    write(scratch / "config" / "priv_validator_key.json", '{"priv_key":"fresh"}')
    write(scratch / "data" / "priv_validator_state.json", '{"height":"0","round":0,"step":0}')
    write(scratch / "config" / "config.toml", 'moniker = "rehearsal"\n')
    write(scratch / "config" / "app.toml", "")
    return scratch


def make(home: pathlib.Path, scratch: pathlib.Path, data: str = "") -> None:
    def setting(key: str) -> str | None:
        found = tomllib.loads((home / "config" / "config.toml").read_text())
        return found.get(key)

    copy.make(str(home), str(scratch), data or str(home / "data"), setting, lambda _: None)
    isolation.isolate(str(home), str(scratch))


def leaks(scratch: pathlib.Path) -> list[str]:
    """Files below a folder, links followed, that hold the secret."""
    found = []
    for place, _, names in os.walk(scratch, followlinks=True):
        for name in names:
            path = pathlib.Path(place, name)
            if SECRET.encode() in path.read_bytes():
                found.append(str(path.relative_to(scratch)))
    return found


def test_no_key_is_ever_in_the_copy(home, scratch):
    make(home, scratch)
    assert leaks(scratch) == []
    assert (scratch / "config" / "priv_validator_key.json").read_text() == '{"priv_key":"fresh"}'
    assert '"height":"0"' in (scratch / "data" / "priv_validator_state.json").read_text()
    for name in ("cs.wal", "keyring-file", "hidden.key", "node_key.json"):
        assert not (scratch / "data" / name).exists()
    assert not (scratch / "config" / "addrbook.json").exists()


def test_a_leak_is_noticed_by_this_test(home, scratch):
    shutil.copytree(home / "data", scratch / "leak")
    assert "leak/hidden.key" in leaks(scratch)


def test_data_contract_code_and_the_chains_plan_are_in_the_copy(home, scratch):
    make(home, scratch)
    for place in ("data/application.db/000001.ldb", "data/upgrade-info.json", "wasm/state/code"):
        assert (scratch / place).read_bytes() == (home / place).read_bytes()
        assert not os.path.samefile(scratch / place, home / place)


def test_nothing_of_the_configuration_leads_out_of_the_copy(home, scratch):
    make(home, scratch)
    text = (scratch / "config" / "config.toml").read_text() + (scratch / "config" / "app.toml").read_text()
    for outside in (str(home), "10.0.0.9", "example:", "0.0.0.0", "203.0.113", "/etc/", "postgres", "6060"):
        assert outside not in text, outside
    found = tomllib.loads((scratch / "config" / "config.toml").read_text())
    assert (found["p2p"]["pex"], found["statesync"]["enable"]) == (False, False)
    assert found["tx_index"]["indexer"] == "null"
    assert found["rpc"]["laddr"].startswith("tcp://127.0.0.1:")
    app = tomllib.loads((scratch / "config" / "app.toml").read_text())
    assert (app["halt-height"], app["api"]["enable"], app["grpc"]["enable"]) == (0, False, False)
    assert (app["state-sync"]["snapshot-interval"], app["streaming"]["abci"]["keys"]) == (0, [])


def test_what_decides_how_the_data_is_read_stays(home, scratch):
    make(home, scratch)
    found = tomllib.loads((scratch / "config" / "config.toml").read_text())
    assert (found["db_backend"], found["db_dir"], found["consensus"]["timeout_commit"]) == (
        "pebbledb",
        "data",
        "5s",
    )
    app = tomllib.loads((scratch / "config" / "app.toml").read_text())
    assert (app["app-db-backend"], app["pruning"], app["minimum-gas-prices"]) == (
        "pebbledb",
        "custom",
        "0stake",
    )


def test_a_configuration_that_names_no_peer_settings_gets_them(home, scratch):
    write(home / "config" / "config.toml", 'moniker = "x"\n')
    make(home, scratch)
    found = tomllib.loads((scratch / "config" / "config.toml").read_text())
    assert (found["p2p"]["pex"], found["p2p"]["laddr"], found["db_dir"]) == (
        False,
        "tcp://127.0.0.1:0",
        "data",
    )
    assert found["rpc"]["laddr"].startswith("tcp://127.0.0.1:")


def test_the_form_of_tendermint_0_35_is_isolated_too(home, scratch):
    text = '[priv-validator]\nladdr = "tcp://10.0.0.9:1"\nkey-file = "/etc/key.json"\nstate-file = "/etc/s"\n'
    write(home / "config" / "config.toml", text + '[p2p]\npersistent-peers = "aa@b.example:1"\n')
    make(home, scratch)
    text = (scratch / "config" / "config.toml").read_text()
    assert all(outside not in text for outside in ("10.0.0.9", "/etc/", "example"))


def test_a_broken_configuration_is_said(home, scratch):
    write(home / "config" / "config.toml", "[[[")
    with pytest.raises(BackupError, match="configuration"):
        isolation.isolate(str(home), str(scratch))


def test_links_lead_to_the_copy_and_never_to_the_real_data(home, scratch, tmp_path):
    elsewhere = tmp_path / "disk"
    shutil.move(home / "data" / "application.db", elsewhere)
    (home / "data" / "application.db").symlink_to(elsewhere)
    (home / "data" / "absolute").symlink_to(home / "data" / "upgrade-info.json")
    (home / "data" / "dangling").symlink_to(home / "data" / "nothing")
    make(home, scratch)
    assert (scratch / "data" / "application.db" / "000001.ldb").exists()
    assert not (scratch / "data" / "application.db").is_symlink()
    link = scratch / "data" / "absolute"
    assert link.resolve() == (scratch / "data" / "upgrade-info.json").resolve()
    assert not os.path.lexists(scratch / "data" / "dangling")
    assert leaks(scratch) == []


def test_databases_that_are_open_are_not_copied(home, scratch):
    with (home / "data" / "application.db" / "LOCK").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="still open"):
            make(home, scratch)


def test_a_copy_that_does_not_fit_is_said_before_it_begins(home, scratch, monkeypatch):
    monkeypatch.setattr(methods, "choose", lambda sample, folder: "copy")
    monkeypatch.setattr(copy, "_RESERVE", 1 << 60)
    with pytest.raises(BackupError, match="are free"):
        make(home, scratch)
    assert not (scratch / "data" / "application.db").exists()


def test_data_that_is_not_there_is_said(home, scratch, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("none", "empty"):
        with pytest.raises(BackupError, match="no data"):
            make(home, scratch, str(tmp_path / place))
