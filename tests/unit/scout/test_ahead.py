"""Staging ahead: one process at a time, told never to execute, bounded in number, time and tries."""

from __future__ import annotations

import fcntl
import json
import sys
import time

from cosmovisor.model.plan import Plan
from cosmovisor.scout import staging_run
from cosmovisor.scout.ahead import PAUSE, PLANS_LIMIT, TRIES, Ahead

V2, V3 = Plan("v2", 100, "info"), Plan("v3", 200)
HEAD = "import json, os, sys, time\norder = json.loads(sys.stdin.readline())\n"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def stager(tmp_path, script: str, clock: Clock, limit: float = 1e9) -> Ahead:
    path = tmp_path / "stage.py"
    path.write_text(f"{HEAD}out = {str(tmp_path)!r}\n{script}")
    return Ahead([sys.executable, str(path)], {"PATH": "/usr/bin:/bin"}, limit, clock)


def until(stage: Ahead, condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, stage.states
        stage.step()
        time.sleep(0.01)


def is_free(path) -> bool:
    """Whether nobody who has inherited the lock lives any more."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


GOOD = """
open(os.path.join(out, "order"), "a").write(json.dumps(order) + chr(10))
print("not json"); print(json.dumps({"event": "progress", "text": "10 %"}), flush=True)
print(json.dumps({"event": "staged"}))
"""


def test_a_plan_is_staged_without_anything_being_executed(tmp_path):
    stage = stager(tmp_path, GOOD, Clock())
    stage.want([V2])
    until(stage, lambda: stage.states[V2] == "fetched and checked")
    for _ in range(5):
        stage.step()
    orders = (tmp_path / "order").read_text().splitlines()
    assert [json.loads(one) for one in orders] == [
        {"name": "v2", "height": 100, "info": "info", "urgent": False, "execute": False}
    ]


def test_plans_are_staged_one_after_the_other_and_their_number_is_bounded(tmp_path):
    stage = stager(tmp_path, GOOD, Clock())
    plans = [Plan(f"v{number}", 100) for number in range(PLANS_LIMIT + 5)]
    stage.want([*plans, *plans])
    assert list(stage.states) == plans[:PLANS_LIMIT]
    until(stage, lambda: set(stage.states.values()) == {"fetched and checked"})
    assert len((tmp_path / "order").read_text().splitlines()) == PLANS_LIMIT


def test_a_failure_is_tried_again_after_a_pause_and_in_the_end_given_up(tmp_path):
    clock = Clock()
    bad = (
        GOOD.replace('{"event": "staged"}', '{"event": "failed", "reason": "404", "retry_after": 5}')
        + "sys.exit(1)"
    )
    stage = stager(tmp_path, bad, clock)
    stage.want([V2])
    pause = PAUSE
    for tries in range(1, TRIES + 3):
        until(stage, lambda: stage.states[V2] == "failed: 404")
        count = len((tmp_path / "order").read_text().splitlines())
        assert count == min(tries, TRIES)
        clock.now += pause - 1
        stage.step()
        assert stage.states[V2] == "failed: 404"
        clock.now += 2
        pause *= 2
        stage.step()


def test_one_that_takes_too_long_is_ended_with_its_children(tmp_path):
    clock = Clock()
    stage = stager(
        tmp_path,
        "import fcntl\nheld = open(os.path.join(out, 'held'), 'w')\nfcntl.flock(held, fcntl.LOCK_EX)\n"
        "os.fork()\nprint(json.dumps({'event': 'progress', 'text': 'x'}), flush=True)\ntime.sleep(600)",
        clock,
        50,
    )
    stage.want([V2])
    until(stage, lambda: "x" in stage.states[V2])
    clock.now = 51
    until(stage, lambda: "not done within 50 s" in stage.states[V2])
    until(stage, lambda: is_free(tmp_path / "held"))


def test_a_process_whose_plan_is_no_longer_wanted_is_ended(tmp_path):
    stage = stager(
        tmp_path,
        "print(json.dumps({'event': 'progress', 'text': order['name']}), flush=True)\ntime.sleep(600)",
        Clock(),
    )
    stage.want([V2])
    until(stage, lambda: "v2" in stage.states[V2])
    stage.want([V3])
    until(stage, lambda: "v3" in stage.states[V3])
    assert V2 not in stage.states
    stage.stop()


def test_floods_and_garbage_on_its_output_are_survived(tmp_path):
    flood = "sys.stdout.write('[' * 5_000_000 + chr(10)); sys.stdout.write('{\"a\":' * 9000 + chr(10))\nprint(json.dumps({'event': 'staged'}))"
    stage = stager(tmp_path, flood, Clock())
    stage.want([V2])
    until(stage, lambda: stage.states[V2] == "fetched and checked")


def test_a_command_that_cannot_be_started_is_a_failure():
    stage = Ahead(["/nonexistent/program"], {}, 5.0, Clock())
    stage.want([V2])
    stage.step()
    assert stage.states[V2].startswith("failed")


def test_the_command_is_for_the_same_home():
    assert staging_run.command("/c.toml")[-2:] == ["--cosmovisor-config", "/c.toml"]
    assert "prepare-upgrade" in staging_run.command(None)
