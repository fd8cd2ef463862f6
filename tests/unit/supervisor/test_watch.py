from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.unit.supervisor.conftest import Script, make_context

from cosmovisor.supervisor import watch
from cosmovisor.supervisor.context import Context

pytestmark = pytest.mark.needs("linux")


class Seen:
    def __init__(self) -> None:
        self.all: list[str] = []
        self.changed = asyncio.Event()

    def __call__(self, what: str) -> None:
        self.all.append(what)
        self.changed.set()

    async def until(self, what: str) -> None:
        async with asyncio.timeout(60):
            while what not in self.all:
                self.changed.clear()
                await self.changed.wait()
        self.all.clear()


def play(context: Context, story: Callable[[Seen, watch.Watches], Awaitable[None]]) -> None:
    async def run() -> None:
        seen = Seen()
        watches = watch.Watches(context, seen)
        watches.start()
        try:
            await story(seen, watches)
        finally:
            watches.stop()

    asyncio.run(run())


def test_a_plan_file_is_seen_when_it_comes_and_whenever_it_changes(context: Context) -> None:
    async def story(seen: Seen, _: watch.Watches) -> None:
        path = Path(context.plan_file)
        path.write_text("{}")
        await seen.until("plan file")
        path.write_text("{ }")
        await seen.until("plan file")
        other = path.with_name("other")
        other.write_text("{}")
        other.replace(path)
        await seen.until("plan file")
        path.write_text("{  }")
        await seen.until("plan file")
        path.unlink()
        await seen.until("plan file")
        path.write_text("{}")
        await seen.until("plan file")

    play(context, story)


def test_the_sign_state_wakes_nobody_once_the_plan_file_is_there(context: Context, home: Path) -> None:
    Path(context.plan_file).write_text("{}")

    async def story(seen: Seen, watches: watch.Watches) -> None:
        for _ in range(20):
            (home / "data" / "write-file-atomic-1").write_text("{}")
            (home / "data" / "write-file-atomic-1").rename(home / "data" / "priv_validator_state.json")
        # An event behind them in the same queue shows that nothing came before it.
        Path(context.plan_file).write_text("{ }")
        await seen.until("plan file")
        assert context.data not in watches._by_path

    play(context, story)


@pytest.mark.parametrize("how", ["replaced", "linked"])
def test_a_replaced_data_folder_is_watched_on(context: Context, home: Path, how: str) -> None:
    async def story(seen: Seen, _: watch.Watches) -> None:
        (home / "data").rename(home / "old")
        await seen.until("data")
        if how == "linked":
            (home / "elsewhere").mkdir()
            os.symlink("elsewhere", home / "data")
        else:
            (home / "data").mkdir()
        await seen.until("data")
        Path(context.plan_file).write_text("{}")
        await seen.until("plan file")

    play(context, story)


def test_a_binary_put_into_place_is_seen_when_its_writer_closes_it(context: Context, home: Path) -> None:
    async def story(seen: Seen, _: watch.Watches) -> None:
        folder = home / "cosmovisor" / "upgrades" / "v2" / "bin"
        folder.mkdir(parents=True)
        await seen.until("folders")
        await asyncio.sleep(0)
        with (folder / "daemon").open("wb") as file:
            await seen.until("folders")
            file.write(b"x")
        await seen.until("folders")
        shutil.rmtree(folder.parent)
        await seen.until("folders")

    play(context, story)


def test_without_any_watch_the_plan_file_is_polled(
    home: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncinotify

    def fail(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncinotify, "Inotify", fail)
    context = make_context(home, daemon_poll_interval=0.01)

    async def story(seen: Seen, watches: watch.Watches) -> None:
        assert "polling" in watches.problem
        Path(context.plan_file).write_text("{}")
        await seen.until("plan file")

    play(context, story)


def test_a_data_folder_that_cannot_be_watched_is_polled(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncinotify

    add = asyncinotify.Inotify.add_watch

    def limited(self: asyncinotify.Inotify, path: str, mask: asyncinotify.Mask) -> object:
        if path.endswith("data"):
            raise OSError(28, "No space left on device")
        return add(self, path, mask)

    monkeypatch.setattr(asyncinotify.Inotify, "add_watch", limited)
    context = make_context(home, daemon_poll_interval=0.01)

    async def story(seen: Seen, watches: watch.Watches) -> None:
        assert "cannot be watched" in watches.problem
        Path(context.plan_file).write_text("{}")
        await seen.until("plan file")

    play(context, story)


def test_descriptors_that_are_left_to_the_kernel_are_closed_by_it(tmp_path: Path) -> None:
    asyncinotify = pytest.importorskip("asyncinotify")
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    if limit > 2000:
        pytest.skip("this machine allows more instances than a test should make")
    deadline = time.monotonic() + 60
    made = 0
    while made < limit + 50:
        try:
            inotify = asyncinotify.Inotify()
        except OSError as error:
            # The collector works beside us: an instance that is not back yet comes back in its time.
            assert error.errno == errno.EMFILE
            assert time.monotonic() < deadline
            time.sleep(0.01)
            continue
        inotify.add_watch(tmp_path, asyncinotify.Mask.CREATE)
        watch.leave_to_the_kernel(inotify.fd)
        inotify.close()
        made += 1
    assert len(os.listdir("/proc/self/fd")) < limit


def test_where_nothing_can_be_left_to_the_kernel_the_end_is_an_ordinary_one(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    async def story(_: Seen, watches: watch.Watches) -> None:
        monkeypatch.setattr(socket, "send_fds", refused)
        watches.stop()
        watches._inotify = None

    play(context, story)
