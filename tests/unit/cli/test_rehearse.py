"""Each way in which the night would fail makes `cosmovisor rehearse` end with 1, and nothing else does."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pathlib
import types

import pytest

from cosmovisor.backup import taking
from cosmovisor.cli import main
from cosmovisor.config.layout import Layout
from cosmovisor.config.settings import Settings
from cosmovisor.decide import events
from cosmovisor.demo.web import Releases
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import Proof, StagedBinary
from cosmovisor.model.state import Step
from cosmovisor.rehearsal import check, pre_upgrade, stand_in
from cosmovisor.storage import locks
from cosmovisor.supervisor import steps

pytestmark = pytest.mark.complaint(42)

PROG = "testd"
NEW = Version("v2", "upgrades/v2")
#: Makes a home for `init`, has a `pre-upgrade`, and refuses to start before the height, as daemons do.
DAEMON = """#!/bin/sh
case "$1" in
version) echo 2.0.0 ;;
init)
  {init}
  home="$6"
  mkdir -p "$home/config" "$home/data"
  echo '{{"priv_key":"fresh"}}' >"$home/config/priv_validator_key.json"
  echo '{{"height":"0"}}' >"$home/data/priv_validator_state.json"
  touch "$home/config/config.toml" "$home/config/app.toml" ;;
pre-upgrade)
  [ "$2" = --help ] && echo "Usage: testd pre-upgrade [flags]" && exit 0
  {pre_upgrade} ;;
start)
  {start} ;;
esac
"""
TOO_EARLY = "echo 'BINARY UPDATED BEFORE TRIGGER! UPGRADE \"v2\"'; exit 2"


def files(home: pathlib.Path) -> dict[str, bytes]:
    """Every file of a home but for what is ours."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "cosmovisor" not in path.relative_to(home).parts
    }


