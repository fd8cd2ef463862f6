"""`config`: the Go tool's two blocks, then what ours adds."""

from __future__ import annotations

import json
import os


def test_the_blocks_of_the_go_tool(call, environ, home):
    environ.setenv("DAEMON_POLL_INTERVAL", "406ms")
    environ.setenv("DAEMON_PREUPGRADE_MAX_RETRIES", "8")
    environ.setenv("DAEMON_SHUTDOWN_GRACE", "1m30s")
    environ.delenv("COSMOVISOR_TIMEFORMAT_LOGS")
    result = call("config")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(
        "Configurable Values:\n"
        f"  DAEMON_HOME: {home}\n"
        "  DAEMON_NAME: simd\n"
        "  DAEMON_ALLOW_DOWNLOAD_BINARIES: false\n"
        "  DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM: false\n"
        "  DAEMON_RESTART_AFTER_UPGRADE: true\n"
        "  DAEMON_RESTART_DELAY: 0s\n"
        "  DAEMON_SHUTDOWN_GRACE: 1m30s\n"
        "  DAEMON_POLL_INTERVAL: 406ms\n"
        "  UNSAFE_SKIP_BACKUP: false\n"
        f"  DAEMON_DATA_BACKUP_DIR: {home}\n"
        "  DAEMON_PREUPGRADE_MAX_RETRIES: 8\n"
    )
    assert "  COSMOVISOR_TIMEFORMAT_LOGS: 3:04PM\n" in result.out
    assert result.out.endswith(
        "Derived Values:\n"
        f"         Root Dir: {home}/cosmovisor\n"
        f"      Upgrade Dir: {home}/cosmovisor/upgrades\n"
        f"      Genesis Bin: {home}/cosmovisor/genesis/bin/simd\n"
        f"   Monitored File: {home}/data/upgrade-info.json\n"
        f"  Data Backup Dir: {home}\n\n"
    )


def test_extra_words_are_ignored(call):
    assert call("config", "a", "b").status == 0


def test_nothing_set_gives_three_lines_and_78(call, nothing_set):
    result = call("config")
    assert result.status == 78
    assert result.out == ""
    assert len(result.errors) == 3
    assert result.errors[0].startswith("Error: DAEMON_NAME is not set")


def test_thirteen_bad_values_give_thirteen_lines(call, environ):
    for name in (
        "DAEMON_ALLOW_DOWNLOAD_BINARIES",
        "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM",
        "DAEMON_RESTART_AFTER_UPGRADE",
        "DAEMON_RESTART_DELAY",
        "UNSAFE_SKIP_BACKUP",
        "DAEMON_DATA_BACKUP_DIR",
        "DAEMON_POLL_INTERVAL",
        "DAEMON_PREUPGRADE_MAX_RETRIES",
        "COSMOVISOR_TIMEFORMAT_LOGS",
        "COSMOVISOR_DISABLE_RECASE",
        "DAEMON_SHUTDOWN_GRACE",
    ):
        environ.setenv(name, "bad")
    environ.setenv("DAEMON_HOME", "")
    environ.setenv("DAEMON_NAME", "")
    result = call("config")
    assert (result.status, len(result.errors)) == (78, 13)


def test_a_named_file(call, environ, home, tmp_path):
    file = tmp_path / "c.toml"
    file.write_text(f"daemon_home = '{home}'\ndaemon_name = 'file-name'\ndaemon_poll_interval = 5000000000\n")
    environ.delenv("DAEMON_NAME")
    for words in (["config", "-c", file], ["-c", file, "config"], ["config", f"--cosmovisor-config={file}"]):
        out = call(*words).out
        assert "DAEMON_NAME: file-name" in out
        assert "DAEMON_POLL_INTERVAL: 5s" in out
        assert "DAEMON_RESTART_AFTER_UPGRADE: true" in out


def test_a_named_file_that_is_missing_or_broken(call, tmp_path):
    result = call("config", "-c", "/nope.toml")
    assert result.status == 78
    assert "/nope.toml" in result.err
    (tmp_path / "c.toml").write_text("x = ")
    assert "c.toml" in call("config", "-c", tmp_path / "c.toml").err


def test_explain_shows_value_and_origin(call, environ, home):
    (home / "cosmovisor/config.toml").write_text(
        "daemon_poll_interval = 5000000000\nunsafe_skip_backup = true\n"
    )
    environ.setenv("DEAMON_NAME", "x")
    result = call("config", "--explain")
    assert result.status == 0
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in result.out.split("\n\n")[0].split("\n")}
    assert rows["DAEMON_NAME"] == "simd environment"
    assert rows["DAEMON_POLL_INTERVAL"] == f"5s file {home}/cosmovisor/config.toml"
    assert rows["DAEMON_RESTART_AFTER_UPGRADE"] == "true default"
    assert rows["COSMOVISOR_BACKUP"] == "off follows UNSAFE_SKIP_BACKUP"
    assert rows["DAEMON_DATA_BACKUP_DIR"] == f"{home} follows DAEMON_HOME"
    assert "did you mean DAEMON_NAME?" in result.out
    assert "Where the Go tool would differ:" in result.out


def test_explain_shows_what_it_can_beside_the_problems(call, environ):
    environ.setenv("COSMOVISOR_TRUST", "bad")
    result = call("config", "--explain")
    assert result.status == 78
    assert "Problems:\n  COSMOVISOR_TRUST='bad'" in result.out
    assert "simd" in result.out


def test_explain_prints_the_library_line_for_the_way_back(call, environ, home):
    assert "LD_LIBRARY_PATH" not in call("config", "--explain").out
    (home / "cosmovisor/upgrades/v2/lib").mkdir(parents=True)
    os.symlink("upgrades/v2", home / "cosmovisor/current")
    lib = home / "cosmovisor/upgrades/v2/lib"
    environ.delenv("LD_LIBRARY_PATH", raising=False)
    assert f"export LD_LIBRARY_PATH={lib}\n" in call("config", "--explain").out
    environ.setenv("LD_LIBRARY_PATH", ":/usr/lib:")
    assert f"export LD_LIBRARY_PATH={lib}:/usr/lib\n" in call("config", "--explain").out


def test_json(call, environ, home):
    environ.setenv("DAEMON_SHUTDOWN_GRACE", "15s")
    environ.setenv("COSMOVISOR_EXTRA_RPC", "https://a,https://b")
    said = json.loads(call("config", "-o", "json").out)
    assert said["values"]["DAEMON_SHUTDOWN_GRACE"] == 15
    assert said["values"]["COSMOVISOR_EXTRA_RPC"] == ["https://a", "https://b"]
    assert said["origins"]["DAEMON_SHUTDOWN_GRACE"] == "environment"
    assert said["derived"]["Root Dir"] == f"{home}/cosmovisor"
    assert said["problems"] == []


def test_json_of_a_wrong_configuration(call, environ):
    environ.setenv("COSMOVISOR_TRUST", "bad")
    result = call("config", "-o", "json")
    said = json.loads(result.err)
    assert (result.status, said["kind"]) == (78, "configuration")
    assert said["facts"]["problems"][0]["variable"] == "COSMOVISOR_TRUST"
    assert json.loads(call("config", "--explain", "-o", "json").out)["problems"]
