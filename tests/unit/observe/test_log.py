"""Log lines look like the Go tool's, and nothing from outside can forge one."""

from __future__ import annotations

import os
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosmovisor.config.settings import Settings
from cosmovisor.config.time_words import GO_LAYOUTS
from cosmovisor.observe import log as module
from cosmovisor.observe.log import Log, field, line, stamp
from cosmovisor.observe.secrets import conceal

AT = 1_136_239_445.5  # 2006-01-02 22:04:05.5 UTC, Go's own moment


@pytest.fixture
def zone(monkeypatch):
    def use(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    monkeypatch.delenv("TZ")
    time.tzset()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("layout", "01/02 03:04:05PM '06 -0700"),
        ("ansic", "Mon Jan  2 15:04:05 2006"),
        ("unixdate", "Mon Jan  2 15:04:05 MST 2006"),
        ("rubydate", "Mon Jan 02 15:04:05 -0700 2006"),
        ("rfc822", "02 Jan 06 15:04 MST"),
        ("rfc822z", "02 Jan 06 15:04 -0700"),
        ("rfc850", "Monday, 02-Jan-06 15:04:05 MST"),
        ("rfc1123", "Mon, 02 Jan 2006 15:04:05 MST"),
        ("rfc1123z", "Mon, 02 Jan 2006 15:04:05 -0700"),
        ("rfc3339", "2006-01-02T15:04:05-07:00"),
        ("rfc3339nano", "2006-01-02T15:04:05.5-07:00"),
        ("kitchen", "3:04PM"),
        ("", ""),
    ],
)
def test_times_are_written_as_go_writes_them(zone, word, text):
    zone("MST7")
    assert stamp(word, AT) == text


def test_utc_is_z_and_a_whole_second_has_no_fraction(zone):
    zone("UTC")
    assert stamp("rfc3339", AT) == "2006-01-02T22:04:05Z"
    assert stamp("rfc3339nano", AT - 0.5) == "2006-01-02T22:04:05Z"


@pytest.mark.parametrize(
    ("hour", "text"), [(0, "12:04AM"), (11, "11:04AM"), (12, "12:04PM"), (23, "11:04PM")]
)
def test_kitchen_has_twelve_hours(zone, hour, text):
    zone("UTC")
    assert stamp("kitchen", AT + (hour - 22) * 3600) == text


def test_every_time_word_can_be_written():
    for word in GO_LAYOUTS:
        assert stamp(word, AT)


def test_a_plain_line():
    text = line(
        "INF", "running app", {"path": "/h/bin/simd", "args": ["version"]}, when="3:04PM", colour=False
    )
    assert text == '3:04PM INF running app args=["version"] module=cosmovisor path=/h/bin/simd'


def test_no_time_leaves_no_column():
    assert line("INF", "x", {}, when="", colour=False) == "INF x module=cosmovisor"


def test_a_coloured_line_has_the_go_tools_colours():
    text = line("INF", "running app", {"args": ["version"]}, when="3:04PM", colour=True)
    assert text == (
        "\x1b[90m3:04PM\x1b[0m \x1b[32mINF\x1b[0m \x1b[1mrunning app\x1b[0m "
        '\x1b[36margs=\x1b[0m["version"] \x1b[36mmodule=\x1b[0mcosmovisor'
    )


def test_an_error_field_comes_first():
    assert line("ERR", "x", {"attempt": 1, "error": "no way"}, when="", colour=False).startswith(
        'ERR x error="no way" attempt=1'
    )


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (True, "true"),
        (None, "null"),
        (5, "5"),
        ("", '""'),
        ("a b", '"a b"'),
        ('a"b', '"a\\"b"'),
        ([], "[]"),
        (("a", 'b"'), '["a","b\\""]'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_fields(item, text):
    assert field(item) == text


@given(st.text(), st.text())
def test_nothing_from_outside_can_begin_a_line_or_reach_the_terminal(message, item):
    text = line("INF", message, {"name": item, "list": [item]}, when="", colour=False)
    assert text.isprintable()


def test_lines_are_bounded():
    text = line("INF", "x" * 10**6, {"a": "y" * 10**6, "b": ["z"] * 10**6}, when="", colour=False)
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        (
            "see https://u:p@host/x?checksum=sha256:12&token=abc.",
            "see https://***@host/x?checksum=sha256:12&token=***",
        ),
        ("https://host/x?a&archive=false#f", "https://host/x?a&archive=false#f"),
        ("a https://u@h and http://v:w@h2/p", "a https://***@h and http://***@h2/p"),
        ("x?checksum=file:https://u:p@h/s?key=1", "x?checksum=file:https://***@h/s?key=***"),
        ("https://h/x?checksum=file:https://u:p@h/s", "https://h/x?checksum=file:https://***@h/s"),
        ("https://u:p@ss@host", "https://***@host"),
    ],
)
def test_secrets_of_urls_are_not_shown(text, shown):
    assert conceal(text) == shown
    assert shown in line("INF", text, {"url": text}, when="", colour=False)


@given(st.text(alphabet="ab:/?&=@#. "))
def test_a_password_never_survives(text):
    assert "SECRET" not in conceal(f"{text} https://u:SECRET@host/p?t=SECRET&x=SECRET {text}")


def read(fd):
    return os.read(fd, 100_000).decode()


def test_a_log_writes_its_line_to_its_stream_and_to_listeners():
    out, into = os.pipe()
    heard = []
    log = Log(into, word="", clock=lambda: AT)
    log.listeners.append(lambda *given: heard.append(given))
    log.info("one", a=1)
    log.warning("two")
    log.error("three", error="x")
    lines = read(out).split("\n")
    assert lines == [
        "INF one a=1 module=cosmovisor",
        "WRN two module=cosmovisor",
        "ERR three error=x module=cosmovisor",
        "",
    ]
    assert [level for level, _, _ in heard] == ["INF", "WRN", "ERR"]
    os.close(into)
    os.close(out)


def test_the_settings_choose_stream_time_and_colour():
    settings = Settings("/h", "simd")
    assert Log.of(settings).fd == 2
    assert Log.of(settings).colour
    quiet = Log.of(Settings("/h", "simd", cosmovisor_disable_logs=True, cosmovisor_color_logs=False))
    assert (quiet.fd, quiet.colour) == (-1, False)
    assert (
        Log.of(Settings("/h", "simd", cosmovisor_log_stream="stdout", cosmovisor_timeformat_logs="")).fd == 1
    )
    quiet.info("nothing is written")


def test_a_reader_that_has_gone_is_no_reason_to_stop(monkeypatch):
    out, into = os.pipe()
    os.close(out)
    Log(into).info("into nothing")
    os.close(into)
    Log(into).info("closed")


def test_a_line_is_one_write(monkeypatch):
    seen = []

    def write(fd, data):
        seen.append(data)
        return len(data)

    monkeypatch.setattr(module.os, "write", write)
    Log(2, word="rfc3339").info("x", y="z")
    assert len(seen) == 1
    assert re.fullmatch(rb"\d{4}-.* INF x module=cosmovisor y=z\n", seen[0])