class Home:
    """A home at the halt of its plan, with a binary that was placed by hand."""

    def __init__(self, root: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        self.root, self.monkeypatch, self.capsys = root, monkeypatch, capsys
        self.home = root / "home"
        self.layout = Layout(str(self.home), PROG)
        for place in ("config", "data/application.db", "cosmovisor"):
            (self.home / place).mkdir(parents=True)
        (self.home / "config" / "genesis.json").write_text('{"chain_id":"test-1"}')
        (self.home / "data" / "application.db" / "000001.log").write_bytes(b"x" * 5000)
        self.plan()
        self.program(GENESIS_VERSION)
        os.symlink("genesis", self.layout.current)
        self.program(NEW)
        self.calls: list[bool] = []

    def plan(self, info: str = "") -> None:
        text = json.dumps({"name": "v2", "height": 8, "info": info})
        (self.home / "data" / "upgrade-info.json").write_text(text)

    def program(self, version: Version = NEW, init="", pre_upgrade="exit 0", start=TOO_EARLY) -> None:
        path = pathlib.Path(self.layout.bin(version))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(DAEMON.format(init=init, pre_upgrade=pre_upgrade, start=start))
        path.chmod(0o755)

    def script(self, text: str) -> pathlib.Path:
        path = pathlib.Path(self.layout.root, "before.sh")
        path.write_text(text)
        self.monkeypatch.setenv("COSMOVISOR_CUSTOM_PREUPGRADE", "before.sh")
        return path

    def rehearse(self, *words: str) -> tuple[int, dict[str, list[str]], str]:
        """Return the exit status, the failures by subject, and everything that was said."""
        status = main.run(["rehearse", *words, "-o", "json"])
        said = self.capsys.readouterr()
        assert "cannot remove" not in said.err
        document = json.loads(said.out)
        assert document["ok"] == (status == 0)
        failures: dict[str, list[str]] = {}
        for each in document["checks"]:
            if each["outcome"] == "failed":
                failures.setdefault(each["subject"], []).append(each["text"])
        return status, failures, said.out


@pytest.fixture
def home(tmp_path, monkeypatch, capsys) -> Home:
    for name in os.environ:
        if name.startswith(("DAEMON_", "COSMOVISOR_", "UNSAFE_", "TESTD_")):
            monkeypatch.delenv(name)
    (tmp_path / "user").mkdir()
    for name, content in {
        "HOME": str(tmp_path / "user"),
        "TMPDIR": str(tmp_path),
        "DAEMON_HOME": str(tmp_path / "home"),
        "DAEMON_NAME": PROG,
        "COSMOVISOR_SCOUT": "off",
    }.items():
        monkeypatch.setenv(name, content)
    return Home(tmp_path, monkeypatch, capsys)


@pytest.fixture
def played(home, monkeypatch) -> Home:
    """The same, where the stand-in is taken to have played well: other tests play it."""
    well = stand_in.Played((check.ok("stand-in", "played"),), 0.3)
    monkeypatch.setattr(stand_in, "play", lambda *_, **__: well)
    return home


def test_a_night_that_would_go_well_ends_with_0_and_leaves_nothing(played):
    before = files(played.home)
    status, failures, said = played.rehearse("--trial", "--full-backup")
    assert (status, failures) == (0, {}), said
    assert "it is done on the copy" in said
    assert "refuses, since the height is not reached" in said
    assert files(played.home) == before
    assert sorted(os.listdir(played.home)) == ["config", "cosmovisor", "data"]


def test_no_binary(played):
    pathlib.Path(played.layout.bin(NEW)).unlink()
    status, failures, _ = played.rehearse()
    assert (status, list(failures)) == (1, ["binary"])
    assert "there is no binary at" in failures["binary"][0]


@pytest.mark.parametrize("right", [True, False])
def test_a_digest_that_is_not_the_plans(played, monkeypatch, right):
    monkeypatch.setenv("DAEMON_ALLOW_DOWNLOAD_BINARIES", "true")
    path = pathlib.Path(played.layout.bin(NEW))
    content = path.read_bytes()
    path.unlink()
    releases = Releases()
    try:
        releases.files[f"/{PROG}"] = content
        digest = hashlib.sha256(content if right else b"another file").hexdigest()
        played.plan(json.dumps({"binaries": {"any": f"{releases.url(f'/{PROG}')}?checksum=sha256:{digest}"}}))
        status, failures, said = played.rehearse()
    finally:
        releases.close()
    if right:
        assert (status, failures) == (0, {}), said
        return
    assert (status, list(failures)) == (1, ["binary"])
    assert not path.exists()
    assert "digest" in said or "checksum" in said or "sha256" in said


def test_no_space_for_the_backup(played, monkeypatch):
    monkeypatch.setattr(taking, "free_space", lambda folder: 1)
    status, failures, _ = played.rehearse()
    assert (status, list(failures)) == (1, ["backup"])
    status, failures, _ = played.rehearse("--full-backup")
    assert (status, list(failures)) == (1, ["backup"])


def test_a_backup_that_cannot_be_taken(played, monkeypatch):
    (played.home / "data" / "round").symlink_to(played.home)
    status, failures, _ = played.rehearse()
    assert (status, list(failures)) == (1, ["backup"])
    assert "leads back into itself" in failures["backup"][0]
    monkeypatch.setenv("COSMOVISOR_BACKUP", "best-effort")
    status, failures, said = played.rehearse()
    assert (status, failures) == (0, {})
    assert "there would be none" in said


def test_a_full_backup_that_breaks_off(played, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(taking, "flush", full)
    status, failures, _ = played.rehearse("--full-backup")
    assert (status, list(failures)) == (1, ["backup"])
    assert "No space left" in failures["backup"][0]
    assert not list(played.home.glob(".rehearsal-*"))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo no such store >&2; exit 30", "failed for good (status 30): no such store"),
        ("exit 31", "asks to be tried again (status 31) after 1 attempts"),
    ],
)
def test_a_pre_upgrade_that_fails(played, line, words):
    played.program(pre_upgrade=line)
    status, failures, _ = played.rehearse("--trial")
    assert (status, list(failures)) == (1, ["pre-upgrade"])
    assert words in failures["pre-upgrade"][0]


def test_a_status_of_a_command_that_is_not_proven_to_exist_is_a_warning(played):
    """What the daemon is, a script, was not asked ahead: the night takes this as not implemented."""
    played.program(pre_upgrade="exit 9")
    status, failures, said = played.rehearse("--trial")
    assert (status, failures) == (0, {})
    assert "ended with status 9" in said


def test_a_pre_upgrade_that_succeeds_at_the_second_try(played, monkeypatch):
    played.program(pre_upgrade='[ -e "$HOME/tried" ] || { touch "$HOME/tried"; exit 31; }; exit 0')
    assert played.rehearse("--trial")[0] == 1
    monkeypatch.setenv("DAEMON_PREUPGRADE_MAX_RETRIES", "1")
    assert played.rehearse("--trial")[0] == 0
    assert not (played.root / "user" / "tried").exists()


def test_a_pre_upgrade_that_does_not_end(played, monkeypatch):
    monkeypatch.setenv("COSMOVISOR_PREUPGRADE_TIMEOUT", "1s")
    played.program(pre_upgrade="exec sleep 1000")
    status, failures, _ = played.rehearse("--trial")
    assert (status, list(failures)) == (1, ["pre-upgrade"])
    assert "did not end within 1 s" in failures["pre-upgrade"][0]


def test_a_pre_upgrade_that_was_not_tried_is_named(played):
    assert "--trial runs it on a copy" in played.rehearse()[2]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo panic: bad store; exit 2", "it ended with status 2: panic: bad store"),
        ("kill -9 $$", "it ended with signal 9"),
    ],
)
def test_a_new_binary_that_ends_at_once(played, line, words):
    played.program(start=line)
    status, failures, _ = played.rehearse("--trial")
    assert (status, list(failures)) == (1, ["trial"])
    assert words in failures["trial"][0]


