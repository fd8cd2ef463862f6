"""Where the RPC listens: argument, variable, file, default; and what a client can connect to."""

from __future__ import annotations

import pytest

from cosmovisor.chain.address import DEFAULT, rpc_address


def home(tmp_path, laddr: str | None = None) -> str:
    (tmp_path / "config").mkdir()
    if laddr is not None:
        (tmp_path / "config" / "config.toml").write_text(f'[rpc]\nladdr = "{laddr}"\n')
    return str(tmp_path)


def test_the_argument_beats_the_variable_and_the_variable_the_file(tmp_path):
    node = home(tmp_path, "tcp://127.0.0.1:1111")
    environ = {"EVMOSD_RPC_LADDR": "tcp://127.0.0.1:2222"}
    args = ["start", "--rpc.laddr", "tcp://127.0.0.1:3333"]
    assert rpc_address([], {}, "evmosd", node) == "tcp://127.0.0.1:1111"
    assert rpc_address([], environ, "evmosd", node) == "tcp://127.0.0.1:2222"
    assert rpc_address(args, environ, "evmosd", node) == "tcp://127.0.0.1:3333"
    assert (
        rpc_address([*args, "--rpc.laddr=tcp://127.0.0.1:4444"], environ, "evmosd", node)
        == "tcp://127.0.0.1:4444"
    )


def test_an_empty_variable_and_what_stands_behind_two_dashes_do_not_count(tmp_path):
    node = home(tmp_path)
    assert rpc_address(["--", "--rpc.laddr=tcp://127.0.0.1:1"], {"X_RPC_LADDR": ""}, "x", node) == DEFAULT


def test_dashes_and_dots_of_the_name_become_underscores_in_the_variable(tmp_path):
    environ = {"CELESTIA_APPD_RPC_LADDR": "tcp://127.0.0.1:9"}
    assert rpc_address([], environ, "celestia-appd", home(tmp_path)) == "tcp://127.0.0.1:9"


@pytest.mark.parametrize(
    ("laddr", "expected"),
    [
        ("tcp://0.0.0.0:26657", "tcp://127.0.0.1:26657"),
        ("tcp://:26657", "tcp://127.0.0.1:26657"),
        ("tcp://[::]:26657", "tcp://[::1]:26657"),
        ("127.0.0.1:5", "tcp://127.0.0.1:5"),
        ("unix:///run/node.sock", "unix:///run/node.sock"),
        ("tcp://127.0.0.1:0", ""),
        ("tcp://127.0.0.1:banana", ""),
        ("ftp://127.0.0.1:1", ""),
        ("", ""),
    ],
)
def test_the_address_is_one_that_a_client_can_use(tmp_path, laddr, expected):
    assert rpc_address([], {}, "d", home(tmp_path, laddr)) == expected


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[rpc", b"rpc = 5", b"[rpc]\nladdr = 5", b"a = " + b"[" * 50_000]
)
def test_a_broken_file_leaves_the_default(tmp_path, content):
    node = home(tmp_path)
    (tmp_path / "config" / "config.toml").write_bytes(content)
    assert rpc_address([], {}, "d", node) == DEFAULT
