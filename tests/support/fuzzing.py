"""Random bytes for readers: a quick dose with the same seed in `make test`, random and long in `make fuzz`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: `make fuzz` sets it: so many times as many examples, with random seeds.
FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))


def fuzz(examples: int):
    """Decorate a test with how many examples it takes, times the factor."""
    return settings(
        max_examples=examples * FACTOR,
        deadline=None,
        derandomize=FACTOR == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def mutated(data: bytes):
    """Real bytes with pieces cut out, doubled or overwritten."""

    @st.composite
    def build(draw):
        found = bytearray(data)
        for _ in range(draw(st.integers(1, 4))):
            at = draw(st.integers(0, max(len(found) - 1, 0)))
            size = draw(st.integers(0, 200))
            what = draw(st.sampled_from(["cut", "double", "write", "flip", "end"]))
            if what == "cut":
                del found[at : at + size]
            elif what == "double":
                found[at:at] = found[at : at + size]
            elif what == "write":
                found[at : at + size] = draw(st.binary(max_size=size))
            elif what == "flip" and found:
                found[at] ^= 1 << draw(st.integers(0, 7))
            elif what == "end":
                del found[at:]
        return bytes(found)

    return build()
