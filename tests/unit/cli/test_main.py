"""The overview, unknown words, the error boundary."""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import re
import subprocess
import sys

import click
import pytest

import cosmovisor.cli
from cosmovisor import __main__ as entry
from cosmovisor.cli import boundary, main, starting
from cosmovisor.cli.catalog import COMMANDS
from cosmovisor.model.errors import ConfigurationError, CosmovisorError


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
def test_the_overview_names_the_tool_its_two_variables_and_the_documentation(call, arguments):
    result = call(*arguments)
    assert result.status == 0
    assert result.err == ""
    for piece in ("cosmovisor", "DAEMON_NAME", "DAEMON_HOME", main.DOCUMENTATION):
        assert piece in result.out.replace("\n", " ").replace("  ", " ") or piece in result.out
    for name in COMMANDS:
        assert f"  {name} " in result.out


def test_the_overview_imports_no_command(call, monkeypatch):
    monkeypatch.setattr(importlib, "import_module", pytest.fail)
    assert call("--help").status == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_catalog_is_there_and_has_help(call, name):
    found = importlib.import_module(COMMANDS[name].module).COMMAND
    assert isinstance(found, click.Command)
    assert found.name == name
    result = call("help", name)
    assert (result.status, result.err) == (0, "")
    assert "Usage: cosmovisor" in result.out
    assert COMMANDS[name].summary.endswith(".")


def test_every_command_file_is_in_the_catalog():
    folder = pathlib.Path(cosmovisor.cli.__file__).parent
    files = {
        f"cosmovisor.cli.{path.stem}"
        for path in folder.glob("*.py")
        if re.search(r"^COMMAND\b", path.read_text(), re.MULTILINE)
    }
    assert files == {item.module for item in COMMANDS.values()}


def test_an_unknown_word_is_wrong_usage_with_a_hint(call):
    result = call("rum")
    assert result.status == 64
    assert 'unknown command "rum" for "cosmovisor"' in result.err
    assert "Did you mean this?\n\trun" in result.err
    assert "Traceback" not in result.err
    assert "Did you mean" not in call("zzzzzzzz").err
    assert call("help", "zzzzzzzz").status == 64


def test_an_unknown_flag_is_wrong_usage(call):
    for arguments in (["--nope"], ["config", "--nope"], ["add-upgrade", "one"]):
        result = call(*arguments)
        assert result.status == 64, arguments
        assert result.err.startswith("Error: ")
        assert "--help" in result.err


def test_version_flag(call):
    result = call("--version")
    assert (result.status, result.out) == (0, f"cosmovisor version: {cosmovisor.__version__}\n")


def test_errors_as_json(call):
    result = call("config", "-o", "json", "--nope")
    said = json.loads(result.err)
    assert said["status"] == result.status == 64
    assert said["kind"] == "usage"
    assert said["next"]


def test_an_unknown_output_is_wrong_usage(call):
    assert call("config", "-o", "yaml").status == 64


@pytest.mark.parametrize("words", [["-o", "json"], ["--output", "json"], ["--output=json"], ["-ojson"]])
def test_json_is_recognised_also_where_the_line_cannot_be_parsed(words):
    assert boundary.wants_json(["x", *words])
    assert not boundary.wants_json(["x", "-o", "text", "json"])


def test_windows_is_told_plainly(call, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    result = call("config")
    assert result.status == 1
    assert "does not run on Windows" in result.err
    assert "WSL" in result.err
    monkeypatch.setattr(sys, "argv", ["cosmovisor", "run", "start"])
    assert entry.main() == 1


class TestBoundary:
    def test_a_known_error_is_cause_and_next_step(self, capfd):
        assert boundary.report(ConfigurationError("cannot x", "Do y.")) == 78
        assert capfd.readouterr().err == "Error: cannot x\nNext: Do y.\n"

    def test_secrets_are_not_shown(self, capfd):
        boundary.report(CosmovisorError("cannot fetch https://u:pw@h/x?token=t", "try https://u:pw@h"))
        err = capfd.readouterr().err
        assert "pw" not in err
        assert "token=***" in err

    def test_facts_are_part_of_the_json(self, capfd):
        assert boundary.report(CosmovisorError("c", "n", a=[1]), as_json=True) == 1
        assert json.loads(capfd.readouterr().err) == {
            "error": "c",
            "next": "n",
            "kind": "error",
            "status": 1,
            "facts": {"a": [1]},
        }

    def test_a_system_error_names_the_file(self, capfd):
        assert boundary.report(FileNotFoundError(2, "No such file", "/nowhere/at/all")) == 1
        err = capfd.readouterr().err
        assert "/nowhere/at/all" in err
        assert "Next: " in err

    def test_a_defect_is_kept_in_a_file_and_not_shown(self, capfd, tmp_path, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        import tempfile

        monkeypatch.setattr(tempfile, "tempdir", None)
        assert boundary.report(ZeroDivisionError("a defect")) == 1
        err = capfd.readouterr().err
        assert "Traceback" not in err
        (kept,) = tmp_path.iterdir()
        assert str(kept) in err
        assert "ZeroDivisionError" in kept.read_text()

    def test_an_interrupt_is_130(self):
        assert boundary.report(KeyboardInterrupt()) == 130


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["run"], ([], None)),
        (["run", "start", "-c", "x"], (["start", "-c", "x"], None)),
        (["run", "--help"], (["--help"], None)),
        (["-c", "f", "run", "start"], (["start"], "f")),
        (["--cosmovisor-config", "f", "run", "a"], (["a"], "f")),
        (["--cosmovisor-config=f", "start", "--x"], (["start", "--x"], "f")),
        (["--cosmovisor-config=", "run"], ([], None)),
        (["start"], (["start"], None)),
        (["Start"], None),
        (["config"], None),
        ([], None),
        (["-c"], None),
        (["-c", "f"], None),
        (["--help"], None),
        (["version"], None),
    ],
)
def test_what_goes_to_the_node(arguments, found, capfd):
    assert starting.node_arguments(arguments) == found
    notice = capfd.readouterr().err
    assert bool(notice) == (found is not None and "run" not in arguments)
    assert notice.count("\n") <= 1


