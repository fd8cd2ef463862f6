"""Every form in which an operator or the SDK writes the heights to skip."""

from __future__ import annotations

import pytest

from cosmovisor.decide.skip import heights


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("start", ()),
        ("start --unsafe-skip-upgrades", ()),
        ("start --unsafe-skip-upgrades --abcd", ()),
        ("start --unsafe-skip-upgrades 10 --abcd", (10,)),
        ("start --unsafe-skip-upgrades 10 20 --abcd", (10, 20)),
        ("start --unsafe-skip-upgrades 10 20 --abcd 34", (10, 20)),
        ("start --unsafe-skip-upgrades 10 as 20 --abcd", (10, 20)),
        ("start --unsafe-skip-upgrades=10", (10,)),
        ("start --unsafe-skip-upgrades=10 20", (10,)),
        ("start --unsafe-skip-upgrades=20,10", (10, 20)),
        ("start --unsafe-skip-upgrades 10,20", (10, 20)),
        ("start --unsafe-skip-upgrades 10 --x --unsafe-skip-upgrades=30", (10, 30)),
        ("start --unsafe-skip-upgrades=[10,20]", (10, 20)),
        ("start --unsafe-skip-upgrades 0,-3,٣,9223372036854775808", ()),
        ("start --unsafe-skip-upgrades 9223372036854775807", (9223372036854775807,)),
        ("start -- --unsafe-skip-upgrades 10", ()),
        ("start --unsafe-skip-upgrade 10", ()),
        ("start --unsafe-skip-upgrades 1", (1,)),
        ("start 10 --unsafe-skip-upgrades=20", (20,)),
        ("start --unsafe-skip-upgrades '10,20'", (10, 20)),
        ('start --unsafe-skip-upgrades "10"', (10,)),
        ("start --unsafe-skip-upgrades 10? 20", (20,)),
        ("start --unsafe-skip-upgrades " + "1" * 5000, ()),
    ],
)
def test_the_heights_to_skip(arguments: str, expected: tuple[int, ...]) -> None:
    assert heights(arguments.split()) == expected


def test_a_hostile_number_of_heights_is_bounded() -> None:
    assert len(heights(["--unsafe-skip-upgrades=" + ",".join(str(n) for n in range(1, 5000))])) == 1024
