"""Go durations are read and written as the Go tool does it."""

from __future__ import annotations

import pytest

from cosmovisor.config.durations import nanoseconds, short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("300ms", 300_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("+5s", 5_000_000_000),
        ("-3m", -180_000_000_000),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006),
        ("2µs", 2_000),
        ("2μs", 2_000),
        ("9223372036s", 9_223_372_036_000_000_000),
    ],
)
def test_go_syntax_is_read(text, expected):
    assert nanoseconds(text) == expected


@pytest.mark.parametrize(
    "text", ["", "+", "bad", "600", "5 s", "5S", "5d", ".s", "s", "-", "1m30", "9223372037s", "9" * 400 + "s"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="."):
        nanoseconds(text)


@pytest.mark.parametrize(
    ("nanos", "expected"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (300_000_000, "300ms"),
        (1_000_000_000, "1s"),
        (1_500_000_000, "1.5s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h0m0s"),
        (-180_000_000_000, "-3m0s"),
    ],
)
def test_go_short_form_is_written(nanos, expected):
    assert short(nanos) == expected


@pytest.mark.parametrize("nanos", [1, 999, 1_001, 406_000_000, 3_599_999_999_999, 2**62])
def test_what_is_written_is_read_back(nanos):
    assert nanoseconds(short(nanos)) == nanos
