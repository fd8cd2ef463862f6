"""`add-upgrade`, `add-batch-upgrade`, `show-upgrade-info`, `schedule`, `completion`."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess

import pytest

from cosmovisor.cli.catalog import COMMANDS
from cosmovisor.model.heights import Evidence
from cosmovisor.model.plan import Plan
from cosmovisor.model.state import EMPTY
from cosmovisor.model.value import replace
from cosmovisor.plan import batch
from cosmovisor.storage import document, locks


@pytest.fixture(autouse=True)
def umask():
    old = os.umask(0o022)
    yield
    os.umask(old)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def heights(home):
    state = document.read(str(home / "cosmovisor/state.json"))
    return [(entry.plan.name, entry.plan.height) for entry in state.schedule]


class TestAddUpgrade:
    def test_a_name_with_capitals_and_a_blank(self, call, home, binary):
        result = call("add-upgrade", "V2 Name", binary)
        target = home / "cosmovisor/upgrades/v2%20name/bin/simd"
        assert result.status == 0
        assert result.out == ""
        assert result.err == (
            f"INF Using {binary} for v2 name upgrade module=cosmovisor\n"
            f"INF Upgrade binary located at {target} module=cosmovisor\n"
        )
        assert target.read_bytes() == binary.read_bytes()
        assert mode(target) == 0o755
        assert mode(target.parent) == 0o755
        assert os.listdir(target.parent) == ["simd"]
        assert not (home / "cosmovisor/state.json").exists()

    def test_the_log_goes_to_stdout_where_that_is_asked_for(self, call, environ, binary):
        environ.setenv("COSMOVISOR_LOG_STREAM", "stdout")
        result = call("add-upgrade", "v2", binary)
        assert result.err == ""
        assert result.out.startswith("INF Using")
        environ.setenv("COSMOVISOR_DISABLE_LOGS", "true")
        assert call("add-upgrade", "v3", binary).out == ""

    def test_recase_off_keeps_the_case(self, call, environ, home, binary):
        environ.setenv("COSMOVISOR_DISABLE_RECASE", "true")
        assert call("add-upgrade", "Keep", binary).status == 0
        assert (home / "cosmovisor/upgrades/Keep/bin/simd").exists()

    def test_a_slash_is_escaped(self, call, home, binary):
        assert call("add-upgrade", "a/b", binary).status == 0
        assert (home / "cosmovisor/upgrades/a%2Fb/bin/simd").exists()

    @pytest.mark.parametrize("name", [".", "..", ""])
    def test_names_without_a_folder_are_refused(self, call, home, binary, name):
        assert call("add-upgrade", name, binary).status == 1
        assert not (home / "cosmovisor/upgrades").exists()

    def test_what_is_there_is_replaced_only_with_force(self, call, home, binary):
        call("add-upgrade", "v2", binary)
        target = home / "cosmovisor/upgrades/v2/bin/simd"
        binary.write_text("second")
        result = call("add-upgrade", "v2", binary)
        assert result.status == 1
        assert f"file already exists at {target}" in result.err
        assert "--force" in result.err
        assert target.read_text() != "second"
        assert call("add-upgrade", "v2", binary, "--force").status == 0
        assert target.read_text() == "second"

    def test_a_file_that_cannot_run_here_is_stored_and_said(self, call, home, binary):
        binary.write_bytes(b"")
        result = call("add-upgrade", "v2", binary)
        assert result.status == 0
        assert "WRN it cannot run here" in result.err
        assert (home / "cosmovisor/upgrades/v2/bin/simd").exists()

    def test_a_running_binary_can_be_replaced(self, call, home, tmp_path):
        shutil.copy("/bin/sleep", tmp_path / "sleep")
        assert call("add-upgrade", "v2", tmp_path / "sleep").status == 0
        target = home / "cosmovisor/upgrades/v2/bin/simd"
        process = subprocess.Popen([target, "60"])
        try:
            assert call("add-upgrade", "--force", "v2", tmp_path / "sleep").status == 0
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()

    def test_wrong_files_leave_nothing_behind(self, call, home, tmp_path):
        for path, said in (
            ("/nope", "invalid executable path: /nope: No such file or directory"),
            (tmp_path, "is a directory"),
            ("/dev/null", "is no regular file"),
        ):
            result = call("add-upgrade", "xd", path)
            assert (result.status, said in result.err) == (1, True), result.err
        assert not (home / "cosmovisor/upgrades").exists()

    def test_wrong_usage(self, call, binary):
        for arguments in (["v2"], ["v2", binary, "x"], ["v2", binary, "--upgrade-height", "abc"]):
            assert call("add-upgrade", *arguments).status == 64
        assert call("add-upgrade", "v2", binary, "--exact").status == 64

    def test_nothing_set(self, call, nothing_set, binary):
        assert call("add-upgrade", "v2", binary).status == 78

    def test_a_height_goes_into_our_schedule_and_the_chains_file_is_not_touched(self, call, home, binary):
        result = call("add-upgrade", "V3", binary, "--upgrade-height", 100)
        assert result.status == 0
        assert "INF v3 upgrade binary will switch at height 100" in result.err
        assert heights(home) == [("v3", 100)]
        assert os.listdir(home / "data") == []
        call("add-upgrade", "v4", binary, "--upgrade-height=50", "--exact")
        assert heights(home) == [("v4", 50), ("v3", 100)]
        assert not locks.is_held(str(home / "cosmovisor/supervisor.lock"))

    def test_data_need_not_be_there(self, call, home, binary):
        (home / "data").rmdir()
        assert call("add-upgrade", "v3", binary, "--upgrade-height", 100).status == 0

    def test_a_scheduled_name_needs_force_and_then_nothing_was_stored(self, call, home, binary):
        call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        shutil.rmtree(home / "cosmovisor/upgrades")
        result = call("add-upgrade", "v3", binary, "--upgrade-height", 200)
        assert result.status == 1
        assert "already scheduled at height 100" in result.err
        assert not (home / "cosmovisor/upgrades").exists()
        assert call("add-upgrade", "v3", binary, "--upgrade-height", 200, "--force").status == 0
        assert heights(home) == [("v3", 200)]

    def test_a_taken_height_is_refused(self, call, binary):
        call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        result = call("add-upgrade", "v4", binary, "--upgrade-height", 100)
        assert result.status == 1
        assert "is scheduled there already" in result.err
        assert "schedule remove v3" in result.err

    def test_a_height_that_has_passed_is_refused(self, call, home, binary):
        state = replace(EMPTY, b=Evidence(100, "at least", "own record", 1.0))
        document.save(str(home / "cosmovisor/state.json"), state)
        result = call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        assert result.status == 1
        assert "already at 100" in result.err
        assert not (home / "cosmovisor/upgrades").exists()

    def test_a_negative_height_schedules_nothing_and_says_so(self, call, home, binary):
        result = call("add-upgrade", "v3", binary, "--upgrade-height", "-5")
        assert result.status == 0
        assert "WRN -5 is no height" in result.err
        assert not (home / "cosmovisor/state.json").exists()

    def test_json(self, call, home, binary):
        said = json.loads(call("add-upgrade", "V3", binary, "--upgrade-height", 100, "-o", "json").out)
        assert said == {"name": "v3", "path": f"{home}/cosmovisor/upgrades/v3/bin/simd", "height": 100}

    def test_a_held_lock_without_a_socket_is_said(self, call, home, binary):
        with locks.hold(str(home / "cosmovisor/supervisor.lock")):
            result = call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        assert result.status == 1
        assert result.err.count("Error: ") == 1


class TestBatch:
    def test_a_list(self, call, home, binary):
        result = call("add-batch-upgrade", "--upgrade-list", f"v2:{binary}:100,V3:{binary}:200")
        assert result.status == 0
        assert heights(home) == [("v2", 100), ("v3", 200)]
        for name in ("v2", "v3"):
            assert mode(home / f"cosmovisor/upgrades/{name}/bin/simd") == 0o755
        assert os.listdir(home / "data") == []
        assert result.err.count("INF ") == 6

    def test_a_repeated_list_and_a_second_call_merges(self, call, home, binary):
        item = f"v2:{binary}:100"
        assert (
            call("add-batch-upgrade", "--upgrade-list", item, "--upgrade-list", f"v3:{binary}:200").status
            == 0
        )
        assert call("add-batch-upgrade", "--upgrade-list", f"v2:{binary}:150,x/v4:{binary}:300").status == 0
        assert heights(home) == [("v2", 150), ("v3", 200), ("v4", 300)]

    def test_a_csv_file(self, call, home, binary, tmp_path):
        (tmp_path / "b.csv").write_text(f'v2, {binary}, 100\n"v 3",{binary},+200\n')
        assert call("add-batch-upgrade", "--upgrade-file", tmp_path / "b.csv").status == 0
        assert heights(home) == [("v2", 100), ("v 3", 200)]

    @pytest.mark.parametrize(
        ("words", "said", "status"),
        [
            ([], "either --upgrade-file or --upgrade-list must be provided", 64),
            (["--upgrade-file", "x", "--upgrade-list", "y"], "exclude each other", 64),
            (["--upgrade-list", "v5:path"], "argument at position 0 ([v5 path]) is invalid", 1),
            (["--upgrade-list", "a:b:1,v5:p:x"], "upgrade height at position 1 (x) is invalid", 1),
            (["--upgrade-list", "v6:p:0"], "upgrade height at position 0 (0) is invalid", 1),
            (["--upgrade-list", "v6:p:" + "9" * 5000], "is invalid", 1),
            (["--upgrade-file", "/nope.csv"], "error opening upgrade CSV file /nope.csv", 1),
            (["zzz"], "zzz", 64),
        ],
    )
    def test_wrong_input(self, call, home, words, said, status):
        result = call("add-batch-upgrade", *words)
        assert result.status == status
        assert said in result.err
        assert not (home / "cosmovisor/upgrades").exists()

    def test_a_csv_line_with_two_fields(self, call, tmp_path):
        (tmp_path / "b.csv").write_text("v2,x\n")
        assert (
            "record on line 1: wrong number of fields"
            in call("add-batch-upgrade", "--upgrade-file", tmp_path / "b.csv").err
        )

    def test_one_bad_item_stops_all(self, call, home, binary):
        result = call("add-batch-upgrade", "--upgrade-list", f"v2:{binary}:100,v3:/nope:200")
        assert result.status == 1
        assert "/nope" in result.err
        assert not (home / "cosmovisor/upgrades").exists()
        assert not (home / "cosmovisor/state.json").exists()


class TestShow:
    def test_no_plan_file(self, call, home):
        result = call("show-upgrade-info")
        assert (result.status, result.out) == (0, f"No upgrade info found at {home}/data/upgrade-info.json\n")

    def test_the_file_as_it_lies_there(self, call, home):
        for text in ('{"name":"v2","height":7}', "not json"):
            (home / "data/upgrade-info.json").write_text(text)
            result = call("show-upgrade-info")
            assert (result.status, result.out) == (0, f"{text}\n")

    def test_the_file_in_the_nodes_own_home(self, call, environ, tmp_path):
        (tmp_path / "other/data").mkdir(parents=True)
        (tmp_path / "other/data/upgrade-info.json").write_text("x")
        environ.setenv("SIMD_HOME", str(tmp_path / "other"))
        assert call("show-upgrade-info").out == "x\n"

    def test_both_with_json(self, call, home, binary):
        (home / "data/upgrade-info.json").write_text('{"name":"v2","height":7}')
        call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        said = json.loads(call("show-upgrade-info", "-o", "json").out)
        assert said["plan_file"]["plan"] == {"name": "v2", "height": 7, "info": ""}
        assert said["schedule"][0]["height"] == 100
        assert said["schedule"][0]["binary_there"] is True
        assert "v3  at or after height 100" in call("show-upgrade-info").out
        for text in ("", "{}"):
            (home / "data/upgrade-info.json").write_text(text)
            assert json.loads(call("show-upgrade-info", "-o", "json").out)["plan_file"]["problem"]

    def test_wrong_usage(self, call, nothing_set):
        assert call("show-upgrade-info", "x").status == 64
        assert call("show-upgrade-info").status == 78


class TestSchedule:
    def test_nothing(self, call):
        assert call("schedule", "list").out == "Nothing is scheduled.\n"
        assert call("schedule", "list", "-o", "json").out == "[]\n"
        assert call("schedule", "export").out == "[]\n"
        assert call("schedule", "remove", "v9").status == 1

    def test_list_remove_and_export(self, call, home, binary):
        call("add-upgrade", "v3", binary, "--upgrade-height", 100)
        call("add-upgrade", "v4", binary, "--upgrade-height", 200, "--exact")
        (home / "cosmovisor/upgrades/v4/bin/simd").unlink()
        out = call("schedule", "list").out
        assert "v3  at or after height 100  (binary in place)" in out
        assert "v4  exactly at height 200  (binary missing" in out
        exported = call("schedule", "export").out
        assert batch.parse(exported.encode()) == [Plan("v3", 100), Plan("v4", 200)]
        result = call("schedule", "export", "--write")
        path = home / "data/upgrade-info.json.batch"
        assert str(path) in result.out
        assert path.read_text() + "\n" == exported
        assert mode(path) == 0o600
        assert exported.startswith(
            '[\n  {\n    "name": "v3",\n    "time": "0001-01-01T00:00:00Z",\n    "height": 100\n  },'
        )
        assert "Removed v3 at height 100." in call("schedule", "remove", "V3").out
        assert heights(home) == [("v4", 200)]
        assert (home / "cosmovisor/upgrades/v3/bin/simd").exists()


def test_a_height_that_no_chain_reaches_is_refused(call, home, binary):
    for height in (2**63, 10**30):
        result = call("add-upgrade", "v2", binary, "--upgrade-height", height)
        assert result.status == 64
        assert f"no chain reaches height {height}" in result.err
    assert not (home / "cosmovisor/upgrades").exists()
    assert call("add-upgrade", "v2", binary, "--upgrade-height", 2**63 - 1).status == 0
    assert "Removed v2" in call("schedule", "remove", "v2").out


def test_a_csv_file_without_an_upgrade_or_with_rubbish_is_said(call, home, tmp_path):
    file = tmp_path / "batch.csv"
    file.write_text("\n\n")
    result = call("add-batch-upgrade", "--upgrade-file", file)
    assert result.status == 1
    assert "it names no upgrade" in result.err
    file.write_bytes(b'v2,"a\rb,5\rv3')
    result = call("add-batch-upgrade", "--upgrade-file", file)
    assert result.status == 1
    assert "universal-newline" not in result.err
    file.write_bytes(b"v2\rx,/a,5")
    result = call("add-batch-upgrade", "--upgrade-file", file)
    assert result.status == 1
    assert "universal-newline" not in result.err


@pytest.mark.parametrize("data", [b"", b"null", b"[]"])
def test_an_empty_batch_file(data):
    assert batch.parse(data) == []


@pytest.mark.parametrize(
    "data", [b"{}", b"[1]", b"[{}]", b"x", b"[" * 100_000, b'[{"name":"v2","height":0}]']
)
def test_a_wrong_batch_file(data):
    from cosmovisor.model.errors import PlanError

    with pytest.raises(PlanError):
        batch.parse(data)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_the_program(call, shell):
    result = call("completion", shell)
    assert result.status == 0
    assert "_COSMOVISOR_COMPLETE" in result.out
    assert "cosmovisor" in result.out


def test_completion_of_another_shell_is_wrong_usage(call):
    assert call("completion", "nosuch").status == 64
    assert call("completion").status == 0


def test_bash_accepts_the_completion_and_it_completes_commands(call, environ):
    script = call("completion", "bash").out
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    from click.shell_completion import BashComplete

    from cosmovisor.cli.main import root

    environ.setenv("COMP_WORDS", "cosmovisor add-")
    environ.setenv("COMP_CWORD", "1")
    answer = BashComplete(root, {}, "cosmovisor", "_COSMOVISOR_COMPLETE").complete()
    assert {line.split(",")[1] for line in answer.split("\n")} == {
        n for n in COMMANDS if n.startswith("add-")
    }