def test_a_new_binary_that_cannot_make_a_home(played):
    played.program(init="echo no such flag >&2; exit 1")
    status, failures, _ = played.rehearse("--trial")
    assert (status, list(failures)) == (1, ["trial"])
    assert "`init` ended with 1: no such flag" in failures["trial"][0]


def test_a_binary_that_says_nothing_for_long_is_a_warning(played):
    played.program(start="exec sleep 1000")
    status, failures, said = played.rehearse("--trial", "--limit", "0.5")
    assert (status, failures) == (0, {})
    assert "did not answer yet" in said


def test_a_node_that_runs(played):
    with locks.hold(played.layout.node_lock):
        status, failures, _ = played.rehearse("--trial")
        assert (status, list(failures)) == (1, ["trial"])
        status, failures, _ = played.rehearse("--full-backup")
        assert (status, list(failures)) == (1, ["backup"])


def test_a_script_that_is_missing(played, monkeypatch):
    monkeypatch.setenv("COSMOVISOR_CUSTOM_PREUPGRADE", "before.sh")
    status, failures, _ = played.rehearse()
    assert (status, list(failures)) == (1, ["script"])
    assert "No such file" in failures["script"][0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo no first line\n", "neither an ELF program nor a script"),
        ("#!/no/such/shell\n", "its interpreter /no/such/shell is missing"),
        ("#!/bin/sh\r\n", "carriage return"),
        ("", "is empty"),
    ],
)
def test_a_script_that_cannot_be_started(played, text, words):
    played.script(text)
    status, failures, _ = played.rehearse()
    assert (status, list(failures)) == (1, ["script"])
    assert words in failures["script"][0]


def test_a_script_without_its_execute_bit_is_in_order_as_it_is_given_one(played):
    played.script("#!/bin/sh\n").chmod(0o644)
    assert played.rehearse()[0] == 0


def test_a_script_that_fails(home):
    """It runs in the stand-in when that is asked for, and only then: it acts on a real machine."""
    trace = home.root / "trace"
    home.script(f'#!/bin/sh\necho "$1 $2 $DAEMON_HOME" >{trace}\nexit 7\n')
    status, failures, said = home.rehearse("--script")
    assert (status, list(failures)) == (1, ["stand-in"]), said
    assert "status 7" in said
    name, height, where = trace.read_text().split()
    assert (name, height) == ("v2", "8")
    assert where != str(home.home)
    trace.unlink()
    pathlib.Path(home.layout.config_file).write_text('cosmovisor_custom_preupgrade = "before.sh"\n')
    home.monkeypatch.delenv("COSMOVISOR_CUSTOM_PREUPGRADE")
    status, failures, said = home.rehearse()
    assert (status, failures) == (0, {}), said
    assert "--script runs it" in said
    assert not trace.exists()


def test_a_stand_in_that_fails(home, monkeypatch):
    wrong = stand_in.Played((check.failed("stand-in", "the old version was started again"),))
    monkeypatch.setattr(stand_in, "play", lambda *_, **__: wrong)
    status, failures, said = home.rehearse()
    assert (status, list(failures)) == (1, ["stand-in"])
    assert json.loads(said)["seconds"]["switch"] < 0


@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("status", [0, 1, 2, 30, 31, 127])
def test_the_rehearsal_and_the_night_judge_a_pre_upgrade_alike(tmp_path, monkeypatch, status, proven):
    layout = Layout(str(tmp_path), PROG)
    version = NEW
    path = pathlib.Path(layout.bin(version))
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    proofs = (Proof("pre-upgrade", "ok", "it has the command"),) if proven else ()
    staged = StagedBinary(
        plan=Plan("v2", 8),
        version=version,
        path=str(path),
        sha256="",
        identity=(0, 0, 0, 0, 0),
        source="hand",
        trust="",
        proofs=proofs,
        no_pre_upgrade=False,
        staged_at=0.0,
    )
    settings = Settings(daemon_home=str(tmp_path), daemon_name=PROG)
    rehearsed = pre_upgrade.run(settings, staged, dict(os.environ), str(tmp_path))
    monkeypatch.setattr(steps, "_run", lambda *_, **__: status)
    context = types.SimpleNamespace(layout=layout, settings=settings, environ={})
    step = Step(kind="pre-upgrade", plan=Plan("v2", 8), version=version, back_to=None, staged=staged)
    night = steps.carry_out(context, steps.Running(step), lambda *_: None)  # type: ignore[arg-type]
    assert (rehearsed.outcome == "failed") == isinstance(night, events.Failed)
