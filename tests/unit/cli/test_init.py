"""`init`: the Go tool's own cases."""

from __future__ import annotations

import json
import os
import stat
import tomllib

import pytest


def lines(result):
    return [
        line.removeprefix("INF ").removesuffix(" module=cosmovisor")
        for line in result.err.split("\n")
        if line
    ]


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def umask():
    old = os.umask(0o022)
    yield
    os.umask(old)


@pytest.fixture
def root(home):
    (home / "cosmovisor").rmdir()
    return home / "cosmovisor"


def test_a_blank_slate(call, root, binary):
    result = call("init", binary)
    place = f"{root}/genesis/bin"
    assert result.status == 0
    assert result.out == ""
    assert lines(result) == [
        "checking on the genesis/bin directory",
        f'creating directory (and any parents): "{place}"',
        "checking on the genesis/bin executable",
        f'copying executable into place: "{place}/simd"',
        f'making sure "{place}/simd" is executable',
        "checking on the current symlink and creating it if needed",
        f'the current symlink points to: "{place}/simd"',
        f"cosmovisor config.toml created at: {root}/config.toml",
    ]
    assert (root / "genesis/bin/simd").read_bytes() == binary.read_bytes()
    assert mode(root / "genesis/bin/simd") == 0o755
    assert mode(root / "genesis/bin") == 0o750
    assert os.readlink(root / "current") == "genesis"
    assert mode(root / "config.toml") == 0o644
    assert sorted(path.name for path in root.iterdir()) == ["config.toml", "current", "genesis"]


def test_config_toml_has_the_go_tools_keys_in_its_order(call, root, home, binary, environ):
    environ.setenv("DAEMON_POLL_INTERVAL", "406ms")
    environ.setenv("COSMOVISOR_TRUST", "require")
    environ.setenv("COSMOVISOR_TIMEFORMAT_LOGS", "kitchen")
    assert call("init", binary).status == 0
    text = (root / "config.toml").read_text()
    assert text == (
        f"daemon_home = '{home}'\n"
        "daemon_name = 'simd'\n"
        "daemon_allow_download_binaries = false\n"
        "daemon_download_must_have_checksum = false\n"
        "daemon_restart_after_upgrade = true\n"
        "daemon_restart_delay = 0\n"
        "daemon_shutdown_grace = 0\n"
        "daemon_poll_interval = 406000000\n"
        "unsafe_skip_backup = false\n"
        f"daemon_data_backup_dir = '{home}'\n"
        "daemon_preupgrade_max_retries = 0\n"
        "daemon_grpc_address = 'localhost:9090'\n"
        "cosmovisor_disable_logs = false\n"
        "cosmovisor_color_logs = false\n"
        "cosmovisor_timeformat_logs = 'kitchen'\n"
        "cosmovisor_custom_preupgrade = ''\n"
        "cosmovisor_disable_recase = false\n"
        "cosmovisor_trust = 'require'\n"
    )
    environ.delenv("DAEMON_POLL_INTERVAL")
    assert json.loads(call("config", "-o", "json").out)["values"]["DAEMON_POLL_INTERVAL"] == 0.406


def test_a_second_time_asks_for_config_toml_and_changes_nothing_else(call, root, binary, environ):
    call("init", binary)
    (root / "genesis/bin/simd").write_text("mine")
    environ.setenv("DAEMON_GRPC_ADDRESS", "other:1")
    for answer in ("n\n", "", "\n", "yes\n"):
        result = call("init", binary, stdin=answer)
        assert result.status == 0
        assert result.out == f"file {root}/config.toml already exists, do you want to overwrite it? [y/n]: "
        assert f'the "{root}/genesis/bin" directory already exists' in lines(result)
        assert f'the "{root}/genesis/bin/simd" file already exists' in lines(result)
        assert lines(result)[-2:] == [
            "file already exists, not overriding",
            f"cosmovisor config.toml created at: {root}/config.toml",
        ]
        assert tomllib.loads((root / "config.toml").read_text())["daemon_grpc_address"] == "localhost:9090"
    assert call("init", binary, stdin="Y\n").status == 0
    assert tomllib.loads((root / "config.toml").read_text())["daemon_grpc_address"] == "other:1"
    assert (root / "genesis/bin/simd").read_text() == "mine"


