"""`version` and one-shot words, as a program of its own: the daemon takes the place of the process."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

import cosmovisor

OURS = f"cosmovisor version: {cosmovisor.__version__}\n"
SOURCE = str(pathlib.Path(cosmovisor.__file__).parent.parent)
DAEMON = """#!/bin/sh
if [ "$1" = version ] && [ "$2" = --long ]; then echo '{"name":"sim","version":"1.0"}'; exit 0; fi
echo "daemon: $*"
"""


@pytest.fixture
def home(tmp_path):
    bin_folder = tmp_path / "cosmovisor/genesis/bin"
    bin_folder.mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (bin_folder / "simd").write_text(DAEMON)
    (bin_folder / "simd").chmod(0o755)
    os.symlink("genesis", tmp_path / "cosmovisor/current")
    return tmp_path


@pytest.fixture
def program(home):
    def run(*arguments, **environ):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DAEMON_", "COSMOVISOR_"))
        }
        given = {"DAEMON_HOME": str(home), "DAEMON_NAME": "simd", "PYTHONPATH": SOURCE, **environ}
        return subprocess.run(
            [sys.executable, "-m", "cosmovisor", *arguments],
            env=kept | given,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    return run


def test_both_versions(program):
    answer = program("version", "x", "y")
    assert (answer.returncode, answer.stdout) == (0, f"{OURS}daemon: version x y\n")
    assert answer.stderr == ""


def test_our_own_alone_needs_no_configuration(program):
    answer = program("version", "--cosmovisor-only", DAEMON_HOME="", DAEMON_NAME="")
    assert (answer.returncode, answer.stdout) == (0, OURS)
    answer = program("version", "--cosmovisor-only", "-o", "json", DAEMON_HOME="")
    assert answer.stdout == f'{{"cosmovisor_version":"{cosmovisor.__version__}"}}\n'


def test_json_holds_both_whatever_the_log_does(program, home):
    answer = program("version", "-o", "json", COSMOVISOR_LOG_STREAM="stdout")
    assert answer.returncode == 0
    assert json.loads(answer.stdout) == {
        "cosmovisor_version": cosmovisor.__version__,
        "app_version": {"name": "sim", "version": "1.0"},
    }


def test_another_output_is_text_as_in_the_go_tool(program):
    assert program("version", "-o", "yaml", "--cosmovisor-only").stdout == OURS


def test_a_daemon_that_prints_no_json(program, home):
    (home / "cosmovisor/genesis/bin/simd").write_text("#!/bin/sh\necho plain\n")
    answer = program("version", "-o", "json")
    assert answer.returncode == 1
    assert "expected valid json from APP, got: 'plain'" in json.loads(answer.stderr)["error"]


def test_a_daemon_of_an_old_sdk_prints_its_version_on_standard_error(program, home):
    (home / "cosmovisor/genesis/bin/simd").write_text('#!/bin/sh\necho \'{"name":"old"}\' >&2\n')
    assert json.loads(program("version", "-o", "json").stdout)["app_version"] == {"name": "old"}


def test_without_environment_our_line_comes_first(program):
    answer = program("version", DAEMON_HOME="", DAEMON_NAME="")
    assert (answer.returncode, answer.stdout) == (78, OURS)
    assert "failed to run version command: DAEMON_NAME is not set" in answer.stderr
    assert "DAEMON_HOME is not set" in answer.stderr


def test_a_named_file_is_used(program, home):
    (home / "my.toml").write_text(f"daemon_home = '{home}'\ndaemon_name = 'simd'\n")
    answer = program("version", "-c", str(home / "my.toml"), DAEMON_HOME="", DAEMON_NAME="")
    assert answer.stdout == f"{OURS}daemon: version\n"
    answer = program("-c", str(home / "my.toml"), "version", "-o", "json", DAEMON_HOME="", DAEMON_NAME="")
    assert json.loads(answer.stdout)["app_version"]["name"] == "sim"


def test_words_that_end_by_themselves_go_to_the_daemon_unchanged(program):
    assert program("run", "query", "bank", "--help").stdout == "daemon: query bank --help\n"
    assert program("run", "--help").stdout == "daemon: --help\n"
    assert program("run", "version", "-c", "x").stdout == "daemon: version -c x\n"
    answer = program("run", "version", "--cosmovisor-config", "/nope.toml")
    assert answer.returncode == 78
    assert "/nope.toml" in answer.stderr


def test_a_configuration_error_of_run(program):
    answer = program("run", "start", DAEMON_POLL_INTERVAL="600", COSMOVISOR_TRUST="x")
    assert answer.returncode == 78
    assert answer.stdout == ""
    lines = answer.stderr.strip().split("\n")
    assert lines[0].startswith("Error: DAEMON_POLL_INTERVAL='600': the unit is missing")
    assert lines[1].startswith("COSMOVISOR_TRUST='x'")
    assert lines[2].startswith("Next: ")
    assert len(lines) == 3
