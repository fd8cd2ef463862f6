from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.supervisor.conftest import Script, make_context

from cosmovisor.decide import commands, events
from cosmovisor.model.plan import GENESIS_VERSION, Plan, Version
from cosmovisor.model.state import State
from cosmovisor.storage import document, locks
from cosmovisor.supervisor import effects, go_json, look, spawn
from cosmovisor.supervisor.context import Context

V2 = Version("v2", "upgrades/v2")


def test_a_plan_is_written_as_go_writes_it() -> None:
    plan = Plan("v2", 42, '{"a":"<b>&\u2028ü"}')
    assert go_json.plan(plan) == (
        b'{"name":"v2","time":"0001-01-01T00:00:00Z","height":42,'
        b'"info":"{\\"a\\":\\"\\u003cb\\u003e\\u0026\\u2028\xc3\xbc\\"}"}'
    )
    assert go_json.plan(Plan("v2", 1)) == b'{"name":"v2","time":"0001-01-01T00:00:00Z","height":1}'


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, "upgrades/v2"), ("genesis", "upgrades/v2"), ("{root}/genesis", "{root}/upgrades/v2")],
)
def test_the_link_keeps_the_style_it_was_found_with(context: Context, before: str | None, after: str) -> None:
    root = context.layout.root
    if before is not None:
        os.symlink(before.format(root=root), context.layout.current)
    effects.activate(context, V2)
    assert os.readlink(context.layout.current) == after.format(root=root)


def test_the_switch_leaves_link_and_marker_as_the_go_tool_does(context: Context, script: Script) -> None:
    script("upgrades/v2", "exit 0")
    effects.switch(context, Plan("V2", 9, "info"), V2)
    assert os.readlink(context.layout.current) == "upgrades/v2"
    assert Path(context.layout.marker(V2)).read_bytes() == (
        b'{"name":"v2","time":"0001-01-01T00:00:00Z","height":9,"info":"info"}'
    )
    effects.activate(context, GENESIS_VERSION, (V2,))
    assert look.marker(context.layout.marker(V2)) is None
    assert os.readlink(context.layout.current) == "genesis"


def test_a_plan_file_is_written_for_a_chain_that_could_not_and_a_torn_one_is_kept(context: Context) -> None:
    Path(context.plan_file).write_text("{")
    done = effects.file_command(context, commands.MoveAside())
    assert isinstance(done, events.Done)
    assert done.what == "move file aside"
    assert not os.path.exists(context.plan_file)
    assert [name for name in os.listdir(context.data) if name.startswith("upgrade-info.json.torn-")]
    done = effects.file_command(context, commands.WriteFile(Plan("v2", 5)))
    assert isinstance(done, events.Done)
    assert look.plan_file(context.plan_file, 0.0).plan == Plan("v2", 5)
    assert os.stat(context.plan_file).st_mode & 0o777 == 0o600


def test_a_change_that_fails_is_told_with_its_file(context: Context) -> None:
    failed = effects.file_command(context, commands.WriteMarker(Plan("v2", 5), V2))
    assert isinstance(failed, events.Failed)
    assert failed.what == "write marker"
    assert context.layout.marker(V2) in failed.reason


def test_the_state_is_on_disk_after_a_save(context: Context) -> None:
    assert effects.save(context, State(chain_id="c-1")) is None
    found = document.read(context.layout.state_file)
    assert found is not None
    assert found.chain_id == "c-1"


def test_the_node_carries_its_lock_and_we_do_not(context: Context, script: Script) -> None:
    script("genesis", "read x < /dev/null; exec sleep 600")
    answer, launched = effects.launch(context, commands.Spawn(GENESIS_VERSION))
    assert launched is not None
    assert isinstance(answer, events.NodeSpawned)
    try:
        assert locks.is_held(context.layout.node_lock)
        assert locks.holder(context.layout.node_lock).pid == launched.child.pid
        refused, second = effects.launch(context, commands.Spawn(GENESIS_VERSION))
        assert second is None
        assert isinstance(refused, events.Failed)
        assert str(launched.child.pid) in refused.reason
    finally:
        os.kill(launched.child.pid, 9)
        assert spawn.reap(launched.child.pid) == -9
        os.close(launched.child.pidfd)
    assert not locks.is_held(context.layout.node_lock)


def test_the_halt_height_of_an_exact_schedule_is_added(home: Path, script: Script) -> None:
    out = home / "out"
    script("genesis", f'echo "$@" > {out}')
    context = make_context(home, "start", "--x")
    _, launched = effects.launch(context, commands.Spawn(GENESIS_VERSION, 77))
    assert launched is not None
    assert spawn.reap(launched.child.pid) == 0
    os.close(launched.child.pidfd)
    assert out.read_text() == "start --x --halt-height 77\n"


def test_a_version_without_a_daemon_cannot_be_launched(context: Context) -> None:
    answer, launched = effects.launch(context, commands.Spawn(V2))
    assert launched is None
    assert isinstance(answer, events.Failed)
    assert answer.what == "spawn"
    assert context.layout.bin(V2) in answer.reason
    assert not locks.is_held(context.layout.node_lock)


@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_what_took_the_place_of_the_link_meanwhile_is_never_written_over(context: Context, what: str) -> None:
    current = Path(context.layout.current)
    if what == "a file":
        current.write_text("mine")
    else:
        current.mkdir()
    failed = effects.file_command(context, commands.Activate(GENESIS_VERSION))
    assert isinstance(failed, events.Failed)
    assert f"{current}: it is {what}, not a link; move it away" in failed.reason
    assert failed.retry
    assert not current.is_symlink()
    assert what == "a folder" or current.read_text() == "mine"
    current.rmdir() if what == "a folder" else current.unlink()
    assert isinstance(effects.file_command(context, commands.Activate(GENESIS_VERSION)), events.Done)
    assert os.readlink(current) == "genesis"
