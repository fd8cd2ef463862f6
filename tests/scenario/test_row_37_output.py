"""The node's streams are its own: byte for byte, without limit, with nothing of ours among them."""

from __future__ import annotations

import re
import sys

import pytest


def script(world, text: str) -> None:
    path = world.tree / "genesis" / "bin" / world.prog
    path.parent.mkdir(parents=True)
    path.write_text(f"#!{sys.executable} -SEs\n{text}")
    path.chmod(0o755)


@pytest.mark.complaint(38)
def test_a_line_of_five_megabytes_passes_untouched(world):
    script(
        world,
        "import sys\nsys.stdout.write('x' * 5_000_000 + chr(10))\nsys.stdout.buffer.write(bytes(range(256)))\n",
    )
    cosmovisor = world.run("start")
    assert cosmovisor.wait() == 0
    assert cosmovisor.stdout_path.read_bytes() == b"x" * 5_000_000 + b"\n" + bytes(range(256))


@pytest.mark.complaint(37)
def test_our_own_words_go_to_stderr_alone(world):
    script(world, "import sys\nsys.stdout.write('{\"a\": 1}')\n")
    cosmovisor = world.run("start")
    assert cosmovisor.wait() == 0
    assert cosmovisor.output() == '{"a": 1}'


@pytest.mark.complaint(37)
def test_a_query_through_us_is_the_query_alone(world):
    world.genesis("v1")
    done = world.command("run", "version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1.0.0\n", "")


@pytest.mark.complaint(37)
def test_words_on_stderr_do_not_hinder_the_upgrade(world):
    world.genesis(
        "v1", noisy="WARNING:(ast) sonic only supports go1.17~1.23, but your environment is not suitable"
    )
    world.place("v2")
    world.run()
    world.schedule("v2", blocks=6)
    world.until_blocks_of("v2")
    world.verify()


@pytest.mark.complaint(37)
def test_our_log_is_silent_where_it_is_switched_off(world):
    script(world, "import sys\nsys.stderr.write('mine' + chr(10))\n")
    cosmovisor = world.run("start", variables={"COSMOVISOR_DISABLE_LOGS": "true"})
    assert cosmovisor.wait() == 0
    assert cosmovisor.log() == "mine\n"


@pytest.mark.complaint(37)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_our_log_goes_where_and_looks_as_it_is_set(world, stream):
    script(world, "print('the node speaks')\n")
    settings = {"COSMOVISOR_COLOR_LOGS": "false", "COSMOVISOR_TIMEFORMAT_LOGS": "rfc3339"}
    cosmovisor = world.run("start", variables={**settings, "COSMOVISOR_LOG_STREAM": stream})
    assert cosmovisor.wait() == 0
    there, elsewhere = cosmovisor.output(), cosmovisor.log()
    if stream == "stderr":
        there, elsewhere = elsewhere, there
    said = [line for line in there.splitlines() if "module=cosmovisor" in line]
    assert any("running app" in line for line in said)
    for line in said:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) (INF|WRN|ERR) [^\x1b]*$", line), (
            line
        )
    assert "module=cosmovisor" not in elsewhere
    assert "the node speaks" in cosmovisor.output()


def test_our_log_is_coloured_and_says_only_the_time_of_day_by_default(world):
    script(world, "print('the node speaks')\n")
    cosmovisor = world.run("start")
    assert cosmovisor.wait() == 0
    lines = [line for line in cosmovisor.log().splitlines() if "running app" in line]
    assert len(lines) == 1
    assert re.match(r"\x1b\[90m\d{1,2}:\d\d(AM|PM)\x1b\[0m \x1b\[32mINF\x1b\[0m ", lines[0]), lines
