"""What the operator reads about a node that has ended by itself."""

from __future__ import annotations

import pytest

from cosmovisor.decide.ending import ended

OWN_WORDS = "Its own last lines say why."


@pytest.mark.parametrize(
    ("status", "text", "step"),
    [
        (None, "its status is unknown", OWN_WORDS),
        (0, "ended by itself with status 0", ""),
        (1, "ended by itself with status 1", OWN_WORDS),
        (2, "ended by itself with status 2", OWN_WORDS),
        (125, "with status 125", OWN_WORDS),
        (126, "with status 126", "interpreter"),
        (127, "with status 127", "cosmovisor doctor"),
        (128, "with status 128", OWN_WORDS),
        (129, "by signal 1 (status 129)", OWN_WORDS),
        (192, "by signal 64 (status 192)", OWN_WORDS),
        (193, "with status 193", OWN_WORDS),
        (255, "with status 255", OWN_WORDS),
        (-1, "by signal 1 (status 129)", OWN_WORDS),
        (-2, "by signal 2 (status 130)", OWN_WORDS),
        (-3, "by signal 3 (status 131)", OWN_WORDS),
        (-4, "by signal 4 (status 132)", "crashed"),
        (-5, "by signal 5 (status 133)", OWN_WORDS),
        (-6, "by signal 6 (status 134)", "crashed"),
        (-7, "by signal 7 (status 135)", "crashed"),
        (-8, "by signal 8 (status 136)", "crashed"),
        (-9, "killed (signal 9, status 137)", "want of memory"),
        (137, "killed (signal 9, status 137)", "want of memory"),
        (-10, "by signal 10 (status 138)", OWN_WORDS),
        (-11, "by signal 11 (status 139)", "crashed"),
        (139, "by signal 11 (status 139)", "crashed"),
        (-12, "by signal 12 (status 140)", OWN_WORDS),
        (-15, "by signal 15 (status 143)", OWN_WORDS),
    ],
)
def test_a_status_is_told_in_words_with_where_to_look(status: int | None, text: str, step: str) -> None:
    told, next_step = ended(status)
    assert text in told
    assert step in next_step
    assert bool(next_step) == bool(step)
