"""The cage: what runs in it sees no home and no network, and everything it starts ends with it."""

from __future__ import annotations

import os
import socket
import time

import pytest
from tests.support import binaries

from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.receipts import FileIdentity, StagedBinary
from cosmovisor.model.state import Step
from cosmovisor.staging.probes import Answer, Prober
from cosmovisor.supervisor import steps

pytestmark = pytest.mark.needs("linux")


@pytest.fixture
def shell(tmp_path):
    """Runs /bin/sh with a script in the cage."""
    prober = Prober(str(tmp_path / "scratch"), {"PATH": "/usr/bin:/bin", "SECRET": "s3cret"})

    def run(script: str, seconds: float = 30.0):
        return prober.run("/bin/sh", ["-c", script], [], seconds=seconds)

    yield run
    assert not os.path.exists(tmp_path / "scratch")


def test_status_and_both_streams_come_back(shell):
    found = shell("echo out; echo err >&2; exit 3")
    assert found.status == 3
    assert sorted(found.output.split()) == ["err", "out"]


def test_a_signal_is_told_as_a_shell_tells_it(shell):
    assert shell("kill -SEGV $$").status == 128 + 11


@pytest.mark.needs("namespaces")
def test_the_home_and_the_rest_of_the_machine_are_not_there(shell, tmp_path):
    secret = tmp_path / "priv_validator_key.json"
    secret.write_text("key")
    found = shell(
        f"cat {secret}; ls /root /home /work {tmp_path}; echo HOME=$HOME; ls -A $HOME; echo SECRET=$SECRET"
    )
    assert "key" not in found.output.replace("priv_validator_key", "")
    assert "HOME=/cage-home" in found.output
    assert "SECRET=\n" in found.output + "\n"


@pytest.mark.needs("namespaces")
def test_nothing_outside_can_be_written(shell, tmp_path):
    found = shell(
        f"echo x > {tmp_path}/x; echo x > /usr/x; echo x > /etc/x; mkdir /y; echo ok > $HOME/f && cat $HOME/f"
    )
    assert found.output.strip().endswith("ok")
    assert os.listdir(tmp_path) == ["scratch"] or os.listdir(tmp_path) == []
    assert not os.path.exists("/usr/x")
    assert not os.path.exists("/etc/x")


@pytest.mark.needs("namespaces")
def test_the_network_is_not_there(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    prober = Prober(str(tmp_path / "scratch"), {})
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 3)"
    found = prober.run("/bin/sh", ["-c", f'exec 3<>/dev/tcp/127.0.0.1/{port} || {_python()} -c "{code}"'], [])
    assert found.status != 0
    with pytest.raises(BlockingIOError):
        listener.accept()
    listener.close()


def _python() -> str:
    return "/usr/bin/python3"


def test_a_program_that_never_ends_is_ended_with_all_its_children(shell):
    mark = f"cage-test-{os.getpid()}-{time.monotonic_ns()}"
    found = shell(
        f"for i in 1 2 3; do (exec -a {mark} sleep 1000 || sleep 1000) & done; sh -c 'sleep 1000 # {mark}'",
        1.0,
    )
    assert found.status is None
    assert not _running(mark)


def _running(mark: str) -> list[str]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if mark.encode() in file.read():
                    found.append(name)
        except OSError:
            continue
    return found


def test_output_without_end_is_bounded(shell):
    found = shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", 0.5)
    assert found.status is None
    assert len(found.output) <= 64 * 1024


def test_a_program_that_answers_nothing_useful_only_warns(tmp_path):
    path = binaries.place(str(tmp_path / "v" / "bin" / "testd"), binaries.elf())
    found = Prober(str(tmp_path / "scratch"), {})(path, ())
    assert not [proof for proof in found.proofs if proof.outcome == "blocking"]
    assert not found.no_pre_upgrade


def test_a_script_is_not_run_ahead(tmp_path):
    path = binaries.place(
        str(tmp_path / "v" / "bin" / "testd"), f"#!/bin/sh\ntouch {tmp_path}/ran\n".encode()
    )
    found = Prober(str(tmp_path / "scratch"), {})(path, ())
    assert "was not run" in found.proofs[0].text
    assert not os.path.exists(tmp_path / "ran")


@pytest.mark.needs("cc")
@pytest.mark.parametrize(
    ("source", "absent", "words"),
    [
        (r'return a>1&&v[1][0]==112?(fprintf(stderr,"Error: unknown command \"pre-upgrade\" for \"testd\"\n"),1):(puts("v2.0.0"),0);',
         True, "says 'v2.0.0'"),
        (r'return a>1&&v[1][0]==112?(puts("Usage:\n  testd pre-upgrade [flags]"),0):(fprintf(stderr,"v2.1.0\n"),0);',
         False, "says 'v2.1.0'"),
        (r'return a>1&&v[1][0]==112?(puts("ERR failure when running app err=\"unknown command \\\"pre-upgrade\\\" for \\\"testd\\\"\""),1):(puts("2.2.0"),0);',
         True, "says '2.2.0'"),
        ("return 7;", False, "status 7"),
    ],
)  # fmt: skip
def test_a_real_program_is_asked_for_its_version_and_its_pre_upgrade(tmp_path, source, absent, words):
    import subprocess

    os.makedirs(tmp_path / "v" / "bin")
    (tmp_path / "p.c").write_text(f"#include <stdio.h>\nint main(int a,char**v){{{source}}}\n")
    path = str(tmp_path / "v" / "bin" / "testd")
    subprocess.run(["cc", "-o", path, str(tmp_path / "p.c")], check=True)
    found = Prober(str(tmp_path / "scratch"), {})(path, ())
    assert found.no_pre_upgrade == absent
    assert any(words in proof.text for proof in found.proofs), found.proofs


@pytest.mark.parametrize(
    ("status", "output", "may_lack"),
    [
        (0, "Usage:\n  testd pre-upgrade [flags]", False),
        (1, 'Error: unknown command "pre-upgrade" for "testd"', True),
        (7, "panic", True),
        (None, "", True),
    ],
)
def test_what_the_probe_proves_is_what_the_night_looks_for(tmp_path, monkeypatch, status, output, may_lack):
    """Only a command that is known to exist makes an odd exit status of it a failure."""
    path = binaries.place(str(tmp_path / "v" / "bin" / "testd"), binaries.elf())
    answers = iter([Answer(0, "v2", (), (), 0.1), Answer(status, output, (), (), 0.1)])
    monkeypatch.setattr(Prober, "run", lambda *_, **__: next(answers))
    found = Prober(str(tmp_path / "scratch"), {})(path, ())
    plan, version = Plan("v2", 8), Version("v2", "upgrades/v2")
    staged = StagedBinary(
        plan,
        version,
        path,
        "",
        FileIdentity(0, 0, 0, 0, 0),
        "hand",
        "hand",
        found.proofs,
        found.no_pre_upgrade,
    )
    step = Step("pre-upgrade", plan, version, GENESIS_VERSION, staged=staged)
    assert steps._may_lack_pre_upgrade(step) == may_lack