def test_folders_made_by_hand_get_the_link(call, root, binary):
    for name in ("genesis", "upgrades/a", "upgrades/b", "upgrades/c", "upgrades/d", "upgrades/e"):
        (root / name / "bin").mkdir(parents=True)
        (root / name / "bin/simd").write_text(name)
    result = call("init", binary)
    assert result.status == 0
    assert os.readlink(root / "current") == "genesis"
    assert (root / "genesis/bin/simd").read_text() == "genesis"
    assert "already exists" in result.err


def test_an_empty_genesis_bin_gets_the_copy(call, root, binary):
    (root / "genesis/bin").mkdir(parents=True)
    assert call("init", binary).status == 0
    assert (root / "genesis/bin/simd").exists()


def test_a_link_to_an_upgrade_is_left_alone(call, root, binary):
    (root / "upgrades/v2/bin").mkdir(parents=True)
    (root / "upgrades/v2/bin/simd").write_text("v2")
    os.symlink("upgrades/v2", root / "current")
    result = call("init", binary)
    assert os.readlink(root / "current") == "upgrades/v2"
    assert f'the current symlink points to: "{root}/upgrades/v2/bin/simd"' in lines(result)


def test_a_dangling_link_is_said(call, root, binary):
    root.mkdir()
    os.symlink("upgrades/gone", root / "current")
    result = call("init", binary)
    assert result.status == 0
    assert "WRN the current symlink leads to no binary link=upgrades/gone" in result.err


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_a_wrong_number_of_arguments(call, arguments):
    assert call("init", *arguments).status == 64


def no_log(result):
    return "INF" not in result.err and "WRN" not in result.err


def test_wrong_executables(call, root, tmp_path):
    for path, said in (
        ("", "no <path to executable> provided"),
        (tmp_path / "nope", f"executable file not found: {tmp_path}/nope"),
        (tmp_path, "invalid path to executable: must not be a directory"),
        (tmp_path / "newbin" / "x", "executable"),
    ):
        result = call("init", path)
        assert result.status == 1
        assert said in result.err
        assert no_log(result)
    assert not root.exists()


def test_name_and_home_are_needed_and_both_are_named(call, root, binary, environ):
    environ.setenv("DAEMON_NAME", "")
    result = call("init", binary)
    assert result.status == 78
    assert "DAEMON_NAME is not set" in result.err
    assert no_log(result)
    environ.setenv("DAEMON_HOME", "")
    result = call("init", binary)
    assert "DAEMON_NAME is not set" in result.err
    assert "DAEMON_HOME is not set" in result.err
    environ.setenv("DAEMON_HOME", "./home")
    assert "DAEMON_HOME must be an absolute path" in call("init", binary).err


def test_genesis_bin_is_a_file(call, root, binary):
    (root / "genesis").mkdir(parents=True)
    (root / "genesis/bin").write_text("")
    result = call("init", binary)
    assert result.status == 1
    assert f'Error: the path "{root}/genesis/bin" already exists but is not a directory\n' in result.err


def test_the_executable_s_place_is_a_folder(call, root, binary):
    (root / "genesis/bin/simd").mkdir(parents=True)
    result = call("init", binary)
    assert result.status == 1
    assert "Error: simd is not a regular file\n" in result.err
    assert "checking on the genesis/bin executable" in result.err
    assert "checking on the current symlink" not in result.err


def test_current_is_a_file(call, root, binary):
    root.mkdir()
    (root / "current").write_text("")
    result = call("init", binary)
    assert result.status == 1
    assert "Error: symlink genesis current: file exists\n" in result.err
    assert "checking on the current symlink" in result.err


def test_a_bad_variable_is_said_and_the_default_is_written(call, root, binary, environ):
    environ.setenv("DAEMON_POLL_INTERVAL", "bad")
    result = call("init", binary)
    assert result.status == 0
    assert "WRN DAEMON_POLL_INTERVAL='bad'" in result.err
    assert tomllib.loads((root / "config.toml").read_text())["daemon_poll_interval"] == 300_000_000


def test_a_relative_path_is_taken_from_the_working_folder(call, root, binary, monkeypatch):
    monkeypatch.chdir(binary.parent)
    assert call("init", "./newbin").status == 0
    assert (root / "genesis/bin/simd").read_bytes() == binary.read_bytes()


def test_a_home_that_cannot_be_written_leaves_nothing(call, environ, binary, tmp_path):
    (tmp_path / "file").write_text("")
    environ.setenv("DAEMON_HOME", str(tmp_path / "file"))
    result = call("init", binary)
    assert result.status == 1
    assert "Next: " in result.err
