"""Counts of bytes in words."""

from __future__ import annotations

import pytest

from cosmovisor.model.sizes import in_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (19_558, "19.1 KiB"),
        (5 << 20, "5.0 MiB"),
        (66 << 30, "66.0 GiB"),
        (3 << 40, "3.0 TiB"),
        (2000 << 40, "2000.0 TiB"),
    ],
)
def test_a_count_has_the_unit_that_keeps_it_short(count: int, words: str) -> None:
    assert in_words(count) == words
