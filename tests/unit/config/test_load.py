"""The Go tool's own cases for reading the environment, and what is better here."""

from __future__ import annotations

import pytest

from cosmovisor.config.load import load, require
from cosmovisor.model.errors import ConfigurationError


@pytest.fixture
def home(tmp_path):
    (tmp_path / "cosmovisor").mkdir()
    return tmp_path


@pytest.fixture
def environ(home):
    return {"DAEMON_HOME": str(home), "DAEMON_NAME": "simd"}


BAD = {
    "DAEMON_HOME": "",
    "DAEMON_NAME": "",
    "DAEMON_ALLOW_DOWNLOAD_BINARIES": "bad",
    "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM": "bad",
    "DAEMON_RESTART_AFTER_UPGRADE": "bad",
    "DAEMON_RESTART_DELAY": "bad",
    "UNSAFE_SKIP_BACKUP": "bad",
    "DAEMON_DATA_BACKUP_DIR": "bad",
    "DAEMON_POLL_INTERVAL": "bad",
    "DAEMON_PREUPGRADE_MAX_RETRIES": "bad",
    "COSMOVISOR_TIMEFORMAT_LOGS": "bad",
    "COSMOVISOR_DISABLE_RECASE": "bad",
    "DAEMON_SHUTDOWN_GRACE": "bad",
}


def test_all_bad_gives_thirteen_problems_each_with_name_value_expectation_and_example():
    loaded = load(BAD)
    assert len(loaded.problems) == 13
    assert {problem.variable for problem in loaded.problems} == set(BAD)
    with pytest.raises(ConfigurationError) as caught:
        require(loaded)
    lines = caught.value.cause.split("\n")
    assert len(lines) == 13
    for line in lines:
        name = line.split("=")[0].split(" ")[0]
        assert name in BAD
        assert "expected" in line
        if BAD[name]:
            assert f"'{BAD[name]}'" in line
    assert caught.value.next_step


def test_nothing_set_gives_three_problems():
    loaded = load({"COSMOVISOR_DISABLE_LOGS": "false", "COSMOVISOR_COLOR_LOGS": "false"})
    assert [problem.variable for problem in loaded.problems] == [
        "DAEMON_NAME",
        "DAEMON_HOME",
        "DAEMON_DATA_BACKUP_DIR",
    ]
    assert "DAEMON_NAME is not set" in loaded.problems[0].line()
    assert "DAEMON_HOME is not set" in loaded.problems[1].line()


def test_all_good(environ, home):
    settings = require(
        load(
            environ
            | {
                "DAEMON_ALLOW_DOWNLOAD_BINARIES": "true",
                "DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM": "true",
                "DAEMON_RESTART_AFTER_UPGRADE": "false",
                "DAEMON_RESTART_DELAY": "600ms",
                "UNSAFE_SKIP_BACKUP": "true",
                "DAEMON_DATA_BACKUP_DIR": "",
                "DAEMON_POLL_INTERVAL": "303ms",
                "DAEMON_PREUPGRADE_MAX_RETRIES": "1",
                "COSMOVISOR_DISABLE_LOGS": "false",
                "COSMOVISOR_COLOR_LOGS": "true",
                "COSMOVISOR_TIMEFORMAT_LOGS": "kitchen",
                "COSMOVISOR_CUSTOM_PREUPGRADE": "preupgrade.sh",
                "COSMOVISOR_DISABLE_RECASE": "true",
                "DAEMON_SHUTDOWN_GRACE": "10s",
            }
        )
    )
    assert settings.daemon_allow_download_binaries is True
    assert settings.daemon_download_must_have_checksum is True
    assert settings.daemon_restart_after_upgrade is False
    assert settings.daemon_restart_delay == 0.6
    assert settings.unsafe_skip_backup is True
    assert settings.cosmovisor_backup == "off"
    assert settings.daemon_data_backup_dir == str(home)
    assert settings.daemon_poll_interval == 0.303
    assert settings.daemon_preupgrade_max_retries == 1
    assert settings.cosmovisor_custom_preupgrade == "preupgrade.sh"
    assert settings.cosmovisor_disable_recase is True
    assert settings.daemon_shutdown_grace == 10


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("DAEMON_ALLOW_DOWNLOAD_BINARIES", False),
        ("DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM", False),
        ("DAEMON_RESTART_AFTER_UPGRADE", True),
        ("UNSAFE_SKIP_BACKUP", False),
        ("COSMOVISOR_DISABLE_LOGS", False),
        ("COSMOVISOR_COLOR_LOGS", True),
        ("COSMOVISOR_DISABLE_RECASE", False),
    ],
)
def test_booleans_of_the_environment(environ, name, default):
    for text, expected in (("", default), ("true", True), ("false", False), ("faLSe", False), ("TRUE", True)):
        loaded = load(environ | {name: text})
        assert not loaded.problems
        assert getattr(loaded.settings, name.lower()) is expected
    for text in ("bad", "wrong", "truee", "1", "yes", " true", "t"):
        assert [problem.variable for problem in load(environ | {name: text}).problems] == [name], text


