"""The machine around the supervisor is not what it should be: it is said, and the node's upgrade is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.world import World

from cosmovisor.storage import durable

#: The kernel's answer where a user has used up `fs.inotify.max_user_instances`, or `max_user_watches`.
_NO_INSTANCE = (
    "import errno, os, asyncinotify\ndef refused(*_, **__):\n    raise OSError({0}, os.strerror({0}))\n{1}\n"
)


@pytest.mark.needs("linux")
@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("errno.EMFILE", "asyncinotify.Inotify.__init__ = refused"),
        ("errno.ENOSPC", "asyncinotify.Inotify.add_watch = refused"),
    ],
    ids=["instances", "watches"],
)
def test_where_the_limits_of_file_watches_are_used_up_the_plan_is_polled_for(
    world: World, number: str, place: str
) -> None:
    world.genesis("v1")
    world.place("v2")
    patch = world.root / "patch"
    patch.mkdir()
    (patch / "sitecustomize.py").write_text(_NO_INSTANCE.format(number, place))
    supervisor = world.run(variables={"PYTHONPATH": str(patch), "DAEMON_POLL_INTERVAL": "50ms"})
    supervisor.wait_for_log("polling")
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert "Traceback" not in supervisor.log()
    assert supervisor.stop() == 0
    world.verify()


@pytest.mark.parametrize("length", [200, 400])
def test_a_home_whose_socket_path_is_longer_than_an_address_can_be(tmp_path: Path, length: int) -> None:
    root = tmp_path
    while len(str(root)) < length:
        root /= "d" * min(100, max(1, length - len(str(root)) - 1))
    root.mkdir(parents=True)
    world = World(root)
    try:
        world.genesis("v1")
        world.place("v2")
        supervisor = world.run()
        world.until_height(2)
        assert len(str(world.tree / "cosmovisor.sock")) > length
        shown = world.command("status", "-o", "json")
        assert shown.returncode == 0, shown.stderr
        assert f'"pid": {supervisor.pid}' in shown.stdout.replace('":', '": ').replace("  ", " ")
        world.schedule("v2", blocks=6)
        world.until_blocks_of("v2")
        assert supervisor.stop() == 0
        world.verify()
    finally:
        world.close()


@pytest.mark.needs("linux")
def test_data_that_is_replaced_under_a_running_node_is_said_and_nothing_is_done_for_it(world: World) -> None:
    world.genesis("v1")
    world.place("v2")
    supervisor = world.run()
    world.until_height(3)
    other = world.node_home / "data.other"
    shutil.copytree(world.data, other)
    height = world.heights()[0]
    # A plan of the copy's own, due long ago by its height: it says nothing of the node that runs.
    (other / "upgrade-info.json").write_text(f'{{"name":"v2","height":{height}}}')
    durable.exchange(str(world.data), str(other))
    supervisor.wait_for_log("the data was replaced under the running node")
    before = world.heights()[0]
    world.until_height(before + 5)
    assert world.started() == ["v1"]
    assert world.current() == "genesis"
    durable.exchange(str(world.data), str(other))
    world.schedule("v2", blocks=8)
    world.until_blocks_of("v2")
    assert world.started() == ["v1", "v2"]
    assert supervisor.stop() == 0
    world.verify()


def _owned_by_another(*folders: Path) -> None:
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 4711, 4711, follow_symlinks=False)
        folder.chmod(0o700)


def _without_privileges() -> list[str]:
    """Return what starts a program as root of a namespace of its own: to other users' files it is a stranger."""
    prefix = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("a user namespace cannot be made")
    return prefix


@pytest.mark.needs("linux")
@pytest.mark.needs("root")
@pytest.mark.parametrize("which", ["tree", "data", "upgrades"])
def test_a_folder_that_belongs_to_another_user_is_said_with_its_path_and_what_to_do(
    world: World, which: str
) -> None:
    prefix = _without_privileges()
    world.genesis("v1")
    world.init()
    world.place("v2")
    folder = {"tree": world.tree, "data": world.data, "upgrades": world.tree / "upgrades"}[which]
    _owned_by_another(folder)
    supervisor = world.run(prefix=prefix)
    if which == "upgrades":
        # What runs now is not concerned: the node is started, and the folder is told of.
        world.until_height(2)
        seen = subprocess.run(
            [*prefix, sys.executable, "-m", "cosmovisor", "doctor"],
            env=world.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert str(folder) in seen.stdout, seen.stdout + seen.stderr
        assert supervisor.stop() == 0
    else:
        assert supervisor.wait() not in {0, None}
        assert str(folder) in supervisor.log()
        assert world.started() == []
    assert "Traceback" not in supervisor.log()


@pytest.mark.needs("linux")
@pytest.mark.needs("root")
def test_a_plan_file_that_belongs_to_another_user_is_not_taken_for_a_torn_one(world: World) -> None:
    prefix = _without_privileges()
    world.genesis("v1")
    world.init()
    world.plan_file.write_text('{"name":"v2","height":1000}')
    world.plan_file.chmod(0o600)
    os.chown(world.plan_file, 4711, 4711)
    supervisor = world.run(prefix=prefix)
    assert supervisor.wait() == 78
    assert f"cannot read {world.plan_file}: Permission denied" in supervisor.log()
    assert f"chown $(id -u) {world.plan_file}" in supervisor.log()
    assert world.plan_file.read_text() == '{"name":"v2","height":1000}'
    assert world.started() == []
