"""A stop writes what is new while the node still ends; after its end only what has changed since."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from pathlib import Path

import pytest
from tests.unit.supervisor.conftest import Script, make_context

from cosmovisor.decide import events
from cosmovisor.model.state import SignState
from cosmovisor.observe.log import Log
from cosmovisor.storage import calls, document
from cosmovisor.supervisor import first, shell, signing
from cosmovisor.supervisor.context import Context

_SIGNED = '{{"height": "{}", "round": 0, "step": 3}}'


def make_validator(home: Path, height: int) -> Path:
    """Give a home a key that has signed up to a height; return the sign-state file."""
    (home / "config").mkdir()
    # One key runs once on a machine, and other tests run beside this one.
    address = hashlib.sha1(str(home).encode(), usedforsecurity=False).hexdigest().upper()
    (home / "config" / "priv_validator_key.json").write_text(json.dumps({"address": address}))
    (home / "config" / "genesis.json").write_text(json.dumps({"chain_id": "c-1"}))
    path = home / "data" / "priv_validator_state.json"
    path.write_text(_SIGNED.format(height))
    return path


def stop(context: Context, monkeypatch: pytest.MonkeyPatch, *, ahead: bool) -> tuple[int, list[str]]:
    """Start the node, stop it when it is ready; return the status and what was done since, in order."""
    done: list[str] = []
    real = calls.replace

    def replaced(path: str, new: str) -> None:
        real(path, new)
        done.append(Path(new).name)

    monkeypatch.setattr(calls, "replace", replaced)
    start = first.Start(context, first.beginning(context, document.load(context.layout.state_file).state))
    first.run(start, events.Started(time.monotonic()))
    assert start.launched is not None
    ready, go = Path(context.node_home, "ready"), Path(context.node_home, "go")

    async def until(seen: object) -> None:
        while not seen():  # type: ignore[operator]
            await asyncio.sleep(0.005)

    async def story() -> int:
        async with asyncio.timeout(60):
            running = shell.Shell(context, start, Log(-1), -1)
            ended = running._ended

            def told(event: events.NodeExited) -> None:
                done.append("node gone")
                ended(event)

            monkeypatch.setattr(running, "_ended", told)
            whole = asyncio.create_task(running.run())
            await until(ready.exists)
            await until(lambda: running.seen is not None and not running.is_busy())
            done.clear()
            running.put(events.SignalCame(time.monotonic(), "TERM", terminal=False))
            await until(Path(context.node_home, "asked").exists)
            if ahead:
                await until(lambda: "state.json" in done)
            go.touch()
            return await whole

    return asyncio.run(story()), done


#: Tells that it is ready, notes the signal, and ends when it may; in between it may do what is put in.
_NODE = """
cd "$DAEMON_HOME"
trap 'touch asked; until test -e go; do sleep 0.01; done; {}; exit 0' TERM
touch ready
while :; do sleep 0.01; done
"""


@pytest.fixture
def quiet(home: Path) -> Context:
    return make_context(home, cosmovisor_scout="off")


def test_where_nothing_is_new_nothing_is_written(
    quiet: Context, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("genesis", _NODE.format(":"))
    assert stop(quiet, monkeypatch, ahead=False) == (0, ["node gone"])


def test_what_a_key_has_signed_before_the_stop_is_durable_before_the_node_is_gone(
    quiet: Context, script: Script, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_validator(home, 5)
    script("genesis", f"echo '{_SIGNED.format(7)}' > {path}\n" + _NODE.format(":"))
    assert stop(quiet, monkeypatch, ahead=True) == (0, ["state.json", "node gone"])
    assert [state.height for state in document.load(quiet.layout.state_file).state.sign_states] == [7]


def test_what_a_key_signs_while_it_ends_is_durable_before_we_end(
    quiet: Context, script: Script, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_validator(home, 5)
    late = f'printf %s "$LATE" > {path}'
    script(
        "genesis", f"echo '{_SIGNED.format(7)}' > {path}\nLATE='{_SIGNED.format(9)}'\n" + _NODE.format(late)
    )
    assert stop(quiet, monkeypatch, ahead=True) == (0, ["state.json", "node gone", "state.json"])
    assert [state.height for state in document.load(quiet.layout.state_file).state.sign_states] == [9]


def test_a_sign_state_that_cannot_be_read_ahead_is_read_at_the_end(
    quiet: Context, script: Script, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_validator(home, 5)
    script("genesis", f"echo '{_SIGNED.format(7)}' > {path}\n" + _NODE.format(":"))
    real = signing.last
    tries: list[float] = []

    def last(context: Context, at: float) -> SignState | None:
        tries.append(at)
        if len(tries) == 1:
            raise MemoryError
        return real(context, at)

    monkeypatch.setattr(signing, "last", last)
    assert stop(quiet, monkeypatch, ahead=False) == (0, ["node gone", "state.json"])
    assert [state.height for state in document.load(quiet.layout.state_file).state.sign_states] == [7]
