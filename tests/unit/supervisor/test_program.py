from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.supervisor.conftest import make_context

from cosmovisor.model.errors import CosmovisorError
from cosmovisor.model.plan import Plan
from cosmovisor.supervisor import processes, program, scout, stager
from cosmovisor.supervisor.context import Context


async def run(code: str, given: bytes = b"") -> tuple[list[dict[str, Any]], int | None]:
    lines: list[dict[str, Any]] = []
    ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    program.Program([sys.executable, "-c", code], dict(os.environ), lines.append, ended.set_result, given)
    return lines, await asyncio.wait_for(ended, 60)


def test_lines_come_out_whatever_their_pieces_and_nonsense_is_left_out() -> None:
    code = (
        "import sys, json\n"
        "asked = json.loads(sys.stdin.readline())\n"
        "sys.stdout.write('nonsense\\n[1]\\n{\"a\":'); sys.stdout.flush()\n"
        "sys.stdout.write('1}\\n' + 'x' * 3000000 + '\\n'); sys.stdout.flush()\n"
        "print(json.dumps({'size': len(asked['x'])}))\n"
        "sys.exit(5)\n"
    )
    given = b'{"x":"' + b"y" * 500_000 + b'"}\n'
    lines, status = asyncio.run(run(code, given))
    assert lines == [{"a": 1}, {"size": 500_000}]
    assert status == 5


def test_what_a_helper_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    out = tmp_path / "pid"
    code = f"import subprocess\np = subprocess.Popen(['sleep', '600'])\nopen({str(out)!r}, 'w').write(str(p.pid))\n"
    _, status = asyncio.run(run(code))
    assert status == 0
    assert not processes.alive(int(out.read_text()))


@pytest.mark.needs("linux")
def test_the_kernel_takes_a_helper_before_the_node() -> None:
    # The question comes only after the score was set.
    code = "import sys; sys.stdin.readline(); print('{\"score\":%s}' % open('/proc/self/oom_score_adj').read().strip())"
    lines, _ = asyncio.run(run(code, b"x\n"))
    assert lines == [{"score": 900}]


def test_a_program_that_cannot_be_started_leaks_nothing() -> None:
    async def story() -> None:
        before = len(os.listdir("/dev/fd"))
        with pytest.raises(CosmovisorError):
            program.Program(["/nonexistent"], {}, lambda _: None, lambda _: None)
        assert len(os.listdir("/dev/fd")) == before

    asyncio.run(story())


class Stage:
    """A stager whose staging process is a few lines of Python."""

    def __init__(self, context: Context, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.changes = 0
        self.changed = asyncio.Event()
        self.told: list[str] = []
        monkeypatch.setattr(program, "command", lambda *_: [sys.executable, "-c", code])
        self.stager = stager.Stager(
            context, self._changed, lambda level, text: self.told.append(f"{level} {text}")
        )

    def _changed(self) -> None:
        self.changes += 1
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.changes < count:
                self.changed.clear()
                await self.changed.wait()


def test_a_failure_is_told_once_and_tried_again_until_it_works(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = tmp_path / "count"
    code = (
        "import json, os, sys\n"
        "json.loads(sys.stdin.readline())\n"
        f"open({str(count)!r}, 'a').write('x')\n"
        f"if os.path.getsize({str(count)!r}) < 3:\n"
        "    print(json.dumps({'event': 'failed', 'reason': 'no server', 'fix': 'Wait.', 'retry_after': 0}))\n"
        "    sys.exit(1)\n"
        "print(json.dumps({'event': 'staged'}))\n"
    )

    async def story() -> None:
        stage = Stage(context, code, monkeypatch)
        stage.stager.stage(Plan("v2", 5), urgent=True)
        await stage.until(3)
        assert stage.told == ["warn no server. Wait. It is tried again in 0.5 s."]
        stage.stager.stop()

    asyncio.run(story())
    assert count.read_text() == "xxx"


def test_a_file_put_into_place_ends_the_wait(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "flag"
    code = (
        "import json, os, sys\n"
        "json.loads(sys.stdin.readline())\n"
        f"if os.path.exists({str(flag)!r}):\n"
        "    print(json.dumps({'event': 'staged'})); sys.exit(0)\n"
        "print(json.dumps({'event': 'failed', 'reason': 'nothing there', 'fix': '', 'retry_after': None}))\n"
        "sys.exit(1)\n"
    )

    async def story() -> None:
        stage = Stage(context, code, monkeypatch)
        stage.stager.stage(Plan("v2", 5), urgent=False)
        await stage.until(1)
        assert stage.stager.next_try_at > 0
        flag.touch()
        stage.stager.look_again()
        await stage.until(2)
        assert stage.stager.next_try_at == 0
        stage.stager.stop()

    asyncio.run(story())


def test_what_no_plan_names_yet_is_proven_without_running_it(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "asked"
    code = f"import sys\nopen({str(out)!r}, 'a').write(sys.stdin.readline())\nprint('{{\"event\":\"staged\"}}')\n"

    async def story() -> None:
        stage = Stage(context, code, monkeypatch)
        stage.stager.prove_ahead(["v2", "v3"])
        async with asyncio.timeout(60):
            while not out.exists() or out.read_text().count("\n") < 2:
                await asyncio.sleep(0.01)
        stage.stager.stop()

    asyncio.run(story())
    assert '"name": "v2"' in out.read_text().replace('":"', '": "')
    assert out.read_text().count("false") >= 2


def test_a_scout_that_dies_is_started_again_and_harms_nobody(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "count"
    code = f"open({str(out)!r}, 'a').write('x')\nraise SystemExit(3)"
    monkeypatch.setattr(program, "command", lambda *_: [sys.executable, "-c", code])
    monkeypatch.setattr(scout, "_FIRST", 0.0)
    monkeypatch.setattr(scout, "_AGAIN", 0.01)

    async def story() -> None:
        told: list[str] = []
        kept = scout.Scout(make_context(home), lambda level, _: told.append(level))
        kept.start()
        async with asyncio.timeout(60):
            while not out.exists() or len(out.read_text()) < 3:
                await asyncio.sleep(0.01)
        await kept.end()
        assert told == ["debug"]

    asyncio.run(story())


def test_a_scout_that_is_off_is_not_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        kept = scout.Scout(make_context(home, cosmovisor_scout="off"), lambda *_: None)
        kept.start()
        assert kept._timer is None

    asyncio.run(story())
