"""What makes nights quick changes nothing: constructors that are written out make the values that the product makes."""

from __future__ import annotations

import pytest

from cosmovisor.model.value import replace, value
from tests.simulation import quick
from tests.simulation.quick import constructor


@value
class Plain:
    first: int
    second: str
    third: float = 0.5
    fourth: tuple[int, ...] = ()


@value
class Written:
    first: int
    second: str
    third: float = 0.5
    fourth: tuple[int, ...] = ()


Written.__init__ = constructor(Written)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ((1, "a"), {}),
        ((1,), {"second": "a"}),
        ((), {"second": "a", "first": 1}),
        ((1, "a", 2.0, (3,)), {}),
        ((1, "a"), {"fourth": (1,)}),
        ((1,), {}),
        ((1, "a", 2.0, (), 5), {}),
        ((1, "a"), {"second": "b"}),
        ((1, "a"), {"fifth": 5}),
    ],
)
def test_a_constructor_that_is_written_out_makes_the_same_value_or_refuses_likewise(given, named) -> None:
    try:
        plain = Plain(*given, **named)
    except TypeError:
        with pytest.raises(TypeError):
            Written(*given, **named)
        return
    written = Written(*given, **named)
    assert vars(written) == vars(plain)
    assert written == replace(written, first=1)
    assert hash(written) == hash(replace(written, first=1))


def test_a_question_is_asked_again_only_where_it_differs() -> None:
    asked = []

    def double(number: int) -> int:
        asked.append(number)
        return 2 * number

    call = quick.remembering(double)
    assert [call(1), call(1), call(2), call(1)] == [2, 2, 4, 2]
    assert asked == [1, 2, 1]


def test_a_look_is_taken_again_after_each_change_of_the_disk() -> None:
    disk, looks = [0], []

    def look(path: str) -> str:
        looks.append(path)
        return f"{path} {disk[0]}"

    call = quick.seeing(look, lambda: disk[0], lambda found: "never kept" not in found)
    assert [call("a"), call("a"), call("never kept"), call("never kept")][1] == "a 0"
    disk[0] = 1
    assert call("a") == "a 1"
    assert looks == ["a", "never kept", "never kept", "a"]
