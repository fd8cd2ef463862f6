from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cosmovisor.model.errors import StateError, UsageError
from cosmovisor.observe import client
from cosmovisor.supervisor import server


async def answer(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("ask") == "status":
        return {"phase": "running"}
    raise UsageError("the request is not known", "Ask something else.")


def play(path: Path, story: Callable[[server.Server], Awaitable[None]]) -> None:
    async def run() -> None:
        served = server.Server(str(path), answer)
        await served.start()
        try:
            await story(served)
        finally:
            served.stop()

    asyncio.run(run())


@pytest.mark.parametrize("length", [20, 200])
def test_a_question_is_answered_whatever_the_length_of_the_path(tmp_path: Path, length: int) -> None:
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    path = folder / "cosmovisor.sock"

    async def story(_: server.Server) -> None:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert await asyncio.to_thread(client.ask, str(path), {"ask": "status"}) == {"phase": "running"}
        with pytest.raises(StateError, match="not known"):
            await asyncio.to_thread(client.ask, str(path), {"do": "nonsense"})

    play(path, story)
    assert not path.exists()


def test_the_socket_of_a_dead_supervisor_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "cosmovisor.sock"
    server.bind(str(path)).close()
    assert path.exists()

    async def story(_: server.Server) -> None:
        assert await asyncio.to_thread(client.ask, str(path), {"ask": "status"}) == {"phase": "running"}

    play(path, story)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"nonsense\n", "not JSON"),
        (b"[1]\n", "not a JSON object"),
        (b"\xff\xfe\n", "not JSON"),
        (b"x" * (3 << 20) + b"\n", "too long"),
    ],
)
def test_nonsense_is_answered_with_an_error(tmp_path: Path, sent: bytes, said: str) -> None:
    path = tmp_path / "cosmovisor.sock"

    async def story(_: server.Server) -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(sent)
        line = json.loads(await asyncio.wait_for(reader.readline(), 60))
        assert said in line["error"]
        writer.close()

    play(path, story)


def test_followers_get_every_event_and_a_sleeping_one_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "cosmovisor.sock"

    async def story(served: server.Server) -> None:
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b'{"ask":"events"}\n')
        assert json.loads(await asyncio.wait_for(reader.readline(), 60)) == {"ok": True}
        served.publish({"event": "log", "text": "a"})
        assert json.loads(await asyncio.wait_for(reader.readline(), 60)) == {"event": "log", "text": "a"}
        for _ in range(200):
            served.publish({"event": "log", "text": "x" * 20_000})
            await asyncio.sleep(0)
        assert not served._streams
        writer.close()

    play(path, story)


def test_more_clients_than_there_can_be_are_sent_away(tmp_path: Path) -> None:
    path = tmp_path / "cosmovisor.sock"

    async def story(_: server.Server) -> None:
        pairs = [await asyncio.open_unix_connection(str(path)) for _ in range(33)]
        answers = []
        for reader, writer in pairs[:32]:
            writer.write(b'{"ask":"status"}\n')
            answers.append(json.loads(await asyncio.wait_for(reader.readline(), 60)))
        assert answers == [{"phase": "running"}] * 32
        refused = json.loads(await asyncio.wait_for(pairs[32][0].readline(), 60))
        assert "too many" in refused["error"]
        for _, writer in pairs:
            writer.close()

    play(path, story)


def test_a_folder_that_takes_no_socket_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        server.bind(os.fspath(tmp_path / "missing" / "cosmovisor.sock"))
