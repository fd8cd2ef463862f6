from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from pathlib import Path

import pytest

from cosmovisor.decide import commands
from cosmovisor.model.facts import Facts, PlanFile
from cosmovisor.model.observations import Link
from cosmovisor.observe.log import Log
from cosmovisor.supervisor import notify, teller
from cosmovisor.supervisor.context import Context


def test_the_service_manager_hears_of_every_change_once(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(60)
        told = notify.Notify({"NOTIFY_SOCKET": str(path)})
        told.ready()
        told.status("height 5")
        told.status("height 5")
        told.status("height\n6")
        told.extend(1.5)
        told.reloading(7)
        told.stopping()
        heard = [manager.recv(2000).decode() for _ in range(6)]
    assert heard == [
        "READY=1",
        "STATUS=height 5",
        "STATUS=height 6",
        "EXTEND_TIMEOUT_USEC=1500000",
        "RELOADING=1\nMONOTONIC_USEC=7",
        "STOPPING=1",
    ]


@pytest.mark.needs("linux")
def test_an_abstract_socket_of_the_manager_is_found() -> None:
    name = f"cosmovisor-test-{os.getpid()}-{os.urandom(4).hex()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name)
        manager.settimeout(60)
        notify.Notify({"NOTIFY_SOCKET": "@" + name}).ready()
        assert manager.recv(100) == b"READY=1"


def test_without_a_manager_nothing_happens() -> None:
    notify.Notify({}).ready()
    notify.Notify({"NOTIFY_SOCKET": "/nonexistent/socket"}).ready()
    assert not notify.has_manager({})
    assert notify.has_manager({"INVOCATION_ID": "x"})


def say(context: Context, *told: commands.Say) -> str:
    async def story() -> str:
        read, write = os.pipe()
        voice = teller.Teller(context, Log(write, word=""))
        for one in told:
            voice.say(one)
        voice.finish()
        os.close(write)
        with os.fdopen(read) as file:
            return file.read()

    return asyncio.run(story())


def test_what_the_machine_says_is_logged_with_the_next_step(context: Context) -> None:
    text = say(
        context, commands.Say("warn", "not ready", fix="Put it there."), commands.Say("debug", "quiet")
    )
    assert text == 'WRN not ready fix="Put it there." module=cosmovisor\n'


def test_a_decision_is_recorded_once_with_its_facts(context: Context) -> None:
    facts = Facts(1.0, PlanFile(), "same", Link("missing"))
    one = commands.Say("info", "wait", "no plan", facts)
    say(context, one, one, commands.Say("info", "other", "other row", facts))
    lines = [json.loads(line) for line in Path(context.layout.decisions_file).read_text().splitlines()]
    assert [line["row"] for line in lines] == ["no plan", "other row"]
    assert lines[0]["facts"]["file"]["kind"] == "absent"


def test_the_record_of_decisions_stays_bounded(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teller, "_RECORD", 4000)
    facts = Facts(1.0, PlanFile(), "same", Link("missing"))
    for number in range(30):
        say(context, commands.Say("info", str(number), "row", facts))
    text = Path(context.layout.decisions_file).read_text()
    assert len(text) < 8000
    assert json.loads(text.splitlines()[-1])["reason"] == "29"
    assert all(json.loads(line) for line in text.splitlines())


def test_an_error_is_told_even_where_the_log_is_off(
    context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        voice = teller.Teller(context, Log(-1))
        voice.say(commands.Say("error", "cannot go on", fix="Do this."))
        voice.say(commands.Say("warn", "nobody hears this"))
        voice.finish()

    asyncio.run(story())
    sys.stderr.flush()
    assert capfd.readouterr().err == "Error: cannot go on\nNext: Do this.\n"


def test_a_defect_of_our_own_is_one_line_with_its_place(
    context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        voice = teller.Teller(context, Log(-1))
        for _ in range(2):
            try:
                {}["missing"]
            except KeyError as error:
                voice.defect(error)
        voice.finish()

    asyncio.run(story())
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "KeyError" in lines[0]
    assert "story, line" in lines[0]


def test_the_watchdog_hears_of_us_while_the_loop_runs(tmp_path: Path) -> None:
    path = tmp_path / "notify"

    async def story(heard: socket.socket) -> list[bytes]:
        told = notify.Notify({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000"})
        told.keep_alive(asyncio.get_running_loop())
        return [await asyncio.get_running_loop().sock_recv(heard, 100) for _ in range(3)]

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        assert asyncio.run(asyncio.wait_for(story(manager), 60)) == [b"WATCHDOG=1"] * 3