@pytest.mark.parametrize(
    ("name", "default"),
    [("DAEMON_POLL_INTERVAL", 0.3), ("DAEMON_RESTART_DELAY", 0.0), ("DAEMON_SHUTDOWN_GRACE", 0.0)],
)
def test_durations_of_the_environment(environ, name, default):
    for text, expected in (("", default), ("1s", 1.0), ("15s", 15.0), ("1m30s", 90.0)):
        loaded = load(environ | {name: text})
        assert not loaded.problems
        assert getattr(loaded.settings, name.lower()) == expected
    for text in ("bad", "0", "0s", "600", "-3m"):
        assert len(load(environ | {name: text}).problems) == 1, text


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("5", 5), ("+5", 5)])
def test_retries(environ, text, number):
    loaded = load(environ | {"DAEMON_PREUPGRADE_MAX_RETRIES": text})
    assert (loaded.problems, loaded.settings.daemon_preupgrade_max_retries) == ((), number)


@pytest.mark.parametrize("text", ["bad", "1.5", "1_0", " 1", "9223372036854775808", "-1"])
def test_retries_that_are_no_number(environ, text):
    assert len(load(environ | {"DAEMON_PREUPGRADE_MAX_RETRIES": text}).problems) == 1


def test_time_format_unset_is_kitchen_and_empty_is_no_time(environ):
    assert load(environ).settings.cosmovisor_timeformat_logs == "kitchen"
    assert load(environ | {"COSMOVISOR_TIMEFORMAT_LOGS": ""}).settings.cosmovisor_timeformat_logs == ""
    assert (
        load(environ | {"COSMOVISOR_TIMEFORMAT_LOGS": "rfc3339"}).settings.cosmovisor_timeformat_logs
        == "rfc3339"
    )
    (problem,) = load(environ | {"COSMOVISOR_TIMEFORMAT_LOGS": "RFC3339"}).problems
    assert "rfc3339nano" in problem.line()


def test_a_valid_home(environ, home):
    (home / "backups").mkdir()
    settings = require(load(environ | {"DAEMON_DATA_BACKUP_DIR": str(home / "backups")}))
    assert settings.daemon_data_backup_dir == str(home / "backups")


@pytest.mark.parametrize("backup", ["", "/nowhere/at/all", "relative"])
def test_the_backup_folder_is_not_looked_at_where_backups_are_off(environ, backup):
    assert not load(environ | {"UNSAFE_SKIP_BACKUP": "true", "DAEMON_DATA_BACKUP_DIR": backup}).problems
    assert not load(environ | {"COSMOVISOR_BACKUP": "off", "DAEMON_DATA_BACKUP_DIR": backup}).problems


@pytest.mark.parametrize(
    "change",
    [
        {"DAEMON_HOME": ""},
        {"DAEMON_NAME": ""},
        {"DAEMON_NAME": "bin/simd"},
        {"DAEMON_NAME": ".."},
        {"DAEMON_HOME": "./home"},
        {"DAEMON_HOME": "~/.simapp"},
        {"DAEMON_HOME": "/"},
        {"DAEMON_HOME": "/nowhere/at/all"},
        {"DAEMON_DATA_BACKUP_DIR": "relative"},
        {"DAEMON_DATA_BACKUP_DIR": "/nowhere/at/all"},
        {"DAEMON_DATA_BACKUP_DIR": "/etc/hostname"},
    ],
)
def test_what_is_not_valid(environ, change):
    assert load(environ | change).problems


def test_a_home_that_is_the_folder_inside_is_told_apart(environ, home):
    (problem,) = load(environ | {"DAEMON_HOME": str(home / "cosmovisor")}).problems
    assert f"probably {home}" in problem.line()


def test_without_a_home_nothing_about_folders_is_said():
    assert not load({"DAEMON_HOME": "/nowhere"}, need_home=False).problems


