"""config.toml: found at its place, or named; environment over file over default."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.config.file import FileError, read, simple, write
from cosmovisor.config.load import load, require
from cosmovisor.model.errors import ConfigurationError

FULL = """\
daemon_home = '{home}'
daemon_name = 'file-name'
daemon_allow_download_binaries = true
daemon_download_must_have_checksum = true
daemon_restart_after_upgrade = true
daemon_restart_delay = 10000000000
daemon_shutdown_grace = 8000000
daemon_poll_interval = 406000000
unsafe_skip_backup = false
daemon_data_backup_dir = '{home}'
daemon_preupgrade_max_retries = 8
daemon_grpc_address = 'localhost:9090'
cosmovisor_disable_logs = false
cosmovisor_color_logs = true
cosmovisor_timeformat_logs = 'kitchen'
cosmovisor_custom_preupgrade = 'script.sh'
cosmovisor_disable_recase = true
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "cosmovisor").mkdir()
    return tmp_path


@pytest.fixture
def environ(home):
    return {"DAEMON_HOME": str(home), "DAEMON_NAME": "simd"}


def place(home, text):
    path = home / "cosmovisor" / "config.toml"
    path.write_text(text)
    return str(path)


def named(tmp_path, text, name="other.toml"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_a_named_file_is_enough(home, tmp_path):
    loaded = load({}, named(tmp_path, FULL.format(home=home)))
    settings = require(loaded)
    assert settings.daemon_name == "file-name"
    assert settings.daemon_restart_delay == 10
    assert settings.daemon_shutdown_grace == 0.008
    assert settings.daemon_poll_interval == 0.406
    assert settings.daemon_preupgrade_max_retries == 8
    assert settings.cosmovisor_timeformat_logs == "kitchen"
    assert loaded.differences == ()
    assert loaded.file == str(tmp_path / "other.toml")


def test_the_environment_wins_over_the_file(home, tmp_path):
    file = named(tmp_path, FULL.format(home=home))
    without, loaded = (
        load({}, file),
        load({"DAEMON_NAME": "env-name", "COSMOVISOR_TIMEFORMAT_LOGS": ""}, file),
    )
    assert loaded.settings.daemon_name == "env-name"
    assert {n for n, o in loaded.origins.items() if o != without.origins[n]} == {"DAEMON_NAME"}


def test_a_file_at_its_place_is_found_and_each_difference_to_the_go_tool_is_said(home, environ):
    path = place(
        home, "daemon_poll_interval = '1s'\ndaemon_restart_after_upgrade = true\ndaemon_name = 'other'\n"
    )
    loaded = load(environ)
    assert not loaded.problems
    assert loaded.settings.daemon_poll_interval == 1.0
    assert loaded.settings.daemon_name == "simd"
    assert loaded.origins["DAEMON_POLL_INTERVAL"] == "file"
    (difference,) = loaded.differences
    assert "DAEMON_POLL_INTERVAL" in difference
    assert "'300ms'" in difference
    assert path in difference


def test_an_empty_time_format_in_the_environment_wins_over_a_file_that_nobody_named(home, environ):
    place(home, "cosmovisor_timeformat_logs = 'rfc3339'\n")
    assert load(environ).settings.cosmovisor_timeformat_logs == "rfc3339"
    assert load(environ | {"COSMOVISOR_TIMEFORMAT_LOGS": ""}).settings.cosmovisor_timeformat_logs == ""


def test_missing_keys_of_a_named_file_keep_their_defaults_and_are_listed(home, tmp_path):
    file = named(tmp_path, f"daemon_home = '{home}'\ndaemon_name = 'simd'\n")
    loaded = load({"DAEMON_RESTART_DELAY": "5s"}, file)
    settings = require(loaded)
    assert settings.daemon_restart_after_upgrade is True
    assert settings.daemon_poll_interval == 0.3
    assert settings.daemon_data_backup_dir == str(home)
    assert settings.cosmovisor_timeformat_logs == "kitchen"
    assert settings.daemon_restart_delay == 5
    assert [text.split(" ")[0] for text in loaded.differences] == [
        "DAEMON_RESTART_AFTER_UPGRADE",
        "DAEMON_RESTART_DELAY",
        "DAEMON_POLL_INTERVAL",
        "DAEMON_DATA_BACKUP_DIR",
        "DAEMON_GRPC_ADDRESS",
        "COSMOVISOR_COLOR_LOGS",
        "COSMOVISOR_TIMEFORMAT_LOGS",
    ]


def test_zero_durations_as_the_go_tool_writes_them_keep_the_default(home, tmp_path):
    text = FULL.format(home=home).replace("406000000", "0").replace("10000000000", "0")
    loaded = load({}, named(tmp_path, text))
    settings = require(loaded)
    assert (settings.daemon_poll_interval, settings.daemon_restart_delay) == (0.3, 0.0)
    (difference,) = loaded.differences
    assert difference.startswith("DAEMON_POLL_INTERVAL")


@pytest.mark.parametrize(
    ("item", "expected"),
    [("true", True), ("'T'", True), ("1", True), ("0", False), ('"False"', False), ("'f'", False)],
)
def test_booleans_of_the_file(home, tmp_path, item, expected):
    file = named(tmp_path, f"daemon_home='{home}'\ndaemon_name='x'\ncosmovisor_color_logs = {item}\n")
    assert require(load({}, file)).cosmovisor_color_logs is expected


BROKEN = [
    ("daemon_poll_interval = 'xyz'", "DAEMON_POLL_INTERVAL"),
    ("daemon_poll_interval = -1", "DAEMON_POLL_INTERVAL"),
    ("daemon_poll_interval = 1.5", "DAEMON_POLL_INTERVAL"),
    ("cosmovisor_color_logs = 'FaLsE'", "COSMOVISOR_COLOR_LOGS"),
    ("cosmovisor_color_logs = 'yes'", "COSMOVISOR_COLOR_LOGS"),
    ("daemon_preupgrade_max_retries = true", "DAEMON_PREUPGRADE_MAX_RETRIES"),
    ("cosmovisor_timeformat_logs = 'KITCHEN'", "COSMOVISOR_TIMEFORMAT_LOGS"),
    ("daemon_grpc_address = [1]", "DAEMON_GRPC_ADDRESS"),
    ('daemon_custom = 1\ncosmovisor_custom_preupgrade = "a\\u0000b"', "COSMOVISOR_CUSTOM_PREUPGRADE"),
    ("cosmovisor_trust = ", "other.toml"),
    ("not toml", "other.toml"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_an_error_in_a_named_file_is_an_error(environ, tmp_path, text, said):
    with pytest.raises(ConfigurationError) as caught:
        require(load(environ, named(tmp_path, text)))
    assert said in caught.value.cause
    assert "other.toml" in caught.value.cause


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_an_error_in_a_file_that_nobody_named_is_a_loud_warning_and_the_default(home, environ, text, said):
    path = place(home, text)
    loaded = load(environ)
    warnings = [warning for warning in loaded.warnings if "default is used" in warning]
    assert len(warnings) == 1
    assert path in warnings[0]
    assert require(loaded) == load(environ | {"DAEMON_HOME": str(home)}, need_home=False).settings
    assert loaded.settings.daemon_poll_interval == 0.3


def test_a_named_file_that_is_not_there_is_an_error_beside_the_others(tmp_path):
    loaded = load({"DAEMON_NAME": "simd", "COSMOVISOR_TRUST": "x"}, str(tmp_path / "nope.toml"))
    lines = [problem.line() for problem in loaded.problems]
    assert "nope.toml" in lines[0]
    assert [line.split("=")[0].split(" ")[0] for line in lines[1:]] == [
        "COSMOVISOR_TRUST",
        "DAEMON_HOME",
        "DAEMON_DATA_BACKUP_DIR",
    ]


def test_unknown_keys_are_warned_of_and_ignored(home, environ):
    place(home, "daemon_pol_interval = 5\nwhatever = 1\n[section]\nx = 1\n")
    loaded = load(environ)
    text = "\n".join(loaded.warnings)
    assert "did you mean daemon_poll_interval?" in text
    assert "'whatever'" in text
    assert "[section]" in text
    assert not loaded.problems


def test_keys_match_in_any_case(home, environ):
    place(home, 'Daemon_Poll_Interval = "2s"\n')
    assert load(environ).settings.daemon_poll_interval == 2.0


def test_a_json_file_is_read_too(home, tmp_path):
    file = named(tmp_path, f'{{"daemon_home": "{home}", "daemon_name": "simd"}}', "other.json")
    assert require(load({}, file)).daemon_name == "simd"
    with pytest.raises(FileError):
        read(named(tmp_path, "[]", "list.json"))


def test_a_huge_file_a_folder_and_bytes_that_are_no_text_are_errors(tmp_path):
    (tmp_path / "huge").write_bytes(b"#" * (1024 * 1024 + 1))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for name in ("huge", "bytes", ".", "missing"):
        with pytest.raises(FileError):
            read(str(tmp_path / name))
    with pytest.raises(FileError):
        read(named(tmp_path, "a = " + "[" * 50_000, "deep.toml"))


def test_a_problem_of_a_value_in_the_file_names_the_file(home, tmp_path):
    file = named(tmp_path, "daemon_home = 'relative'\ndaemon_name = 'x'\n")
    assert file in load({}, file).problems[0].line()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_0-9]{1,12}", fullmatch=True),
        st.booleans() | st.integers(min_value=0, max_value=2**63 - 1) | st.text(max_size=20),
        max_size=5,
    )
)
def test_what_is_written_is_read_back_by_the_library_and_by_the_quick_reader(items):
    text = write(items)
    assert tomllib.loads(text) == items
    quick = simple(text)
    assert quick is None or quick == items


LINES = st.sampled_from(
    ["a = 1", "a=01", "b = 'x'", "b = 'it''s'", 'c = "x"', "# note", "# \x07", "d = true # why", "[t]", "a.b = 1", "",
     "e = 1_0", "'q' = 1", "f = ''", "g = '''x'''", "h = True", "ü = 1", " i\t=\t0 ", "j = 'tab\there'", "k", "l = '",
     "m = '\r'", "n = 1\r"]
)  # fmt: skip


@given(st.lists(LINES, max_size=4))
def test_the_quick_reader_never_disagrees_with_the_library(lines):
    text = "\n".join(lines)
    quick = simple(text)
    if quick is not None:
        assert tomllib.loads(text) == quick