def test_the_daemon_s_help_is_ours_where_nothing_is_set_up(nothing_set, capfd):
    assert starting.start(["--help"]) == 0
    assert "Usage: cosmovisor run" in capfd.readouterr().out


def test_an_error_before_the_node_is_told(nothing_set, capfd):
    assert starting.start(["start"]) == 78
    assert capfd.readouterr().err.startswith("Error: DAEMON_NAME is not set")
    assert starting.start(["start", "--cosmovisor-config"]) == 64


def test_the_way_to_the_node_imports_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules)\n"
        "import cosmovisor.__main__, cosmovisor.cli.starting, cosmovisor.config.load, cosmovisor.config.layout, cosmovisor.plan.file\n"
        "import cosmovisor.plan.names, cosmovisor.observe.log\n"
        "import cosmovisor.supervisor.run, cosmovisor.supervisor.launch\n"
        "from cosmovisor.config.load import load\n"
        "load({'DAEMON_HOME': sys.argv[1], 'DAEMON_NAME': 'x'})\n"
        "from cosmovisor.plan.file import parse\n"
        'parse(b\'{"name":"v2","height":1}\')\n'
        "print(' '.join(sorted(set(sys.modules) - before)))"
    )
    answer = subprocess.run(
        [sys.executable, "-S", "-c", code, "/x"], capture_output=True, text=True, env=ENVIRON
    )
    assert answer.returncode == 0, answer.stderr
    loaded = set(answer.stdout.split())
    heavy = {
        "typing",
        "dataclasses",
        "enum",
        "re",
        "json",
        "asyncio",
        "pathlib",
        "logging",
        "subprocess",
        "inspect",
    }
    assert not loaded & (heavy | {"tomllib", "click"})


def test_a_question_to_the_daemon_loads_nothing_of_plans_states_and_facts(tmp_path):
    root = tmp_path / "cosmovisor"
    daemon = root / "genesis" / "bin" / "d"
    daemon.parent.mkdir(parents=True)
    (tmp_path / "data").mkdir()
    daemon.write_text("#!/bin/sh\necho the daemon\n")
    daemon.chmod(0o755)
    (root / "current").symlink_to("genesis")
    # The loaded modules are written down instead of becoming the daemon.
    code = (
        "import sys, os\n"
        "os.execve = lambda *given: (print(*given[1]), print(' '.join(sorted(sys.modules))), os._exit(0))\n"
        "sys.stdout.reconfigure(line_buffering=True)\n"
        "sys.argv[1:] = ['run', 'version']\n"
        "from cosmovisor.__main__ import main\n"
        "main()\n"
    )
    environ = ENVIRON | {"DAEMON_HOME": str(tmp_path), "DAEMON_NAME": "d"}
    answer = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environ, check=False
    )
    first, loaded = answer.stdout.splitlines()
    assert first == f"{daemon} version"
    ours = {name for name in loaded.split() if name.startswith("cosmovisor")}
    assert "cosmovisor.supervisor.run" in ours
    for name in (
        "model.state",
        "model.observations",
        "model.receipts",
        "storage",
        "decide.machine",
        "observe",
    ):
        assert f"cosmovisor.{name}" not in ours
    assert len(ours) <= 30


ENVIRON = os.environ | {"PYTHONPATH": str(pathlib.Path(cosmovisor.__file__).parent.parent)}


def test_as_a_program_with_all_streams_closed():
    answer = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m cosmovisor config <&- >&- 2>&-"],
        env=ENVIRON | {"DAEMON_NAME": "", "DAEMON_HOME": ""},
    )
    assert answer.returncode == 78


def test_as_a_program_into_a_pipe_that_nobody_reads(tmp_path):
    answer = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m cosmovisor help | true"],
        env=ENVIRON,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in answer.stderr
    assert "BrokenPipe" not in answer.stderr


def test_as_a_program_an_unknown_word():
    answer = subprocess.run(
        [sys.executable, "-m", "cosmovisor", "nope"], env=ENVIRON, capture_output=True, text=True
    )
    assert answer.returncode == 64
    assert answer.stdout == ""
    assert answer.stderr.startswith('Error: unknown command "nope"')


@pytest.mark.parametrize(
    ("group", "words"),
    [("schedule", ("list", "remove", "export")), ("backup", ("list", "check", "forecast"))],
)
def test_a_group_without_a_word_names_its_words(call, group, words):
    result = call(group)
    assert result.status == 64
    assert result.err.startswith(f"Error: 'cosmovisor {group}' needs one more word\nNext: Choose: ")
    for word in words:
        assert f"'cosmovisor {group} {word}'" in result.err
    assert "Usage" not in result.err