def test_words_lists_and_sizes_of_ours(environ):
    loaded = load(
        environ
        | {
            "COSMOVISOR_TRUST": "require",
            "COSMOVISOR_EXTRA_RPC": "https://a.example, tcp://b.example:26657,",
            "COSMOVISOR_DOWNLOAD_LIMIT": "500MiB",
            "COSMOVISOR_HOLD_LIMIT": "1h",
        }
    )
    assert not loaded.problems
    assert loaded.settings.cosmovisor_trust == "require"
    assert loaded.settings.cosmovisor_extra_rpc == ("https://a.example", "tcp://b.example:26657")
    assert loaded.settings.cosmovisor_download_limit == 500 * 1024**2
    assert loaded.settings.cosmovisor_hold_limit == 3600


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COSMOVISOR_TRUST", "Require"),
        ("COSMOVISOR_SCOUT", "true"),
        ("COSMOVISOR_EXTRA_RPC", "localhost"),
        ("COSMOVISOR_EXTRA_RPC", ",".join(["https://a"] * 33)),
        ("COSMOVISOR_DOWNLOAD_LIMIT", "0"),
        ("COSMOVISOR_DOWNLOAD_LIMIT", "1TB"),
        ("COSMOVISOR_DOWNLOAD_LIMIT", "GiB"),
        ("COSMOVISOR_BACKUP_KEEP", "-1"),
    ],
)
def test_wrong_words_lists_and_sizes(environ, name, text):
    (problem,) = load(environ | {name: text}).problems
    assert problem.variable == name


def test_a_value_with_line_breaks_stays_on_one_line(environ):
    (problem,) = load(environ | {"COSMOVISOR_TRUST": "a\nb\x1b[31m" + "x" * 500}).problems
    assert "\n" not in problem.line()
    assert "\x1b" not in problem.line()
    assert len(problem.line()) < 300


def test_a_misspelt_variable_is_named_with_what_was_meant(environ):
    loaded = load(
        environ
        | {
            "DAEMON_ALLOW_DOWNLOAD_BINARYS": "true",
            "DEAMON_NAME": "simd",
            "daemon_poll_interval": "1s",
            "DAEMON_BACKUP_DIR": "/x",
            "DAEMON_UNRELATED_THING": "1",
            "COSMOVISOR_SERVICE_HOST": "10.0.0.1",
        }
    )
    assert not loaded.problems
    text = "\n".join(loaded.warnings)
    assert "did you mean DAEMON_ALLOW_DOWNLOAD_BINARIES?" in text
    assert "did you mean DAEMON_NAME?" in text
    assert "did you mean DAEMON_POLL_INTERVAL?" in text
    assert "DAEMON_DATA_BACKUP_DIR" in text
    assert "UNRELATED" not in text
    assert "SERVICE_HOST" not in text


def test_a_node_home_elsewhere_is_a_warning(environ, home):
    assert not load(environ, args=["start", "--home", f"{home}/"]).warnings
    (warning,) = load(environ, args=["start", "--home", "/elsewhere"]).warnings
    assert "/elsewhere" in warning
    assert str(home) in warning
    assert load(environ | {"SIMD_HOME": "/elsewhere"}, args=["start"]).warnings


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"UNSAFE_SKIP_BACKUP": "true", "COSMOVISOR_BACKUP": "require"}, "COSMOVISOR_BACKUP"),
        ({"COSMOVISOR_BACKUP": "off", "DAEMON_DATA_BACKUP_DIR": "/x"}, "DAEMON_DATA_BACKUP_DIR"),
        ({"DAEMON_DOWNLOAD_MUST_HAVE_CHECKSUM": "true", "COSMOVISOR_TRUST": "off"}, "COSMOVISOR_TRUST"),
        ({"COSMOVISOR_MIRRORS": "https://x"}, "COSMOVISOR_MIRRORS"),
        ({"COSMOVISOR_ON_MISSING_BINARY": "exit", "COSMOVISOR_HOLD_LIMIT": "1m"}, "COSMOVISOR_HOLD_LIMIT"),
        ({"COSMOVISOR_RESTART": "on", "DAEMON_RESTART_AFTER_UPGRADE": "false"}, "COSMOVISOR_RESTART"),
        ({"COSMOVISOR_EXTRA_RPC": "https://x", "COSMOVISOR_SCOUT": "off"}, "COSMOVISOR_EXTRA_RPC"),
        ({"DAEMON_NAME": "simd "}, "DAEMON_NAME"),
    ],
)
def test_settings_that_contradict_are_named(environ, change, named):
    (warning,) = load(environ | change).warnings
    assert named in warning


def test_the_default_settings_give_no_warning(environ):
    loaded = load(environ)
    assert loaded.warnings == loaded.differences == ()
    assert loaded.file is None
    assert set(loaded.origins.values()) == {"environment", "default", "DAEMON_HOME"}


def test_no_color_counts_where_the_operator_has_not_set_our_own(environ, tmp_path):
    plain = {name: text for name, text in environ.items() if name != "COSMOVISOR_COLOR_LOGS"}
    loaded = load(plain | {"NO_COLOR": "1"})
    assert loaded.settings.cosmovisor_color_logs is False
    assert loaded.origins["COSMOVISOR_COLOR_LOGS"] == "NO_COLOR"
    assert load(plain | {"NO_COLOR": ""}).settings.cosmovisor_color_logs is True
    assert (
        load(plain | {"NO_COLOR": "1", "COSMOVISOR_COLOR_LOGS": "true"}).settings.cosmovisor_color_logs
        is True
    )
